"""What a cycle does once everything was read: gaps, quarantine, programs, and what goes to the CRM."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from crmsync.cycle import Cycle
from crmsync.errors import SchemaMoved
from crmsync.programs import SYNC, Programs, routes_of
from crmsync.pull import by_id
from crmsync.pull.compare import close_gaps, gaps
from crmsync.pull.run import DELETES, NEWS, PUSHES, UPDATES
from crmsync.push import push
from crmsync.push.activities import send_activities
from crmsync.store import quarantine
from crmsync.store.sending.edits import any_open


async def push_all(cycle: Cycle) -> None:
    """Send local edits, every object after it was read."""
    if not await cycle.pull.store.read(any_open):
        return
    for route in cycle.routes:
        if cycle.loaded(route) or (route.object, UPDATES) in cycle.pull.steps:
            await cycle.guard.run(route, PUSHES, push, cycle.pull, route)


async def fit_programs(cycle: Cycle) -> None:
    """Bring linked programs and their campaigns in step, once both were read; what it edits goes with the push."""
    found = routes_of(cycle.pull.routes)
    if found and all(cycle.loaded(route) and route.object not in cycle.guard.failed for route in found.values()):
        await cycle.guard.run(found["campaign"], SYNC, Programs(cycle.pull, found).run)


async def send_chosen(cycle: Cycle, kinds: Sequence[str], every: float) -> None:
    """Send activities of these kinds, once persons are as they should be; of one person every so many seconds."""
    route = cycle.pull.routes.get(cycle.pull.plugins.system.tasks)
    if route is not None:
        await cycle.guard.run(route, NEWS, send_activities, cycle.pull, route, kinds, every)


async def count_again(cycle: Cycle) -> None:
    """Count the CRM's records again where some came or went; a connector that can bundles the questions."""
    moved = {obj for (obj, _), step in cycle.pull.steps.items() if step.counts.new or step.counts.deleted}
    counted = [cycle.guard.run(route, UPDATES, cycle.count, route) for route in cycle.routes if route.object in moved]
    await asyncio.gather(*counted)


async def close_all_gaps(cycle: Cycle) -> None:
    """Find out by comparing ids what was deleted where no feed told."""
    known = await cycle.pull.store.read(gaps)
    for route in cycle.routes:
        if (cycle.pull.gaps or known) and cycle.loaded(route) and route.object not in cycle.guard.failed:
            await cycle.guard.run(route, DELETES, close_gaps, cycle.pull, route, known)


async def retry_quarantine(cycle: Cycle, retries: int) -> None:
    """Read records again that could not be stored, a bounded number of times."""
    for route in cycle.routes:
        ids = await cycle.pull.store.read(quarantine.quarantined_ids, route.object, retries, cycle.began)
        if ids and route.object not in cycle.guard.failed:
            await cycle.guard.run(route, UPDATES, by_id, cycle.pull, route, ids)
            # What the CRM did not answer for was tried too; it would be asked for in every cycle otherwise.
            cycle.pull.store.defer(quarantine.tried, route.object, ids, cycle.began, cycle.pull.now())


async def give_up(cycle: Cycle) -> None:
    """Fail the objects whose fields moved once more after the schema was read again, where somebody sees it."""
    for route in cycle.routes:
        error = cycle.guard.failed.get(route.object)
        if isinstance(error, SchemaMoved):
            await cycle.guard.broken(route, UPDATES, error, "failed")
