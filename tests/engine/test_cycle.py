"""Cycle after cycle on a CRM in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from crmsync.connection import Connection
from crmsync.errors import OtherOrg, SettingsError
from crmsync.model import Gone, Page, Query
from crmsync.store.sqlite import SqliteStore
from support.engine import Engine


def fill(engine: Engine, people: int = 10) -> None:
    """Two accounts, contacts of them, leads and a deal."""
    crm = engine.crm
    for name in "AB":
        crm.put("Account", f"001{name}", Name=f"Account {name}", Industry="Tech")
    for i in range(people):
        crm.put("Contact", f"003{i:03d}", Email=f"c{i}@x.org", LastName="Doe", AccountId="001A" if i % 2 else "001B")
        crm.put("Lead", f"00Q{i:03d}", Email=f"l{i}@x.org", LastName="Roe", Score=i)
    crm.put("Deal", "0061", Name="Deal", Amount=5)


@pytest.mark.rule("R-017", "R-081", "R-048")
def test_a_first_cycle_copies_everything_and_both_sides_agree(engine: Engine) -> None:
    """Every record of every object is there, counted as new, and a verification finds nothing."""
    fill(engine)
    summary = engine.sync()
    assert summary.status == "succeeded"
    assert summary.counts.new == 2 + 10 + 10 + 1
    assert engine.one("SELECT COUNT(*) FROM person") == 20
    found = engine.verify()
    assert found.ok
    assert found.different == found.explained == []


@pytest.mark.rule("R-005")
def test_a_later_cycle_processes_only_what_changed(engine: Engine) -> None:
    """One update, one deletion, one new record: nothing else is counted."""
    fill(engine)
    engine.sync()
    engine.crm.tick(10)
    engine.crm.put("Contact", "003001", Title="CTO")
    engine.crm.put("Contact", "003900", Email="new@x.org", LastName="New")
    engine.crm.delete("Lead", "00Q002")
    counts = engine.sync().counts
    assert (counts.new, counts.updated, counts.deleted, counts.skipped) == (1, 1, 1, 0)
    assert engine.verify().ok


@pytest.mark.rule("R-015", "R-341")
def test_steps_carry_the_documented_operation_names_and_counts(engine: Engine) -> None:
    """Deletes come before conversions, those before updates; each step has start, end, status and counts."""
    fill(engine)
    engine.sync()
    engine.crm.tick(10)
    engine.crm.delete("Deal", "0061")
    summary = engine.sync()
    steps = engine.steps(summary.run)
    assert {operation for _, operation in steps} == {"sync schema", "pull deletes", "pull conversions", "pull updates"}
    assert steps["Deal", "pull deletes"]["deleted"] == 1
    assert all(step["status"] == "succeeded" for step in steps.values())
    assert all(row[0] for row in engine.sql("SELECT ended_at FROM crmsync_step"))


def test_an_idle_cycle_writes_one_transaction(engine: Engine) -> None:
    """Nothing changed: step rows, cursors and the lease, in one commit."""
    fill(engine)
    engine.sync()
    commits: list[int] = []

    async def idle(connection: Connection) -> int:
        await connection.sync()
        store = await connection.opened.store()
        assert isinstance(store, SqliteStore)
        write = store.database.write

        async def counted(*args: Any, **kwargs: Any) -> Any:
            commits.append(1)
            return await write(*args, **kwargs)

        object.__setattr__(store.database, "write", counted)
        engine.crm.tick(60)
        await connection.sync()
        return len(commits)

    engine.crm.tick(3600)
    engine.sync()
    engine.crm.tick(3600)
    assert engine.use(idle) == 1


@pytest.mark.rule("R-097", "R-096")
def test_a_local_account_edit_lives_until_the_account_moves(engine: Engine) -> None:
    """It shows on all contacts, the CRM keeps its own, verification explains it, the next CRM update ends it."""
    fill(engine)
    engine.sync()
    engine.sql("UPDATE person_full SET industry = 'Art' WHERE crm_id = '003001'")
    assert engine.one("SELECT COUNT(*) FROM person_full WHERE industry = 'Art'") == 5
    engine.sync()
    assert engine.crm.objects["Account"]["001A"]["Industry"] == "Tech"
    found = engine.verify()
    assert found.ok
    assert {one["rule"] for one in found.explained} == {"local edit (R-095, R-097)"}
    engine.crm.tick(10)
    engine.crm.put("Account", "001A", Name="Renamed")
    engine.sync()
    assert engine.sql("SELECT name, industry FROM account WHERE crm_id = '001A'") == [("Renamed", "Tech")]
    assert engine.verify().explained == []


@pytest.mark.rule("R-109", "R-100")
def test_a_contact_that_moves_account_follows_it(engine: Engine) -> None:
    """One contact has one account; the move is one changed value."""
    fill(engine)
    engine.sync()
    engine.crm.tick(10)
    engine.crm.put("Contact", "003001", AccountId="001B")
    engine.sync()
    assert engine.sql("SELECT company FROM person_full WHERE crm_id = '003001'") == [("Account B",)]
    kinds = engine.sql("SELECT kind, field, old_value, new_value FROM activity")
    assert kinds == [("Change Data Value", "account_crm_id", "001A", "001B")]


@pytest.mark.rule("R-274")
def test_a_conversion_is_its_own_step(engine: Engine) -> None:
    """The lead's row becomes the contact; the step counts an update."""
    fill(engine)
    engine.sync()
    row = engine.one("SELECT id FROM person WHERE crm_id = '00Q003'")
    engine.crm.tick(10)
    engine.crm.put("Contact", "003500", Email="l3@x.org", LastName="Roe", AccountId="001A")
    engine.crm.join("Lead", "00Q003", "003500", "Contact", "converted")
    summary = engine.sync()
    assert engine.steps(summary.run)["Lead", "pull conversions"]["updated"] == 1
    assert engine.sql("SELECT id, crm_type FROM person WHERE crm_id = '003500'") == [(row, "contact")]
    assert engine.verify().ok


