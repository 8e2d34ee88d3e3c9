"""Several connections in one process, and what a connection keeps between its runs."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from crmsync.connection import Connection
from crmsync.errors import StoreError
from crmsync.plugins import wire
from crmsync.service import App
from crmsync.settings import ConnectionSettings, Settings
from crmsync.store import records
from crmsync.store.database import Database
from support.engine import Engine
from support.memory import Crm

Said = list[tuple[str, str, Any]]


def run(crm: Crm, said: Said, **databases: Path) -> int:
    """One turn of every connection; each of them speaks to the same CRM."""
    chosen = {name: ConnectionSettings(connector="memory", database=path) for name, path in databases.items()}

    async def turn() -> int:
        app = App(Settings(connections=chosen), crm.clock)
        for name, one in chosen.items():
            if one.database.name != "unknown.db":
                app._open[name] = Connection(name, one, wire("memory", crm), crm.clock)
        try:
            return await app.run(asyncio.Event(), once=True, say=lambda *told: said.append(told))
        finally:
            await app.close()

    return asyncio.run(turn())


def test_a_connection_that_cannot_open_its_database_does_not_hold_up_the_others(tmp_path: Path) -> None:
    """It is told as failed, with the code of a database; the other one has its cycle."""
    crm, said = Crm(), Said()
    crm.put("Account", "001A", Name="ACME")
    broken = tmp_path / "broken.db"
    broken.write_text("something else than a database " * 100)
    assert run(crm, said, a=broken, b=tmp_path / "b.db") == StoreError.exit_code
    assert {(name, what) for name, what, _ in said} >= {("a", "failed"), ("b", "cycle")}


def test_a_connection_whose_plugin_is_missing_does_not_hold_up_the_others(tmp_path: Path) -> None:
    """It is told as stopped: somebody has to install the plugin."""
    crm, said = Crm(), Said()
    assert run(crm, said, a=tmp_path / "unknown.db", b=tmp_path / "b.db") > 0
    assert {(name, what) for name, what, _ in said} >= {("a", "stopped"), ("b", "cycle")}


def test_a_mistake_in_one_connection_does_not_end_the_others(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody expected that error; the process goes on."""
    crm, said, sync = Crm(), Said(), Connection.sync

    async def mistaken(self: Connection, **options: Any) -> Any:
        if self.name == "a":
            raise ZeroDivisionError("a bug")
        return await sync(self, **options)

    monkeypatch.setattr(Connection, "sync", mistaken)
    assert run(crm, said, a=tmp_path / "a.db", b=tmp_path / "b.db") == 1
    assert {(name, what) for name, what, _ in said} >= {("a", "failed"), ("b", "cycle")}


def test_a_database_that_failed_once_is_tried_again_with_the_next_cycle(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the message promises: another program's lock passes, and so does a full disk."""
    engine.crm.put("Account", "001A", Name="ACME")
    settings = engine.settings.model_copy(update={"pause": 0.01})
    said, write, failures = Said(), Database.write, [1]

    async def locked(self: Database, *args: Any, **kwargs: Any) -> Any:
        if failures:
            failures.pop()
            raise StoreError("database is locked")
        return await write(self, *args, **kwargs)

    async def turns() -> int:
        stop = asyncio.Event()
        app = App(Settings(connections={"acme": settings}), engine.crm.clock)
        app._open["acme"] = Connection("acme", settings, wire("memory", engine.crm), engine.crm.clock)

        def say(*told: Any) -> None:
            said.append(told)
            if told[1] == "cycle":
                stop.set()

        try:
            return await asyncio.wait_for(app.run(stop, say=say), 20)
        finally:
            await app.close()

    monkeypatch.setattr(Database, "write", locked)
    assert asyncio.run(turns()) == 0
    assert [what for _, what, _ in said if what != "paused"] == ["failed", "cycle"]


def test_a_lease_that_cannot_be_given_up_does_not_keep_the_file_open(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full disk at the very end: the threads end, so that the process can, and the lease expires by itself."""
    closed: list[Path] = []
    close = Database.close

    async def closing(self: Database) -> None:
        await close(self)
        closed.append(self.path)

    async def work(connection: Connection) -> None:
        await connection.sync()

        async def full(*_: Any) -> Any:
            raise StoreError("disk is full")

        monkeypatch.setattr(Database, "write", full)

    monkeypatch.setattr(Database, "close", closing)
    engine.use(work)
    assert closed == [engine.path]


@pytest.mark.rule("R-028")
def test_the_org_is_kept_also_when_a_check_opened_the_session(engine: Engine) -> None:
    """A check writes nothing; the first sync of the same connection does."""

    async def both(connection: Connection) -> None:
        await connection.check()
        await connection.sync()

    engine.use(both)
    assert engine.one("SELECT value FROM crmsync_meta WHERE key = 'org'") == "ORG1"


def test_what_a_connector_warns_of_while_it_connects_is_told_by_the_run(tmp_path: Path) -> None:
    """A server that lacks something is noticed at log-in; the summary of the cycle says so."""

    class Poor(Crm):
        @asynccontextmanager
        async def connect(self, settings: Any, context: Any) -> AsyncIterator[Crm]:
            context.warn("the server tells no versions")
            yield self

    assert "the server tells no versions" in Engine(tmp_path / "m.db", Poor()).sync().notes


def test_an_id_may_hold_any_character(engine: Engine) -> None:
    """Quotes and backslashes in the CRM's ids are data like any other."""
    for crm_id in ('003"x', "003\\y", "003'z"):
        engine.crm.put("Contact", crm_id, Email="q@x.org", LastName="Q")
    assert engine.sync().counts.new == 3
    assert engine.verify().ok
    assert sqlite3.connect(engine.path).execute("SELECT COUNT(*) FROM person").fetchone() == (3,)


def test_a_write_that_was_cancelled_and_committed_is_not_repeated(engine: Engine) -> None:
    """The thread cannot be interrupted: what it committed, also what had been deferred, is not written again."""

    async def work(connection: Connection) -> None:
        store = await connection.opened.store()
        store.defer(records.begin_run, 1, "cycle", "2026-01-01T00:00:00.000Z")
        writing = asyncio.create_task(store.write(lambda _con: time.sleep(0.2)))
        await asyncio.sleep(0.05)
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
        await store.write(lambda _con: None)

    engine.use(work)
    assert engine.sql("SELECT id, kind FROM crmsync_run") == [(1, "cycle")]
