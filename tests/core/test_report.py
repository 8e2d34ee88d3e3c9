"""What the reports say of an engine's tables, on a database that only the schema has made."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from crmsync.clock import stamp
from crmsync.model import Counts
from crmsync.store.batch import Step
from crmsync.store.database import migrate
from crmsync.store.lease import take_lease
from crmsync.store.records import Trouble, begin_run, end_run, notice, save_step, save_trouble
from crmsync.store.reports import report
from crmsync.store.reports.report import Filter

NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)


def ago(**by: float) -> str:
    return stamp(NOW - timedelta(**by))


@pytest.fixture
def con() -> Iterator[sqlite3.Connection]:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as con:
        migrate(con)
        yield con


def step(con: sqlite3.Connection, obj: str, began: str, ended: str | None = None, **rest: Any) -> None:
    made = {"run": 1, "operation": "pull updates", "status": "succeeded", **rest}
    save_step(con, Step(object=obj, started_at=began, ended_at=ended, **made))


def objects(rows: list[dict[str, Any]]) -> list[str]:
    return [row["object"] for row in rows]


@pytest.mark.rule("R-340")
def test_steps_are_those_of_five_days_newest_start_first_and_sortable_by_either_end(con: sqlite3.Connection) -> None:
    step(con, "long", ago(hours=3), ago(hours=1))
    step(con, "short", ago(hours=2.5), ago(hours=2))
    step(con, "running", ago(hours=4), status="in process")
    step(con, "old", ago(days=5, minutes=1), ago(days=5))
    assert objects(report.steps(con, now=NOW)) == ["short", "long", "running"]
    assert objects(report.steps(con, now=NOW, oldest_first=True)) == ["running", "long", "short"]
    assert objects(report.steps(con, now=NOW, by_end=True)) == ["running", "long", "short"]


@pytest.mark.rule("R-341")
def test_a_step_tells_start_end_object_operation_status_and_its_counts(con: sqlite3.Connection) -> None:
    counts = Counts(new=1, updated=2, deleted=3, failed=4, skipped=5, pages=6, calls=7, bytes=8)
    step(con, "Contact", ago(hours=1), ago(minutes=59), counts=counts, message="note")
    (row,) = report.steps(con, now=NOW)
    assert row == {
        "id": 1, "run": 1, "started_at": ago(hours=1), "ended_at": ago(minutes=59), "object": "Contact",
        "operation": "pull updates", "status": "succeeded", "new": 1, "updated": 2, "deleted": 3, "failed": 4,
        "skipped": 5, "pages": 6, "calls": 7, "bytes": 8, "message": "note",
    }  # fmt: skip


@pytest.mark.rule("R-342")
def test_a_step_that_was_cut_off_is_cleaned_up_by_the_next_holder(con: sqlite3.Connection) -> None:
    for status in ("succeeded", "failed", "incomplete"):
        step(con, status, ago(hours=1), ago(minutes=50), status=status)
    step(con, "cut off", ago(hours=1), status="in process")
    take_lease(con, "host:1:", NOW)
    found = {row["object"]: row["status"] for row in report.steps(con, now=NOW)}
    assert found == {name: name for name in ("succeeded", "failed", "incomplete")} | {"cut off": "cleaned up"}


@pytest.mark.rule("R-343")
@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (Filter(since=ago(hours=2)), ["c", "b"]),
        (Filter(until=ago(hours=2)), ["b", "a"]),
        (Filter(object="A"), ["a"]),
        (Filter(operation="Pull Deletes"), ["b"]),
        (Filter(status="failed"), ["c"]),
        (Filter(status="failed", object="a"), []),
        (Filter(since=ago(days=9)), ["c", "b", "a", "old"]),
    ],
)
def test_steps_are_filtered_by_time_object_operation_and_status(
    con: sqlite3.Connection, wanted: Filter, found: list[str]
) -> None:
    step(con, "old", ago(days=8))
    step(con, "a", ago(hours=3))
    step(con, "b", ago(hours=2), operation="pull deletes")
    step(con, "c", ago(hours=1), status="failed")
    assert objects(report.steps(con, wanted, now=NOW)) == found


def trouble(con: sqlite3.Connection, level: str, at: str, **rest: Any) -> None:
    save_trouble(con, Trouble(run=1, level=level, **rest), at)


@pytest.mark.rule("R-344", "R-345")
def test_errors_are_of_a_record_with_both_ids_or_of_a_job_and_no_older_than_five_days(con: sqlite3.Connection) -> None:
    con.execute("INSERT INTO crmsync_link VALUES (1, 'Contact', 'c-1', 'person', 77, 'current', '', NULL, 1)")
    trouble(con, "job", ago(days=6), message="old")
    trouble(con, "job", ago(hours=2), object="Contact", code="later", message="503", hint="wait")
    trouble(con, "record", ago(hours=1), object="Contact", crm_id="c-1", message="too long")
    first, second = report.errors(con, now=NOW)
    assert (first["level"], first["crm_id"], first["row_id"], first["message"]) == ("record", "c-1", 77, "too long")
    assert (second["level"], second["at"], second["message"], second["hint"]) == ("job", ago(hours=2), "503", "wait")


@pytest.mark.rule("R-346")
def test_errors_are_filtered_by_time_and_level(con: sqlite3.Connection) -> None:
    trouble(con, "job", ago(hours=3), message="a")
    trouble(con, "record", ago(hours=2), message="b")
    trouble(con, "job", ago(hours=1), message="c")

    def said(wanted: Filter) -> list[str]:
        return [row["message"] for row in report.errors(con, wanted, now=NOW)]

    assert said(Filter(level="job")) == ["c", "a"]
    assert said(Filter(since=ago(hours=2))) == ["c", "b"]
    assert said(Filter(until=ago(hours=2))) == ["b", "a"]
    assert said(Filter(level="record", since=ago(hours=1))) == []


def run(con: sqlite3.Connection, status: str | None, began: str, message: str = "") -> int:
    number: int = con.execute("SELECT COUNT(*) + 1 FROM crmsync_run").fetchone()[0]
    begin_run(con, number, "cycle", began)
    if status:
        end_run(con, number, stamp(NOW), status, message)
    return number


@pytest.mark.rule("R-339")
@pytest.mark.parametrize(
    ("runs", "leased", "state"),
    [
        ([], False, "last synced"),
        (["succeeded"], False, "last synced"),
        (["failed", "succeeded"], False, "last synced"),
        (["succeeded", "incomplete"], False, "last synced"),
        (["succeeded", "failed"], False, "failed"),
        (["succeeded", None], True, "sync in progress"),
        (["succeeded", None], False, "failed"),
    ],
)
def test_the_state_is_last_synced_in_progress_or_failed(
    con: sqlite3.Connection, runs: list[str | None], leased: bool, state: str
) -> None:
    if leased:
        take_lease(con, "elsewhere:1:", NOW)
    for status in runs:
        run(con, status, ago(minutes=5))
    assert report.state(con, now=NOW)["state"] == state


def test_the_state_tells_the_last_success_even_after_a_failure(con: sqlite3.Connection) -> None:
    assert report.state(con, now=NOW)["last_synced_at"] is None
    run(con, "succeeded", ago(hours=1))
    run(con, "failed", ago(minutes=5), "the CRM refused")
    told = report.state(con, now=NOW)
    assert (told["last_synced_at"], told["message"]) == (stamp(NOW), "the CRM refused")


def test_an_object_has_its_records_on_both_sides_and_the_counts_of_its_own_last_cycle(con: sqlite3.Connection) -> None:
    for number in (1, 2):
        con.execute(
            "INSERT INTO crmsync_link VALUES (?, 'Contact', ?, 'person', ?, ?, '', NULL, 1)",
            (number, f"c-{number}", number, "current" if number == 1 else "deleted"),
        )
    con.execute("INSERT INTO crmsync_count VALUES ('Contact', 3, ?)", [ago(hours=1)])
    step(con, "Contact", ago(hours=2), ago(hours=2), run=1, counts=Counts(new=9))
    step(con, "Contact", ago(minutes=5), ago(minutes=4), run=2, counts=Counts(updated=1, calls=2))
    step(
        con,
        "Contact",
        ago(minutes=5),
        ago(minutes=4),
        run=2,
        operation="pull deletes",
        counts=Counts(deleted=1, calls=1),
    )
    step(con, "Lead", ago(minutes=9), ago(minutes=8), run=1, counts=Counts(new=4), status="failed")
    contact, lead = report.objects(con, now=NOW)
    assert contact == {
        "object": "Contact", "crm_records": 3, "crm_counted_at": ago(hours=1), "db_records": 1, "new": 0, "updated": 1,
        "deleted": 1, "skipped": 0, "failed": 0, "calls": 3, "lag_seconds": 300, "waiting_here": 0,
        "push_lag_seconds": 0,
    }  # fmt: skip
    assert (lead["new"], lead["crm_records"], lead["db_records"], lead["lag_seconds"]) == (4, None, 0, None)


def test_notices_come_newest_first_and_are_filtered_by_time(con: sqlite3.Connection) -> None:
    notice(con, "sync", "first", ago(days=2))
    notice(con, "sync", "second", ago(days=1))
    assert [row["message"] for row in report.notices(con)] == ["second", "first"]
    assert [row["message"] for row in report.notices(con, Filter(since=ago(hours=30)))] == ["second"]


def test_local_edits_are_counted_by_state(con: sqlite3.Connection) -> None:
    """What the CRM has by now waits for nothing."""
    con.executemany(
        """INSERT INTO crmsync_edit (entity, row_id, field, seq, state, edited_at)
           VALUES ('person', ?2, 'email', 1, ?1, '')""",
        [("local", 1), ("pending", 2), ("pending", 3), ("done", 4)],
    )
    assert report.state(con, now=NOW)["local_edits"] == {"local": 1, "pending": 2}


def test_a_record_set_aside_keeps_its_reason(con: sqlite3.Connection) -> None:
    con.execute(
        "INSERT INTO crmsync_quarantine VALUES ('Contact', 'c-1', 'person', NULL, 'too long', '{}', 2, ?, ?)",
        (ago(hours=2), ago(hours=1)),
    )
    (row,) = report.quarantine(con)
    assert (row["crm_id"], row["reason"], row["tries"]) == ("c-1", "too long", 2)
    assert report.state(con, now=NOW)["quarantined"] == 1