def test_a_missing_parent_is_read_by_id(engine: Engine) -> None:
    """A contact whose account the account feed has not told of yet brings it along."""
    fill(engine)
    engine.sync()
    engine.crm.tick(10)
    engine.crm.put("Account", "001C", Name="Late", Industry="x")
    engine.crm.objects["Account"]["001C"]["Stamp"] = "2025-12-31T00:00:00.000Z"  # committed late, below the mark
    engine.crm.put("Contact", "003001", AccountId="001C")
    engine.sync()
    assert engine.sql("SELECT company FROM person_full WHERE crm_id = '003001'") == [("Late",)]


@pytest.mark.rule("R-035", "R-037")
def test_while_disabled_nothing_moves_and_afterwards_all_is_picked_up(engine: Engine) -> None:
    """A disabled connection refuses to sync; enabling it brings what happened meanwhile."""
    fill(engine)
    engine.sync()
    engine.use(lambda connection: connection.disable())
    engine.crm.tick(10)
    engine.crm.put("Contact", "003001", Title="CTO")
    engine.crm.delete("Lead", "00Q001")
    with pytest.raises(SettingsError, match="disabled"):
        engine.sync()
    assert engine.one("SELECT COUNT(*) FROM person WHERE title = 'CTO' OR crm_is_deleted = 1") == 0
    engine.use(lambda connection: connection.enable())
    engine.sync()
    assert engine.verify().ok
    assert engine.one("SELECT COUNT(*) FROM person WHERE title = 'CTO' OR crm_is_deleted = 1") == 2


@pytest.mark.rule("R-028")
def test_another_org_is_refused(engine: Engine) -> None:
    """A database that has synced belongs to its org."""
    fill(engine)
    engine.sync()
    engine.crm.org = "ORG2"
    with pytest.raises(OtherOrg, match="ORG1"):
        engine.sync()


def test_an_object_that_stops_does_not_hold_up_the_others(engine: Engine) -> None:
    """Its step fails with what to grant, its rows stay, the others are synced."""
    fill(engine)
    engine.sync()
    engine.crm.hidden.add("Account")
    engine.crm.tick(10)
    engine.crm.put("Contact", "003001", Title="CTO")
    summary = engine.sync()
    assert summary.status == "failed"
    failed = [step for step in engine.steps(summary.run).values() if step["status"] == "failed"]
    assert [(step["object"], step["operation"]) for step in failed] == [("Account", "sync schema")]
    assert "read access to Account" in failed[0]["message"]
    assert engine.one("SELECT title FROM person WHERE crm_id = '003001'") == "CTO"
    assert engine.one("SELECT COUNT(*) FROM account") == 2


@pytest.mark.rule("R-202", "R-204")
def test_a_hidden_field_stops_and_keeps_its_values(engine: Engine) -> None:
    """What the credentials cannot read is absent, never null."""
    fill(engine)
    engine.crm.put("Contact", "003001", Title="CTO")
    engine.sync()
    engine.crm.hidden.add("Contact.Title")
    engine.crm.tick(10)
    engine.crm.put("Contact", "003001", Title="CEO", LastName="Changed")
    engine.sync()
    assert engine.sql("SELECT title, last_name FROM person WHERE crm_id = '003001'") == [("CTO", "Changed")]


