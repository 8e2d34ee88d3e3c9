"""What the status, the steps and the errors say of a cycle that has just been."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crmsync.connection import Connection
from crmsync.errors import CrmsyncError, Denied, RouteStopped
from crmsync.model import Page, Query
from crmsync.store.reports import report
from crmsync.store.reports.report import Filter
from support.engine import Engine


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """Four leads, four contacts and an account, synced."""
    engine = Engine(tmp_path / "m.db", retries=3)
    engine.crm.put("Account", "001A", Name="Acme")
    for i in range(4):
        engine.crm.put("Contact", f"003{i}", LastName="Doe", AccountId="001A")
        engine.crm.put("Lead", f"00Q{i}", LastName="Roe", Score=i)
    engine.sync()
    engine.crm.tick(60)
    return engine


def told(engine: Engine, work: Any, *args: Any) -> Any:
    """What a reading function says now."""
    return engine.use(lambda connection: connection.report(work, *args, now=engine.crm.clock.now()))


def asked_by_id(engine: Engine) -> list[tuple[str, ...]]:
    """The ids of every read by id from now on."""
    asked: list[tuple[str, ...]] = []
    real = engine.crm._by_id

    def noted(query: Query) -> Page:
        asked.append(query.ids)
        return real(query)

    engine.crm._by_id = noted  # type: ignore[method-assign]
    return asked


@pytest.mark.rule("R-016")
def test_a_record_that_failed_is_tried_again_a_bounded_number_of_times(engine: Engine) -> None:
    """Then it stays set aside without costing a call, until the CRM changes it: that clears it. Others go on."""
    engine.crm.put("Lead", "00Q1", Score="many")
    engine.crm.put("Lead", "00Q2", Title="CTO")
    asked = asked_by_id(engine)
    for _ in range(6):
        engine.sync()
        engine.crm.tick(3600)
    assert asked == [("00Q1",)] * 2  # once a cycle; the first try was the page itself
    assert engine.sql("SELECT crm_id, tries FROM crmsync_quarantine") == [("00Q1", 3)]
    assert engine.one("SELECT title FROM person WHERE crm_id = '00Q2'") == "CTO"
    assert engine.one("SELECT score FROM person WHERE crm_id = '00Q1'") == 1
    engine.crm.put("Lead", "00Q1", Score=7)
    engine.sync()
    assert engine.one("SELECT score FROM person WHERE crm_id = '00Q1'") == 7
    assert engine.sql("SELECT * FROM crmsync_quarantine") == []


@pytest.mark.rule("R-016")
def test_a_record_that_heals_by_itself_leaves_quarantine(engine: Engine) -> None:
    """The next try stores it, although nobody changed it."""
    engine.crm.put("Lead", "00Q1", Score="many")
    engine.sync()
    engine.crm.objects["Lead"]["00Q1"]["Score"] = 7
    engine.crm.tick(3600)
    engine.sync()
    assert engine.one("SELECT score FROM person WHERE crm_id = '00Q1'") == 7
    assert engine.sql("SELECT * FROM crmsync_quarantine") == []


@pytest.mark.rule("R-341")
def test_a_step_counts_one_of_each(engine: Engine) -> None:
    """New, updated, skipped, failed under pull updates; deleted under pull deletes; with start, end and status."""
    engine.crm.put("Lead", "00Q9", LastName="New")
    engine.crm.put("Lead", "00Q0", Title="CTO")
    engine.crm.put("Lead", "00Q1")
    engine.crm.put("Lead", "00Q2", Score="many")
    engine.crm.delete("Lead", "00Q3")
    began = engine.crm.now()
    summary = engine.sync()
    rows = {row["operation"]: row for row in told(engine, report.steps, Filter(object="lead")) if row["run"] == 2}
    counts = ("new", "updated", "deleted", "failed", "skipped")
    assert {name: tuple(row[one] for one in counts) for name, row in rows.items()} == {
        "sync schema": (0, 0, 0, 0, 0),
        "pull deletes": (0, 0, 1, 0, 0),
        "pull conversions": (0, 0, 0, 0, 0),
        "pull updates": (1, 1, 0, 1, 1),
    }
    assert all(began <= row["started_at"] <= row["ended_at"] for row in rows.values())
    assert {row["status"] for row in rows.values()} == {"succeeded"}
    assert summary.counts.touched == 3


@pytest.mark.rule("R-344", "R-345")
def test_an_error_of_a_record_names_it_on_both_sides(engine: Engine) -> None:
    """The row it has here, and none where it has none; an error of an object names neither."""
    engine.crm.put("Lead", "00Q2", Score="many")
    engine.crm.put("Lead", "00Q9", Score="many")
    engine.crm.hidden.add("Deal")
    engine.sync()
    errors = told(engine, report.errors)
    row = engine.one("SELECT id FROM person WHERE crm_id = '00Q2'")
    found = {(one["level"], one["object"], one["crm_id"], one["row_id"]) for one in errors}
    assert found == {("record", "Lead", "00Q2", row), ("record", "Lead", "00Q9", None), ("job", "Deal", None, None)}
    assert all(one["at"] and one["message"] for one in errors)
    later = engine.crm.clock.now() + timedelta(days=5, seconds=1)
    assert engine.use(lambda connection: connection.report(report.errors, now=later)) == []


def failing(error: CrmsyncError) -> Callable[[Query, int], None]:
    """Every read of leads raises it."""

    def fail(query: Query, _number: int) -> None:
        if query.object == "Lead":
            raise error

    return fail


@pytest.mark.rule("R-339", "R-342")
def test_steps_that_succeed_fail_end_half_way_and_are_cleaned_up(engine: Engine) -> None:
    """Plain, an object that fails, a connection that fails, a kill and its clean-up, with the state of the whole."""

    def statuses() -> set[str]:
        return {status for (status,) in engine.sql("SELECT status FROM crmsync_step WHERE run = ?", run())}

    def run() -> int:
        return int(engine.one("SELECT MAX(id) FROM crmsync_run"))

    def state() -> str:
        return str(told(engine, report.state)["state"])

    assert (statuses(), state()) == ({"succeeded"}, "last synced")

    engine.crm.before_page = failing(RouteStopped("no leads today"))
    engine.sync()
    assert (statuses(), state()) == ({"succeeded", "failed"}, "failed")

    engine.crm.before_page = failing(Denied("not any more"))
    with pytest.raises(Denied):
        engine.sync()
    assert (statuses() & {"incomplete"}, state()) == ({"incomplete"}, "failed")

    engine.crm.before_page = lambda _query, _number: None
    engine.sync()
    engine.sql("UPDATE crmsync_step SET status = 'in process', ended_at = NULL WHERE run = ?", run())
    engine.sql("UPDATE crmsync_run SET status = 'in process', ended_at = NULL WHERE id = ?", run())
    killed = run()
    assert state() == "failed"  # nobody holds the lease
    engine.sync()
    assert engine.sql("SELECT DISTINCT status FROM crmsync_step WHERE run = ?", killed) == [("cleaned up",)]
    assert (statuses(), state()) == ({"succeeded"}, "last synced")


@pytest.mark.rule("R-339", "R-342")
def test_a_step_is_in_process_while_its_pages_come(engine: Engine) -> None:
    """With the first page that is stored, for whoever looks; a stop at the next page makes it incomplete."""
    for i in range(20):
        engine.crm.put("Lead", f"00Q{i:02d}", Title="CTO")
    seen: list[Any] = []

    async def stopped(connection: Connection) -> str:
        def look(query: Query, number: int) -> None:
            if query.object == "Lead" and number == 3:
                with sqlite3.connect(engine.path) as con:
                    seen.extend(
                        con.execute("SELECT status FROM crmsync_step WHERE object = 'Lead' AND ended_at IS NULL")
                    )
                    seen.append(report.state(con, now=engine.crm.clock.now())["state"])
                connection.opened.stop.set()

        engine.crm.before_page = look
        return (await connection.sync()).status

    assert engine.use(stopped) == "incomplete"
    assert seen == [("in process",), "sync in progress"]
    sql = (
        "SELECT status FROM crmsync_step WHERE object = 'Lead' AND operation = 'pull updates' ORDER BY id DESC LIMIT 1"
    )
    assert engine.one(sql) == "incomplete"
    assert told(engine, report.state)["state"] == "last synced"


@pytest.mark.rule("R-340", "R-343")
def test_steps_are_listed_by_start_and_filtered(engine: Engine) -> None:
    """Newest first; by moment, object, operation and status, alone and together; forgotten after five days."""
    middle = engine.crm.clock.now()
    engine.crm.tick(60)
    engine.crm.hidden.add("Deal")
    engine.sync()
    everything = told(engine, report.steps)
    assert [row["started_at"] for row in everything] == sorted((r["started_at"] for r in everything), reverse=True)
    moment = middle.strftime("%Y-%m-%dT%H:%M:%S.000Z")

    def runs(**wanted: str) -> set[tuple[int, str, str]]:
        return {(r["run"], r["object"], r["operation"]) for r in told(engine, report.steps, Filter(**wanted))}

    assert {run for run, _, _ in runs(since=moment)} == {2}
    assert {run for run, _, _ in runs(until=moment)} == {1}
    assert runs(object="Lead", operation="pull updates") == {(n, "Lead", "pull updates") for n in (1, 2)}
    assert runs(status="failed") == {(2, "Deal", "sync schema")}
    assert runs(status="failed", until=moment) == set()
    engine.crm.tick(6 * 86_400)
    engine.sync()
    kept = engine.sql("SELECT DISTINCT run FROM crmsync_step WHERE started_at < ?", engine.crm.now()[:10])
    assert kept == [] or {row for (row,) in kept} <= {1, 2}
    assert {run for run, _, _ in runs()} == {3}


def test_a_cycle_that_cannot_begin_is_told(engine: Engine) -> None:
    """A log-in that is refused is a failed run with its error, like one that fails half way."""

    def no_entry(*_: Any) -> Any:
        raise Denied("the password is wrong")

    engine.crm.connect = no_entry  # type: ignore[assignment,method-assign]
    with pytest.raises(CrmsyncError, match="password"):
        engine.sync()
    assert told(engine, report.state)["state"] == "failed"
    assert [one["level"] for one in told(engine, report.errors)] == ["job"]
