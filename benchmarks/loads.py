"""First load, reload and memory: crmsync beside a plain script, whole processes, in turn."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from statistics import median

from benchmarks import people
from benchmarks.lanes import Lane
from benchmarks.measure import TIMES, Failed, Figure, Spent, at_least, at_most

MEGABYTES, GROWTH = 220, 1.25
_SUFFIXES = ("", "-wal", "-shm")


def remove(path: Path) -> None:
    """Delete a database with what belongs to it."""
    for suffix in _SUFFIXES:
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def number(path: Path, sql: str) -> int:
    """One number from a database."""
    with closing(sqlite3.connect(path)) as con:
        return int(con.execute(sql).fetchone()[0])


def forget_cursors(path: Path) -> None:
    """Let the next sync read everything again, over what is stored."""
    with closing(sqlite3.connect(path)) as con, con:
        con.execute("DELETE FROM crmsync_cursor")
    with closing(sqlite3.connect(path)) as con:
        con.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def expect(found: int, wanted: int, what: str) -> None:
    """Stop where a side did not do the work that is measured."""
    if found != wanted:
        raise Failed(f"{what}: {found:,} instead of {wanted:,}")


def first(lane: Lane, records: int, rounds: int) -> Iterator[Figure]:
    """The first load. The round before the first warms both sides and the stand-in, and does not count."""
    lane.hold(records)
    pairs: list[tuple[Spent, Spent]] = []
    for _ in range(rounds + 1):
        remove(lane.ours)
        remove(lane.theirs)
        pairs.append((lane.sync(), lane.script()))
        expect(number(lane.ours, "SELECT COUNT(*) FROM person"), records, "persons")
        expect(number(lane.theirs, "SELECT COUNT(*) FROM contact"), records, "contacts of the script")
    yield from paired(f"first load, {lane.name}", records, pairs[1:], lane.way.first)


def again(lane: Lane, records: int, rounds: int) -> Iterator[Figure]:
    """The reload of everything when 1 % has changed; exactly the changed values are journalled."""
    lane.hold(records)
    kept = {}
    for path, load in ((lane.ours, lane.sync), (lane.theirs, lane.script)):
        remove(path)
        load()
        kept[path] = path.with_suffix(".kept")
    forget_cursors(lane.ours)
    for path, copy in kept.items():
        shutil.copyfile(path, copy)
    lane.hold(records, moved=True)
    pairs, wanted = [], people.changed_of(records, lane.vendor.page) * lane.vendor.changed_columns
    for _ in range(rounds + 1):
        for path, copy in kept.items():
            remove(path)
            shutil.copyfile(copy, path)
        pairs.append((lane.sync(), lane.script()))
        written = number(lane.ours, "SELECT COUNT(*) FROM crmsync_journal")
        expect(written, wanted, "journal entries")
    yield Figure(f"reload, {lane.name}: journal entries", f"{written:,}", f"= {wanted:,}", written == wanted)
    yield from paired(f"reload, {lane.name}", records, pairs[1:], lane.way.again)


def paired(name: str, records: int, pairs: list[tuple[Spent, Spent]], bar: float | None) -> Iterator[Figure]:
    """The rates of both sides, and the ratio of each pair in turn."""
    ours, theirs = median(a.wall for a, _ in pairs), median(b.wall for _, b in pairs)
    ratio = median(b.wall / a.wall for a, b in pairs)
    cpu = median(a.cpu for a, _ in pairs)
    yield Figure(f"{name}: crmsync", f"{records / ours:,.0f} rec/s, {ours:.2f} s, CPU {cpu:.2f} s")
    yield Figure(f"{name}: script", f"{records / theirs:,.0f} rec/s, {theirs:.2f} s")
    what = f"{name}: crmsync / script"
    yield at_least(what, ratio, bar) if bar is not None else Figure(what, f"{ratio:.2f}{TIMES}")


def memory(lane: Lane, records: int, many: int) -> Iterator[Figure]:
    """The most memory of a first load, of a few records and of ten times as many."""
    peaks = []
    for count in (records, many):
        lane.hold(count)
        remove(lane.ours)
        spent = lane.sync()
        expect(number(lane.ours, "SELECT COUNT(*) FROM person"), count, "persons")
        peaks.append(spent.megabytes)
        yield Figure(f"memory, {lane.name}: {count:,}", f"{spent.megabytes:.0f} MB, {count / spent.wall:,.0f} rec/s")
    yield at_most(f"memory, {lane.name}: {many:,} / {records:,}", peaks[1] / peaks[0], GROWTH, TIMES)
    yield at_most(f"memory, {lane.name}: peak", max(peaks), MEGABYTES, " MB")
