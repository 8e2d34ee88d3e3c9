"""What a cycle tells a person: that a first load is over, and once a day which records failed."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from crmsync.clock import moment, stamp
from crmsync.cycle import Cycle
from crmsync.model import Cursor, Kind
from crmsync.pull.run import Pull
from crmsync.store import memory, records
from crmsync.store.reports import report, throughput

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
    over = [obj for obj in fresh if obj not in cycle.guard.failed and now.get((obj, Kind.CHANGES), Cursor()).mark]
    here: Mapping[str, int] = await cycle.pull.store.read(throughput.linked)
    count = sum(here.get(obj, 0) for obj in over)
    return f"The first load of {', '.join(over)} is over: {count:,} records." if over else ""


async def _failed(pull: Pull) -> str:
    """The records that failed since this was told last, at most once a day (R-354)."""
    now = pull.clock.now()
    last = (await pull.store.read(memory.memory)).get(DIGEST)
    if last is not None and now - moment(last) < EVERY:
        return ""
    pull.store.defer(memory.remember, {DIGEST: stamp(now)})
    return _digest(last, await pull.store.read(report.failed_since, last)) if last is not None else ""


def _digest(since: str, failed: list[dict[str, Any]]) -> str:
    if not failed:
        return ""
    lines = [
        f"{one['object']} {one['crm_id'] or ''} (row {one['row_id'] or 'none'}): {one['message']}"
        for one in failed[:SHOWN]
    ]
    more = [f"and {len(failed) - SHOWN:,} more: `crmsync errors` lists them"] if len(failed) > SHOWN else []
    return "\n".join([f"{len(failed):,} records failed since {since}:", *lines, *more])