def test_asked_to_stop_it_ends_at_the_next_page(engine: Engine) -> None:
    """The run is incomplete, what was stored stays, and the next cycle goes on behind it."""
    fill(engine, people=30)

    async def drained(connection: Connection) -> str:
        def stop(query: Query, number: int) -> None:
            if query.object == "Contact" and query.kind == "load" and number == 3:
                connection.opened.stop.set()

        engine.crm.before_page = stop
        summary = await connection.sync()
        return str(summary.status)

    assert engine.use(drained) == "incomplete"
    before = engine.one("SELECT COUNT(*) FROM person")
    assert 0 < before < 30
    engine.crm.before_page = lambda _query, _number: None
    summary = engine.sync()
    assert summary.status == "succeeded"
    assert engine.steps(summary.run)["Contact", "pull updates"]["new"] == 30 - before
    assert engine.verify().ok


def test_an_id_both_present_and_gone_in_one_page_is_read_by_id(engine: Engine) -> None:
    """The read by id has the last word."""
    fill(engine)
    engine.sync()
    engine.crm.tick(10)
    engine.crm.put("Contact", "003001", Title="alive")
    real = engine.crm._pages

    async def doubled(query: Query) -> AsyncIterator[Page]:
        async for page in real(query):
            gone = [Gone("003001", engine.crm.now())] if query.object == "Contact" and query.kind == "changes" else []
            yield replace(page, gone=gone)

    engine.crm._pages = doubled  # type: ignore[method-assign]
    engine.sync()
    assert engine.sql("SELECT title, crm_is_deleted FROM person WHERE crm_id = '003001'") == [("alive", 0)]


def test_two_connections_of_one_process_do_not_disturb_each_other(engine: Engine) -> None:
    """Reading while a cycle runs needs no lease."""

    async def both(connection: Connection) -> int:
        fill(engine)
        running = asyncio.create_task(connection.sync())
        await asyncio.sleep(0)
        await running
        return int(await connection.report(lambda con: con.execute("SELECT COUNT(*) FROM person").fetchone()[0]))

    assert engine.use(both) == 20


def test_deletions_that_no_feed_told_of_are_found_by_comparing_ids(engine: Engine) -> None:
    """A feed that says it may have missed some is followed by one full read of ids, at most once a day."""
    fill(engine, people=20)
    engine.sync()
    engine.crm.objects["Contact"].pop("003001")
    engine.crm.objects["Deal"].pop("0061")
    engine.crm.gap = True
    engine.crm.tick(10)
    summary = engine.sync()
    assert engine.steps(summary.run)["Contact", "pull deletes"]["deleted"] == 1
    assert engine.sql("SELECT crm_is_deleted FROM person WHERE crm_id = '003001'") == [(1,)]
    assert engine.sql("SELECT * FROM opportunity") == []
    engine.crm.objects["Contact"].pop("003002")
    engine.sync()
    assert engine.sql("SELECT crm_is_deleted FROM person WHERE crm_id = '003002'") == [(0,)]
    engine.crm.tick(90_000)
    engine.sync()
    assert engine.sql("SELECT crm_is_deleted FROM person WHERE crm_id = '003002'") == [(1,)]


def test_a_large_share_that_is_missing_at_once_is_not_believed(engine: Engine) -> None:
    """Nothing is deleted, and a notice says what to look at."""
    fill(engine, people=60)
    engine.sync()
    for number in range(30):
        engine.crm.objects["Contact"].pop(f"003{number:03d}")
    engine.crm.gap = True
    engine.sync()
    assert engine.one("SELECT COUNT(*) FROM person WHERE crm_is_deleted = 1") == 0
    assert "30 of 60 records" in engine.one("SELECT message FROM crmsync_notice WHERE kind = 'deletions'")


def test_a_field_that_was_hidden_and_comes_back_is_explained_until_it_is_refreshed(engine: Engine) -> None:
    """What changed meanwhile is not guessed: verification names the rule and the remedy, and the remedy works."""
    fill(engine)
    engine.crm.put("Contact", "003001", Title="CTO")
    engine.sync()
    engine.crm.hidden.add("Contact.Title")
    engine.sync()
    engine.crm.tick(60)
    engine.crm.put("Contact", "003001", Title="CEO")
    engine.sync()
    engine.crm.hidden.clear()
    engine.crm.tick(60)
    engine.sync()
    found = engine.verify()
    assert found.ok
    assert [one["crm_id"] for one in found.explained] == ["003001"]
    engine.use(lambda connection: connection.refresh(["Contact.Title"]))
    assert engine.one("SELECT title FROM person WHERE crm_id = '003001'") == "CEO"
    assert engine.verify().explained == []
