"""Local edits on their way out: crmsync beside a plain script, whole processes, in turn, and every call counted."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.lanes import Lane, Vendor, Way
from benchmarks.loads import expect, paired, remove
from benchmarks.measure import TIMES, Figure, Spent

BAR = 0.7
PAUSE = 0.1  # seconds that an answer takes of an org that is near
FEW, MANY = 10, 2  # one of so many records is edited: few enough for collections, or so many that an upload is better

EDIT = ("UPDATE person SET title = title || ' (new)' WHERE id % {every} = 0",)
MARK = (
    "ALTER TABLE contact ADD COLUMN changed INTEGER NOT NULL DEFAULT 0",
    "UPDATE contact SET {title} = {title} || ' (new)', changed = 1 WHERE rowid % {every} = 0",
    "CREATE INDEX contact_changed ON contact (changed) WHERE changed",
)


def way(vendor: Vendor) -> Way:
    """How it is pushed: as the connector thinks best."""
    return Way(name=f"push-{vendor.name}", vendor=vendor, first=None, again=None)


def push(lane: Lane, records: int, rounds: int) -> Iterator[Figure]:
    """One column of a tenth of the records, beside a script; then of half of them, alone."""
    lane.hold(records)
    remove(lane.ours)
    remove(lane.theirs)
    lane.sync()
    lane.script(lane.vendor.load)
    few, marked = _edited(lane.ours, FEW, EDIT), _edited(lane.theirs, FEW, MARK, lane.vendor.title)
    many, size = _edited(lane.ours, MANY, EDIT), (records, records // FEW)

    def pair(pause: float = 0) -> tuple[Spent, Spent, dict[str, Any]]:
        ours, said = _sent(lane, (few, lane.ours), lane.sync, size, pause)
        theirs, _ = _sent(lane, (marked, lane.theirs), lambda: lane.script("push"), size, pause)
        return ours, theirs, said

    pairs: list[tuple[Spent, Spent]] = []
    starts: list[tuple[Spent, Spent]] = []
    for _ in range(rounds + 1):
        *both, said = pair()
        pairs.append((both[0], both[1]))
        starts.append((lane.sync(), lane.script("push")))  # nothing waits any more
    name, least = f"push of {size[1]:,}, {lane.vendor.name}", -(-size[1] // lane.vendor.batch)
    yield Figure(f"{name}: calls that write", f"{said['writes']:,}", f"= {least:,}", said["writes"] == least)
    yield Figure(f"{name}: calls that read before", f"{said['reads']:,}")
    yield from paired(name, size[1], pairs[1:], BAR)
    yield Figure(f"{name}: the same, start left out", _without(pairs[1:], starts[1:]))
    yield from paired(f"{name}, {PAUSE:g} s an answer", size[1], [pair(PAUSE)[:2]], BAR)
    spent, said = _sent(lane, (many, lane.ours), lane.sync, (records, records // MANY))
    rate = f"{records // MANY / spent.wall:,.0f} rec/s, {spent.wall:.2f} s"
    name = f"push of {records // MANY:,}, {lane.vendor.name}: crmsync"
    yield Figure(name, f"{rate}, {said['writes']:,} + {said['reads']:,} calls")


def _without(pairs: list[tuple[Spent, Spent]], starts: list[tuple[Spent, Spent]]) -> str:
    """The ratio of what the edits add to processes that have nothing to send."""
    ours, theirs = (
        median(one[side].wall for one in pairs) - median(one[side].wall for one in starts) for side in (0, 1)
    )
    return f"{theirs / ours:.2f}{TIMES}" if min(ours, theirs) > 0 else "too short to tell"


def _edited(path: Path, every: int, statements: tuple[str, ...], title: str = "") -> Path:
    """A copy of a database in which one of so many rows was edited, as any program may."""
    copy = path.with_suffix(f".{every}")
    shutil.copyfile(path, copy)
    with closing(sqlite3.connect(copy)) as con, con:
        for sql in statements:
            con.execute(sql.format(every=every, title=title))
    return copy


def _sent(
    lane: Lane, copied: tuple[Path, Path], run: Callable[[], Spent], size: tuple[int, int], pause: float = 0
) -> tuple[Spent, dict[str, Any]]:
    """One process that sends these edits from a fresh copy, and what the stand-in heard meanwhile."""
    (copy, path), (records, edits) = copied, size
    remove(path)
    shutil.copyfile(copy, path)
    lane.hold(records, pause=pause)
    spent = run()
    said = lane.hold(records)
    expect(said["ids"], edits, f"records written by {path.name}")
    expect(said["records"], edits, f"writes by {path.name}")
    return spent, said
