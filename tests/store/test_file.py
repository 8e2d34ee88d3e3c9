"""The file itself: schema versions, the lease, faults of the disk."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from crmsync.clock import SetClock, SystemClock, stamp
from crmsync.errors import LeaseHeld, LeaseLost, SchemaTooNew, StoreError
from crmsync.model import Field, FieldMap, Type
from crmsync.store import lease, records
from crmsync.store.database import SCHEMA_VERSION, Database, migrate
from crmsync.store.sqlite import SqliteStore
from support.desk import ACCOUNT, CONTACT, ROUTES, Desk, at, route

STEP = "INSERT INTO crmsync_step (run, object, operation, started_at, status)"


def opened(path: Path, work: Callable[[SqliteStore], Awaitable[object]], clock: SetClock | None = None) -> object:
    """Open a store, do one thing, close it."""

    async def run() -> object:
        store = await SqliteStore.open(path, clock or SystemClock())
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


def test_a_new_file_is_in_wal_mode_with_large_pages(desk: Desk) -> None:
    """Readers never wait for the engine, and a load writes few pages."""
    assert desk.one("PRAGMA journal_mode") == "wal"
    assert desk.one("PRAGMA page_size") == 16_384


def test_columns_are_typed(desk: Desk) -> None:
    """Real tables with real columns: STRICT, typed after the field."""
    types = {row[1]: row[2] for row in desk.sql("PRAGMA table_info(person)")}
    assert (types["email"], types["score"], types["unsubscribed"]) == ("TEXT", "INTEGER", "INTEGER")
    assert {row[1]: row[2] for row in desk.sql("PRAGMA table_info(opportunity)")}["amount"] == "ANY"


def test_an_old_file_is_brought_up_to_date(tmp_path: Path) -> None:
    """A file of schema version 1 is opened by a crmsync that knows more, once, with its rows and edits kept."""
    path = tmp_path / "old.db"
    with sqlite3.connect(path) as con:
        migrate(con, 1)
        con.execute("INSERT INTO crmsync_edit VALUES ('person', 1, 'title', 'old', 3, NULL, NULL, 'pending', '2026')")
    for _ in range(2):
        opened(path, lambda store: store.prepare(ROUTES))
    with sqlite3.connect(path) as con:
        kept = con.execute("SELECT base, seq, state, tries, theirs FROM crmsync_edit").fetchall()
        assert kept == [("old", 3, "pending", 0, None)]
        assert con.execute("SELECT COUNT(*) FROM crm_action").fetchone() == (0,)
        assert con.execute("PRAGMA user_version").fetchone() == (SCHEMA_VERSION,)


def test_a_file_of_a_newer_version_is_refused_untouched(desk: Desk) -> None:
    """The message says which version is needed; the file is not written."""
    desk.sql("PRAGMA user_version = 99")
    with pytest.raises(SchemaTooNew, match="schema version 99"):
        opened(desk.path, lambda store: store.take_lease())
    assert desk.one("PRAGMA user_version") == 99


@pytest.mark.rule("R-200", "R-202", "R-204")
def test_a_new_field_adds_a_column_and_a_vanished_one_is_kept(desk: Desk) -> None:
    """Nothing is dropped: the column of a field that is gone keeps its values and is marked."""
    desk.pull(CONTACT, ("0031", at(1), "a@x", "Doe", "CTO", 1, None))
    extra = FieldMap(field=Field(name="Color__c", type=Type.TEXT), column="color__c")
    less = tuple(m for m in CONTACT.maps if m.column != "title")
    changed = replace(CONTACT, maps=(*less, extra))
    assert desk.use(lambda store: store.prepare([ACCOUNT, changed])) == ["added person.color__c"]
    assert desk.sql("SELECT title, color__c FROM person") == [("CTO", None)]
    assert desk.sql("SELECT state FROM crmsync_field WHERE object = 'Contact' AND field = 'title'") == [("hidden",)]
    desk.sql("UPDATE person SET color__c = 'red'")
    assert desk.sql("SELECT field FROM crmsync_edit") == [("color__c",)]


@pytest.mark.rule("R-219")
def test_a_type_that_changes_loses_no_value(desk: Desk) -> None:
    """Lifted: the original deletes what does not fit; here the old values stay beside the new column."""
    text = route("Contact", "person", {"color__c": Type.TEXT}, role="contact", two_way=True)
    desk.use(lambda store: store.prepare([ACCOUNT, text]))
    desk.pull(text, ("0031", at(1), "12"), ("0032", at(1), "red"))
    number = route("Contact", "person", {"color__c": Type.INTEGER}, role="contact", two_way=True)
    (said,) = desk.use(lambda store: store.prepare([ACCOUNT, number]))
    assert "color__c__was_text" in said
    assert desk.sql("SELECT color__c, color__c__was_text FROM person ORDER BY id") == [(12, "12"), (None, "red")]


def test_names_are_no_reserved_words(desk: Desk) -> None:
    """Every table and column can be named without quotes in SQLite and PostgreSQL."""
    reserved = {
        "user",
        "group",
        "order",
        "table",
        "select",
        "primary",
        "references",
        "role",
        "default",
        "offset",
        "end",
    }
    tables = [row[0] for row in desk.sql("SELECT name FROM sqlite_master WHERE type IN ('table', 'view')")]
    names = {row[1] for table in tables for row in desk.sql(f"PRAGMA table_info({table})")}
    assert not reserved & ({*tables} | names) - {"role"}  # role is reserved in neither, only in the standard


def test_a_second_process_is_refused_and_told_the_holder(desk: Desk) -> None:
    """While one process runs the cycles, another is refused by name; a reading command is not."""
    code = (
        "import asyncio, sys; from pathlib import Path; from crmsync.clock import SystemClock; "
        "from crmsync.store.sqlite import SqliteStore\n"
        "async def main():\n"
        "    store = await SqliteStore.open(Path(sys.argv[1]), SystemClock())\n"
        "    await store.take_lease(); print('held', flush=True); sys.stdin.read()\n"
        "asyncio.run(main())"
    )
    child = subprocess.Popen(
        [sys.executable, "-c", code, str(desk.path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout
        assert child.stdout.readline() == "held\n"
        with pytest.raises(LeaseHeld, match=f"Process {child.pid} on"):
            opened(desk.path, lambda store: store.take_lease())
        assert opened(desk.path, lambda store: store.read(lambda con: con.execute("SELECT 1").fetchone())) == (1,)
        child.kill()
        child.wait()
        opened(desk.path, lambda store: store.take_lease())  # its holder is dead: no need to wait
    finally:
        child.kill()
        child.communicate()


def test_an_expired_lease_is_taken_over_and_its_former_holder_cannot_write(desk: Desk) -> None:
    """The fencing token of a process that slept past its lease is refused, and nothing of its page is kept."""

    async def run() -> None:
        sleeper = await SqliteStore.open(desk.path, desk.clock)
        await sleeper.take_lease()
        async_clock = desk.clock
        async_clock.advance(timedelta(seconds=lease.LEASE_SECONDS + 1))
        other = await Database.open(desk.path)
        await other.write(lease.take_lease, "elsewhere:1:1", async_clock.now())
        with pytest.raises(LeaseLost, match="elsewhere"):
            await sleeper.apply(desk.batch(CONTACT, [("0031", at(1), "a@x", "Doe", None, 1, None)]), desk.step)
        await other.close()
        await sleeper.close()

    asyncio.run(run())
    assert desk.sql("SELECT * FROM person") == []


@pytest.mark.rule("R-342")
def test_what_a_dead_process_left_in_process_is_cleaned_up(desk: Desk) -> None:
    """Its transaction was rolled back by the database; the next holder closes the step as cleaned up."""
    desk.sql(f"{STEP} VALUES (1, 'Contact', 'pull updates', ?, 'in process')", at(1))
    desk.use(lambda store: store.renew_lease())
    assert desk.one("SELECT status FROM crmsync_step") == "cleaned up"


@pytest.mark.rule("R-340")
def test_steps_are_kept_for_five_days(desk: Desk) -> None:
    """Older ones are forgotten, errors likewise."""
    now = desk.clock.now()
    for days in (4, 6):
        when = stamp(now - timedelta(days=days))
        desk.sql(
            f"{STEP} VALUES (1, 'x', 'y', ?, 'succeeded')",
            when,
        )
    desk.use(lambda store: store.write(records.prune, now))
    assert desk.one("SELECT COUNT(*) FROM crmsync_step") == 1


def test_a_read_only_file_is_told_with_what_to_do(desk: Desk) -> None:
    """The error names the file and the right that is missing."""
    desk.sql("PRAGMA journal_mode = DELETE")
    path = desk.path
    path.chmod(0o400)
    if os.access(path, os.W_OK):  # the superuser may write anything: let SQLite itself say so

        async def refuse(store: SqliteStore) -> None:
            await store.write(lambda con: con.execute("PRAGMA query_only = ON"))
            await store.write(lambda con: con.execute("DELETE FROM activity"))

        with pytest.raises(StoreError, match="right to write"):
            opened(path, refuse)
    else:
        with pytest.raises(StoreError, match="right to write"):
            opened(path, lambda store: store.take_lease())


def test_a_full_disk_keeps_nothing_of_the_page(desk: Desk) -> None:
    """The page is rolled back whole and the message says to free space; afterwards the work goes on."""

    async def fill(store: SqliteStore) -> None:
        await store.take_lease()
        await store.database.read(lambda con: con.execute("SELECT 1").fetchone())
        await store.database._on_thread(
            store.database._writer, lambda con: con.execute("PRAGMA max_page_count = 1").fetchall()
        )
        rows = [(f"003{i}", at(1), "a" * 500, "Doe", None, 1, None) for i in range(5_000)]
        await store.apply(desk.batch(CONTACT, rows), desk.step)

    with pytest.raises(StoreError, match="Free some space"):
        opened(desk.path, fill, desk.clock)
    assert desk.one("SELECT COUNT(*) FROM person") == 0
    assert desk.pull(CONTACT, ("0031", at(1), "a@x", "Doe", None, 1, None)).new == 1


def test_another_kind_of_file_is_told(tmp_path: Path) -> None:
    """A path that names something else is an error that says so, and the file is left alone."""
    path = tmp_path / "notes.txt"
    path.write_text("these are notes, not a database; " * 40)
    with pytest.raises(StoreError, match=r"not a usable database|another kind of file"):
        opened(path, lambda store: store.take_lease())
    assert path.read_text().startswith("these are notes")


def test_a_cancelled_caller_leaves_no_transaction_behind(desk: Desk) -> None:
    """Cancelling a write waits for the database's thread; the next write goes through."""

    async def run(store: SqliteStore) -> None:
        await store.take_lease()
        rows = [(f"003{i}", at(1), "a@x", "Doe", None, 1, None) for i in range(2_000)]
        task = asyncio.create_task(store.apply(desk.batch(CONTACT, rows), desk.step))
        await asyncio.sleep(0.002)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await store.apply(desk.batch(CONTACT, rows), desk.step)

    desk.use(run)
    assert desk.one("SELECT COUNT(*) FROM person") == 2_000


def test_a_new_file_is_its_owners_alone(desk: Desk) -> None:
    """It holds persons' data; whoever else is to read it is let in on purpose."""
    assert desk.path.stat().st_mode & 0o077 == 0
