"""What samples of the backlog and steps tell: the store alone, filled by hand."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from crmsync.clock import moment, stamp
from crmsync.store.reports import throughput
from support.engine import Engine

NOW = datetime(2026, 3, 10, 12, tzinfo=UTC)


@pytest.fixture
def con(tmp_path: Path) -> Iterator[sqlite3.Connection]:
    """The engine's tables, empty."""
    Engine(tmp_path / "m.db").use(lambda connection: connection.enable())
    with closing(sqlite3.connect(tmp_path / "m.db")) as con:
        yield con


def sample(con: sqlite3.Connection, hours: float, **waiting: int) -> None:
    """A sample so many hours ago."""
    throughput.save_sample(con, waiting, NOW - timedelta(hours=hours))


def step(con: sqlite3.Connection, hours: float, obj: str, operation: str = "pull updates", **counts: int) -> None:
    """A step that ended so many hours ago."""
    at = stamp(NOW - timedelta(hours=hours))
    names = "".join(f", {name}" for name in counts)
    con.execute(
        f"""INSERT INTO crmsync_step (run, object, operation, started_at, ended_at, status{names})
            VALUES (1, ?, ?, ?, ?, 'succeeded'{", ?" * len(counts)})""",
        (obj, operation, at, at, *counts.values()),
    )


@pytest.mark.rule("R-359")
def test_the_trend_has_thirty_points_over_five_days(con: sqlite3.Connection) -> None:
    """One every four hours, the last being now, over all objects; older samples are forgotten."""
    sample(con, 121, Lead=1000)
    for hours in range(120, -1, -1):
        if not 40 < hours <= 48:  # the service was down
            sample(con, hours, Lead=hours, Contact=1000)
    points = throughput.trend(con, now=NOW)
    assert len(points) == 30
    ages = [round((NOW - moment(one["at"])) / timedelta(hours=1)) for one in points]
    assert ages == list(range(116, -1, -4))
    waiting = dict(zip(ages, (one["waiting"] for one in points), strict=True))
    assert (waiting[116], waiting[4], waiting[0]) == (1116, 1004, 1000)
    assert (waiting[48], waiting[44], waiting[40]) == (1049, None, 1040)
    assert con.execute("SELECT MAX(waiting_crm) FROM crmsync_backlog").fetchone() == (1000,)
    assert con.execute("SELECT COUNT(*) FROM crmsync_backlog WHERE object = 'Lead'").fetchone() == (113,)


@pytest.mark.rule("R-360")
def test_speed_is_records_an_hour_of_the_last_day(con: sqlite3.Connection) -> None:
    """Most, least and average by object; what ended longer ago, and hours without a step, do not count."""
    step(con, 24.1, "Lead", new=10_000)
    step(con, 5.5, "Lead", new=10, updated=20, skipped=5, failed=7)
    step(con, 5.6, "Lead", "pull deletes", deleted=5)
    step(con, 3.5, "Lead", updated=100)
    step(con, 1.5, "Lead")
    step(con, 1.5, "Contact", new=6)
    found = throughput.speed(con, NOW)
    assert found["Lead"] == {"most": 100, "least": 0, "average": 46.7}
    assert found["Contact"] == {"most": 6, "least": 6, "average": 6}


@pytest.mark.rule("R-360")
def test_what_is_sent_has_a_speed_of_its_own(con: sqlite3.Connection) -> None:
    """Updates and new records that went to the CRM; what was read before they were written does not count."""
    step(con, 1.5, "Lead", "pull updates", updated=1000)
    step(con, 1.5, "Lead", "push updates", updated=30, skipped=500, failed=2)
    step(con, 0.5, "Lead", "push new", new=10)
    sample(con, 0, Lead=0)
    (line,) = throughput.backlog(con, now=NOW)
    assert (line["per_hour"], line["sent_per_hour"]) == (1000, 20)
    assert (line["sent_per_hour_most"], line["sent_per_hour_least"]) == (30, 10)


@pytest.mark.rule("R-362")
def test_waiting_time_is_backlog_divided_by_average(con: sqlite3.Connection) -> None:
    """A hundred at fifty an hour take two hours; where nothing moved nobody can tell."""
    sample(con, 0, Lead=100, Contact=100, Account=0)
    step(con, 1.5, "Lead", updated=20)
    step(con, 0.5, "Lead", updated=80)
    lines = {one["object"]: one for one in throughput.backlog(con, now=NOW)}
    assert lines["Lead"]["wait_seconds"] == 7200
    assert lines["Contact"]["wait_seconds"] is None
    assert lines["Account"]["wait_seconds"] == 0


@pytest.mark.rule("R-362")
def test_the_way_that_takes_longer_counts(con: sqlite3.Connection) -> None:
    """Fast reads do not hide that nothing, or little, is sent."""
    con.execute("INSERT INTO crmsync_backlog VALUES (?, 'Lead', 100, 50)", [stamp(NOW)])
    con.execute("INSERT INTO crmsync_backlog VALUES (?, 'Contact', 100, 50)", [stamp(NOW)])
    for obj in ("Lead", "Contact"):
        step(con, 0.5, obj, updated=1000)
    step(con, 0.5, "Lead", "push updates", updated=25)
    lines = {one["object"]: one["wait_seconds"] for one in throughput.backlog(con, now=NOW)}
    assert lines == {"Lead": 7200, "Contact": None}


@pytest.mark.rule("R-363")
@pytest.mark.parametrize(("then", "status"), [(99, "growing"), (100, "normal"), (101, "normal"), (None, "normal")])
def test_a_backlog_larger_than_six_hours_ago_grows(con: sqlite3.Connection, then: int | None, status: str) -> None:
    """Equal or smaller is normal; so is one without a sample that old. Younger samples say nothing."""
    if then is not None:
        sample(con, 6, Lead=then)
    sample(con, 5, Lead=0)
    sample(con, 0, Lead=100)
    assert [one["status"] for one in throughput.backlog(con, now=NOW)] == [status]
    assert throughput.overview(con, now=NOW)["status"] == status
