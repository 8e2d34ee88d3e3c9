"""What a cycle tells a person: that a first load is over, and once a day which records failed."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from datetime import timedelta

from crmsync.clock import moment, stamp
from crmsync.cycle import Cycle
from crmsync.model import Cursor, Kind
from crmsync.pull.run import Pull
from crmsync.store import records
from crmsync.store.reports import throughput

FIRST, FAILED = "first load", "failed"
DIGEST = "told what failed"
EVERY = timedelta(hours=24)
SHOWN = 20  # records of a digest; the others are counted


async def after_cycle(cycle: Cycle) -> list[tuple[str, str]]:
    """The notices of a cycle that has been, as kinds and texts."""
    told = [(FIRST, await _loaded(cycle)), (FAILED, await _failed(cycle.pull))]
    return [(kind, said) for kind, said in told if said]


async def _loaded(cycle: Cycle) -> str:
    """That the first load of objects came to its end in this cycle (R-019)."""
    fresh = [route.object for route in cycle.routes if not cycle.loaded(route)]
    if not fresh:
        return ""
    now = await cycle.pull.store.read(records.cursors)
    over = [obj for obj in fresh if obj not in cycle.failed and now.get((obj, Kind.CHANGES), Cursor()).mark]
    here: Mapping[str, int] = await cycle.pull.store.read(throughput.linked)
    count = sum(here.get(obj, 0) for obj in over)
    return f"The first load of {', '.join(over)} is over: {count:,} records." if over else ""


async def _failed(pull: Pull) -> str:
    """The records that failed since this was told last, at most once a day (R-354)."""
    now = pull.clock.now()
    last = (await pull.store.read(records.memory)).get(DIGEST)
    if last is not None and now - moment(last) < EVERY:
        return ""
    pull.store.defer(records.remember, {DIGEST: stamp(now)})
    return await pull.store.read(_digest, last) if last is not None else ""


def _digest(con: sqlite3.Connection, since: str) -> str:
    rows = con.execute(
        """SELECT object, crm_id, row_id, message, MAX(id) FROM crmsync_error WHERE level = 'record' AND at > ?
           GROUP BY object, crm_id, row_id ORDER BY 5 DESC""",
        [since],
    ).fetchall()
    if not rows:
        return ""
    lines = [f"{obj} {crm_id or ''} (row {row or 'none'}): {said}" for obj, crm_id, row, said, _ in rows[:SHOWN]]
    more = [f"and {len(rows) - SHOWN:,} more: `crmsync errors` lists them"] if len(rows) > SHOWN else []
    return "\n".join([f"{len(rows):,} records failed since {since}:", *lines, *more])
