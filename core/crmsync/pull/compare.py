"""Find out by comparing ids what was deleted, where no feed told, or not in time.

A gap in the feed of deletions is remembered with the cursor that passed it, and closed by one full read of ids. A share
of the table that is missing at once is not believed: then nothing is deleted, and a notice says so.
"""

from __future__ import annotations

import sqlite3
from datetime import timedelta

from crmsync.clock import moment
from crmsync.model import Kind, Query, Route
from crmsync.pull import by_id
from crmsync.pull.reads import Read, fields_of
from crmsync.pull.run import DELETES, Drained, Pull
from crmsync.store import lookup, memory, records

SHARE = 0.2
FEW = 20
EVERY = timedelta(days=1)

GAP, COMPARED = "gap:", "compared:"


def gaps(con: sqlite3.Connection) -> dict[str, str]:
    """What is remembered of gaps and comparisons, by key."""
    return memory.begun_with(con, GAP, COMPARED)


async def close_gaps(pull: Pull, route: Route, known: dict[str, str]) -> None:
    """Compare the ids of an object whose deletions may have been missed, at most once a day."""
    if pull.gaps.isdisjoint({route.object}) and GAP + route.object not in known:
        return
    last = known.get(COMPARED + route.object)
    if last is not None and pull.clock.now() - moment(last) < EVERY:
        return
    missing, held = await _missing(pull, route)
    if len(missing) > max(FEW, SHARE * held):
        await _disbelieve(pull, route, len(missing), held)
    else:
        await by_id(pull, route, missing, gone_if_absent=True)
    await pull.store.write(_compared, route.object, pull.now())


async def _missing(pull: Pull, route: Route) -> tuple[list[str], int]:
    """Current ids that the CRM does not show, and how many there are at all."""
    await pull.store.read(lookup.note_seen, None)
    query = Query(kind=Kind.LOAD, object=route.object, fields=fields_of(route, ("crm_id",)), where=route.scope.where)
    read = Read(pull, route, query)
    try:
        while (page := await read.next()) is not None:
            if pull.stopping():
                raise Drained
            await pull.store.read(lookup.note_seen, [str(row[0]) for row in page.rows])
            if page.mark is not None:
                break
    finally:
        await read.close()
    return await pull.store.read(lookup.not_seen, route.object), await pull.store.read(lookup.live, route.object)


async def _disbelieve(pull: Pull, route: Route, missing: int, held: int) -> None:
    said = (
        f"{route.object}: {missing} of {held} records are not in the CRM's answer any more. That is too many to be "
        "believed at once, so none was deleted here; look at the permissions, then at `crmsync verify`."
    )
    pull.warn(said)
    pull.step(route.object, DELETES)
    await pull.store.write(records.notice, "deletions", said, pull.now())


def _compared(con: sqlite3.Connection, obj: str, at: str) -> None:
    memory.forget(con, GAP + obj)
    memory.remember(con, {COMPARED + obj: at})
