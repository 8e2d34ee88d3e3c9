"""The toy connector's files survive whatever happens while they are written."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest
from msgspec.structs import replace

from crmsync.clock import SetClock
from crmsync.errors import RetryLater, RouteStopped
from crmsync.model import Cursor, Field, Kind, Query, Value
from crmsync.writes import Change, Operation, Outcome, Result
from crmsync_csv import plugin, writing
from crmsync_csv.folder import Folder

HEADER = "Id,ModifiedAt,LastName,Score:integer\n"
STAMP = "2026-01-01T00:00:00.000Z"
CLOCK = SetClock(datetime(2026, 5, 1, tzinfo=UTC))


def folder(path: Path, *lines: str) -> Folder:
    (path / "people.csv").write_text(HEADER + "".join(f"{line}\n" for line in lines))
    return Folder(path, 100, CLOCK)


def apply(session: Folder, operation: Operation, crm_id: str | None, **values: Value) -> Sequence[Outcome]:
    change = Change(operation=operation, object="Person", row=1, crm_id=crm_id, values=values)
    return writing.write(session, [change])


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    """Several processes or threads that write into one file wait for each other."""
    count = 24
    folder(tmp_path, *(f"P{i},{STAMP},Doe,0" for i in range(count)))

    def work(number: int) -> None:
        apply(Folder(tmp_path, 100, CLOCK), Operation.UPDATE, f"P{number}", Score=number + 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(count)))
    records, _ = Folder(tmp_path, 100, CLOCK).read("Person")
    assert {key: one["Score"] for key, one in records.items()} == {f"P{i}": i + 1 for i in range(count)}


def test_who_waits_too_long_may_try_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another process holds the folder nothing is written, and the engine is told that it may work later."""
    monkeypatch.setattr(writing, "PATIENCE", 0.01)
    session = folder(tmp_path, f"P1,{STAMP},Doe,0")
    with closing(sqlite3.connect(tmp_path / ".lock", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RetryLater, match=r"people\.csv is being written by another process"):
            apply(session, Operation.UPDATE, "P1", LastName="Roe")
    assert apply(session, Operation.UPDATE, "P1", LastName="Roe")[0].result is Result.DONE


def test_a_save_that_fails_leaves_the_file(tmp_path: Path) -> None:
    """A file that cannot be saved is as it was before, and the object stops."""
    session = folder(tmp_path, f"P1,{STAMP},Doe,0")
    (tmp_path / ".people.csv.new").mkdir()
    before = (tmp_path / "people.csv").read_bytes()
    with pytest.raises(RouteStopped, match=r"people\.csv cannot be written: Is a directory"):
        apply(session, Operation.UPDATE, "P1", LastName="Roe")
    assert (tmp_path / "people.csv").read_bytes() == before


def test_what_was_written_is_found_whatever_the_clock_says(tmp_path: Path) -> None:
    """The stamp is never before the newest in the file, since a later read begins there."""
    session = folder(tmp_path, f"P1,{STAMP},Doe,0", "P2,2999-01-01T00:00:00Z,Poe,0")
    apply(session, Operation.UPDATE, "P1", LastName="Roe")
    cursor = Cursor(mark="2999-01-01T00:00:00.000Z")
    (page,) = plugin.fetch(
        session, Query(kind=Kind.CHANGES, object="Person", fields=(Field(name="Id"),), cursor=cursor)
    )
    assert [*page.rows] == [("P1",), ("P2",)]


def test_lines_that_cannot_be_understood_are_kept(tmp_path: Path) -> None:
    """What is no record is nobody's to change: short lines, long ones, and those with impossible values."""
    odd = ["P2,yesterday,Roe,0", "P3", f"P4,{STAMP},Poe,many,and,more"]
    session = folder(tmp_path, f"P1,{STAMP},Doe,0", *odd)
    apply(session, Operation.DELETE, "P1")
    lines = (tmp_path / "people.csv").read_text().splitlines()
    assert lines == [f"{HEADER.strip()},Deleted", "P1,2026-05-01T00:00:00.000Z,Doe,0,true", *odd]


def test_a_create_is_known_by_its_key(tmp_path: Path) -> None:
    """The key of a new record is its id: sent again, it is found, and a new line is not written."""
    session = folder(tmp_path)
    change = Change(operation=Operation.CREATE, object="Person", row=1, key="k1", values={"LastName": "Doe"})
    for again in (change, replace(change, values={"LastName": "Roe"})):
        assert [one.crm_id for one in writing.write(session, [again])] == ["k1"]
    assert (tmp_path / "people.csv").read_text() == f"{HEADER}k1,2026-05-01T00:00:00.000Z,Doe,\n"


def test_what_is_refused_leaves_no_trace(tmp_path: Path) -> None:
    """A new record with an impossible value, or one with a column that is not there, is refused as a whole."""
    session = folder(tmp_path, f"P1,{STAMP},Doe,0")
    told = [
        *apply(session, Operation.CREATE, None, LastName="Roe", Score="many"),
        *apply(session, Operation.UPDATE, "P1", LastName="Roe", Shoe=42),
        *apply(session, Operation.CONVERT, "P1"),
    ]
    assert [one.result for one in told] == [Result.REFUSED] * 3
    assert [one.message for one in told] == [
        "A new Person: Score could not be read again, since it is not a number: 'many'.",
        "Person P1: there is no column Shoe.",
        "Person P1: a folder of CSV files knows no convert.",
    ]
    assert (tmp_path / "people.csv").read_text() == f"{HEADER}P1,{STAMP},Doe,0\n"
