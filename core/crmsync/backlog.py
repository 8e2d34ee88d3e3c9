"""How many records wait in the CRM: nothing after a cycle that went through, else what the CRM counts.

The price is one call an object, and only where it has to be paid: for what a cycle could not finish, at most once an
hour, and when somebody asks.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from msgspec.structs import replace

from crmsync.clock import moment, stamp
from crmsync.errors import CrmsyncError
from crmsync.model import Condition, Cursor, Kind, Route
from crmsync.pull.reads import count
from crmsync.pull.run import UPDATES, Pull
from crmsync.store import records
from crmsync.store.reports import throughput


async def after_cycle(pull: Pull, failed: Iterable[str]) -> None:
    """Keep a sample with the cycle's last transaction, if one is due.

    Only of objects that `failed` is the CRM asked; one that it does not answer for has no sample.
    """
    now = pull.clock.now()
    if not await pull.store.read(throughput.due, now):
        return
    left = set(failed)
    waiting = {obj: 0 for obj, operation in pull.steps if operation == UPDATES and obj not in left}
    for obj in sorted(left & pull.routes.keys()):
        try:
            waiting |= await waiting_crm(pull, [pull.routes[obj]])
        except CrmsyncError:
            continue
    pull.store.defer(throughput.save_sample, waiting, now)


async def now(pull: Pull) -> None:
    """Ask the CRM about every object, and keep the sample. Raises what the CRM raises."""
    found = await waiting_crm(pull, pull.routes.values())
    await pull.store.write(throughput.save_sample, found, pull.clock.now())


async def waiting_crm(pull: Pull, routes: Iterable[Route]) -> dict[str, int]:
    """Records of each object that moved since the last read that went through; before its first load, all that lack."""
    since = await pull.store.read(throughput.read_since)
    cursors = await pull.store.read(records.cursors)
    countable = [route for route in routes if Kind.COUNT in route.kinds]
    asked = [_since(route, since.get(route.object), cursors) for route in countable]
    found = await asyncio.gather(*(count(pull, route) for route in asked))
    here = await pull.store.read(throughput.linked)
    waiting = {}
    for route, one, number in zip(countable, asked, found, strict=True):
        if number is not None:
            stored = here.get(route.object, 0) if one is route else 0
            waiting[route.object] = max(0, number - stored)
    return waiting


def _since(route: Route, since: str | None, cursors: dict[tuple[str, Kind], Cursor]) -> Route:
    """The route narrowed to what moved since then. Stamps resolve to a second."""
    stamped = next((m.field.name for m in route.maps if m.column == "modified_at"), None)
    if cursors.get((route.object, Kind.CHANGES), Cursor()).mark is None or since is None or stamped is None:
        return route
    whole = stamp(moment(since).replace(microsecond=0))
    test = Condition(field=stamped, op=">=", value=whole)
    return replace(route, scope=replace(route.scope, where=(*route.scope.where, test)))
