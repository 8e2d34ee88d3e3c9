"""How many calls a day the sync will take: from the runs of the last day."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crmsync.cli import state
from crmsync.clock import stamp
from crmsync.model import Counts
from crmsync.store.batch import Step
from crmsync.store.database import migrate
from crmsync.store.records import begin_run, end_run, save_step
from crmsync.store.reports import forecast
from support.engine import Engine
from support.simulated import Simulated

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def con() -> Iterator[sqlite3.Connection]:
    """The engine's tables, empty."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as con:
        migrate(con)
        yield con


def run(con: sqlite3.Connection, hours: float, calls: int, *, found: int = 0, kind: str = "cycle") -> None:
    """A run that began so many hours ago."""
    number = con.execute("SELECT COUNT(*) FROM crmsync_run").fetchone()[0] + 1
    at = stamp(NOW - timedelta(hours=hours))
    begin_run(con, number, kind, at)
    save_step(con, Step(run=number, object="Lead", operation="pull updates", started_at=at, counts=Counts(new=found)))
    end_run(con, number, at, "succeeded", "", calls)


def quota(con: sqlite3.Connection, used: int, limit: int = 1000) -> None:
    """What the CRM said at the end of the last run."""
    told = json.dumps({"used": used, "limit": limit, "at": stamp(NOW)})
    con.execute("INSERT INTO crmsync_meta VALUES ('quota', ?)", [told])


def told(con: sqlite3.Connection) -> dict[str, Any]:
    """The forecast at a share of four fifths."""
    return forecast.calls(con, now=NOW, share=0.8)


def test_calls_are_scaled_to_a_day_and_told_apart(con: sqlite3.Connection) -> None:
    """In six hours: three idle cycles of three calls each, one that found something, and an action."""
    run(con, 30, 10_000)
    for hours in (6, 4, 2):
        run(con, hours, 3)
    run(con, 1, 13, found=20)
    run(con, 0.5, 1, kind="action")
    found = told(con)
    assert found["hours"] == 6
    assert (found["calls_a_day"], found["idle"], found["work"]) == (92, 48, 44)


def test_nothing_is_foretold_from_less_than_an_hour(con: sqlite3.Connection) -> None:
    """A first load in ten minutes says nothing about the day; a day without any run neither."""
    assert told(con)["calls_a_day"] is None
    run(con, 0.9, 500, found=100_000)
    assert told(con)["calls_a_day"] is None
    assert told(con)["hours"] == 0.9


def test_a_rate_that_the_share_allows_never_uses_it_up(con: sqlite3.Connection) -> None:
    """Calls a day old are free again: what is steady stays below, however close it is."""
    for hours in range(24):
        run(con, hours + 0.999, 20)
    quota(con, used=790)
    found = told(con)
    assert (found["calls_a_day"], found["allowed"], found["reached_at"]) == (480, 800, None)


def test_it_is_told_when_the_share_will_be_used_up(con: sqlite3.Connection) -> None:
    """240 calls since two hours ago are 2,880 a day: the 300 that are left last for two and a half hours."""
    run(con, 2, 120)
    run(con, 1, 120)
    quota(con, used=500)
    found = told(con)
    assert found["calls_a_day"] == 2880
    assert found["reached_at"] == stamp(NOW + timedelta(hours=2.5))


def test_without_a_limit_there_is_nothing_to_reach(con: sqlite3.Connection) -> None:
    """A CRM that tells none, or has none."""
    run(con, 2, 10_000)
    assert (told(con)["allowed"], told(con)["reached_at"]) == (None, None)


def test_our_own_calls_are_free_again_after_a_day(con: sqlite3.Connection) -> None:
    """The oldest first; where we made fewer than are wanted nobody can tell."""
    run(con, 25, 1000)
    run(con, 20, 10)
    run(con, 10, 10)
    assert forecast.free_at(con, NOW, 10) == stamp(NOW + timedelta(hours=4))
    assert forecast.free_at(con, NOW, 11) == stamp(NOW + timedelta(hours=14))
    assert forecast.free_at(con, NOW, 21) is None


def test_status_tells_the_forecast(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """As text and as JSON, with what the share allows; a run's calls are those that were charged, log-in included."""
    sim = Simulated(tmp_path / "m.db")
    sim.sync()
    assert sim.one("SELECT calls FROM crmsync_run") == sim.calls
    for _ in range(3):
        sim.sync()
    idle, now = sim.calls, sim.clock.now()
    lines = sim.use(lambda connection: state.of(connection, now))
    found = lines[0]["forecast"]
    assert found["allowed"] == sim.org.settings.daily_limit * 0.8
    assert found["idle"] == idle * 4 * 24 / 3
    assert found["calls_a_day"] == found["idle"] + found["work"]
    state.show([{"connection": "acme", **one} for one in lines])
    said = " ".join(capsys.readouterr().out.split())
    assert f"last 3 hours: {found['idle']:,} to look for changes and {found['work']:,} for what was found" in said
    assert "is not used up at this rate" in said


def test_status_tells_how_old_the_oldest_waiting_edit_is(tmp_path: Path) -> None:
    """Object by object, beside how long ago it was read."""
    engine = Engine(tmp_path / "m.db")
    engine.crm.put("Lead", "00Q1", LastName="Roe")
    engine.sync()
    engine.sql("UPDATE person SET title = 'new'")
    engine.sql("UPDATE crmsync_edit SET edited_at = ?", stamp(engine.crm.clock.now()))
    now = engine.crm.clock.now() + timedelta(seconds=90)
    (told,) = engine.use(lambda connection: state.of(connection, now))
    lead = next(one for one in told["objects"] if one["object"] == "Lead")
    assert (lead["waiting_here"], lead["push_lag_seconds"], lead["lag_seconds"]) == (1, 90, 90)
    contact = next(one for one in told["objects"] if one["object"] == "Contact")
    assert (contact["waiting_here"], contact["push_lag_seconds"]) == (0, 0)
