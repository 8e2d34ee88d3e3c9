"""Backlog and speed: what waits on both sides, how fast it moves, how long it will take."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crmsync.clock import stamp
from crmsync.errors import RouteStopped
from crmsync.model import Kind, Query
from crmsync.store.reports import throughput
from support.engine import Engine
from support.records import ids
from support.simulated import Simulated


def told(sim: Simulated, work: Any) -> Any:
    """What a reading function says at the present of the test's clock."""
    return sim.use(lambda connection: connection.report(work, now=sim.clock.now()))


def waiting(sim: Simulated) -> dict[str, tuple[int, int]]:
    """What waits in the CRM and here, by object, where anything does."""
    lines = told(sim, throughput.backlog)
    return {one["object"]: (one["waiting_crm"], one["waiting_here"]) for one in lines if one["waiting"]}


def ask(sim: Simulated) -> None:
    sim.use(lambda connection: connection.sample_backlog())


def edit(sim: Simulated, name: str, number: int) -> None:
    """Somebody changes that many records in the CRM."""
    for one in list(sim.org.records(name))[:number]:
        sim.org.update(name, one["Id"], {"Description": f"touched {stamp(sim.clock.now())}"})


@pytest.mark.rule("R-358")
def test_what_waits_on_both_sides_is_counted_and_a_cycle_takes_it_in(sim: Simulated) -> None:
    """While the sync is off, edits in the CRM and edits here wait; after a cycle nothing waits.

    Edits that stay here, and those of persons the CRM does not have, or not any more, wait for nothing.
    """
    sim.sync()
    sim.later()
    gone = ids(sim, "Lead")[-1]
    sim.org.delete("Lead", gone)
    sim.sync()
    sim.sql("UPDATE person SET title = 'CTO' WHERE crm_id = ?", gone)
    sim.use(lambda connection: connection.disable())
    sim.later()
    edit(sim, "Contact", 5)
    edit(sim, "Lead", 3)
    edit(sim, "Account", 1)
    leads = "SELECT id FROM person WHERE crm_type = 'lead' LIMIT 2"
    sim.sql(f"UPDATE person SET title = 'CTO', phone = '1' WHERE id IN ({leads})")
    sim.sql("UPDATE account SET industry = 'Art'")
    sim.sql("INSERT INTO person (email) VALUES ('here@x.org')")
    ask(sim)
    assert waiting(sim) == {"Contact": (5, 0), "Lead": (3, 2), "Account": (1, 0)}
    sim.use(lambda connection: connection.enable())
    sim.sync()
    assert waiting(sim) == {}


@pytest.mark.rule("R-361")
def test_samples_come_at_most_hourly_and_cost_nothing_while_all_is_well(sim: Simulated) -> None:
    """A cycle that went through makes no counting call; a sample on demand makes one an object; times are told."""
    sim.sync()
    overview = told(sim, throughput.overview)
    assert overview["sampled_at"] == stamp(sim.clock.now())
    assert overview["next_at"] == stamp(sim.clock.now() + timedelta(hours=1))
    sim.clock.advance(timedelta(minutes=30))
    sim.use(lambda connection: connection.sync())
    assert told(sim, throughput.overview)["sampled_at"] == overview["sampled_at"]
    sim.clock.advance(timedelta(minutes=30))
    sim.use(lambda connection: connection.sync())
    assert sim.calls <= 3
    assert told(sim, throughput.overview)["sampled_at"] == overview["next_at"]
    ask(sim)
    assert sim.calls <= len(told(sim, throughput.backlog))


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A CRM in memory, where an object can fail alone."""
    engine = Engine(tmp_path / "m.db")
    for i in range(10):
        engine.crm.put("Contact", f"003{i:03d}", LastName="Doe")
        engine.crm.put("Lead", f"00Q{i:03d}", LastName="Roe")
    return engine


def fail(engine: Engine, *, page: int = 0) -> list[str]:
    """Let every read of leads fail from that page on; tells which objects were counted since."""
    counted: list[str] = []

    def broken(query: Query, number: int) -> None:
        if query.kind is Kind.COUNT:
            counted.append(query.object)
        elif query.object == "Lead" and number >= page:
            raise RouteStopped("no leads today")

    engine.crm.before_page = broken
    return counted


@pytest.mark.rule("R-361", "R-358")
def test_an_object_that_failed_is_counted_in_the_crm_once_an_hour(engine: Engine) -> None:
    """Its edits wait, those of the others were read; only it is asked for, by the first cycle of an hour."""
    engine.sync()
    engine.crm.tick(3600)
    for i in range(4):
        engine.crm.put("Lead", f"00Q{i:03d}", Title="CTO")
        engine.crm.put("Contact", f"003{i:03d}", Title="CTO")
    counted = fail(engine)
    engine.sync()
    engine.sync()
    assert counted == ["Lead"]
    sql = "SELECT object, waiting_crm FROM crmsync_backlog WHERE at = (SELECT MAX(at) FROM crmsync_backlog)"
    assert dict(engine.sql(sql)) == {"Account": 0, "Contact": 0, "Deal": 0, "Lead": 4}
    engine.crm.tick(3600)
    engine.sync()
    assert counted == ["Lead", "Lead"]


@pytest.mark.rule("R-361")
def test_what_the_crm_does_not_tell_is_not_taken_for_nothing(engine: Engine) -> None:
    """Neither read nor counted: there is no sample of the object, rather than one that says all is well."""
    engine.sync()
    engine.crm.tick(3600)

    def broken(query: Query, _number: int) -> None:
        if query.object == "Lead":
            raise RouteStopped("no leads today")

    engine.crm.before_page = broken
    engine.sync()
    sql = "SELECT object FROM crmsync_backlog WHERE at = (SELECT MAX(at) FROM crmsync_backlog) ORDER BY object"
    assert engine.sql(sql) == [("Account",), ("Contact",), ("Deal",)]


@pytest.mark.rule("R-358")
def test_a_load_that_was_cut_off_leaves_what_it_did_not_bring(engine: Engine) -> None:
    """Before the first load is through, all records that are not here wait."""
    fail(engine, page=2)
    engine.sync()
    assert engine.one("SELECT COUNT(*) FROM person WHERE crm_type = 'lead'") == 6
    assert engine.one("SELECT waiting_crm FROM crmsync_backlog WHERE object = 'Lead'") == 4


def test_a_backlog_is_still_counted_from_the_last_good_read_after_a_week(engine: Engine) -> None:
    """The step that read everything is remembered longer than the five days of the list."""
    engine.sync()
    fail(engine)
    for day in range(1, 8):
        engine.crm.tick(86_400)
        engine.crm.put("Lead", f"00Q{day:03d}", Title=f"day {day}")
        engine.sync()
    assert engine.one("SELECT waiting_crm FROM crmsync_backlog WHERE object = 'Lead' ORDER BY at DESC LIMIT 1") == 7
