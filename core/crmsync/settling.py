"""Find out what became of writes whose answer was lost, before anything like them is sent again."""

from __future__ import annotations

import asyncio
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field

from crmsync.errors import ConnectionStopped, CrmsyncError, StoreError
from crmsync.model import Field, Kind, Query, Route, Sent
from crmsync.pull import Pull, by_id
from crmsync.sending import INTENT, MAKES, answered
from crmsync.store import intents
from crmsync.store.intents import Intent
from crmsync.store.links import link
from crmsync.store.refused import Refusal, save_refusal
from crmsync.writes import Operation, Outcome, Result

REPEATABLE = (Operation.UPDATE, Operation.MEMBER)
_LOST = Outcome(result=Result.RETRY, code="lost", message="A read found that it was not written.")


async def settle(pull: Pull) -> None:
    """Settle every write that was sent before and has no answer: one that was made takes effect here.

    What is certain not to have been made may be sent again under its key; where nothing can be seen yet the write waits
    for the next time; where several records may be what it made it ends in quarantine and is never sent again.
    """
    known = await pull.store.read(intents.unsettled)
    ours = [one.key for one in known if not pull.flight.holds(INTENT, one.key)]
    if not ours:
        return
    async with pull.flight.hold(INTENT, ours):
        waiting = [one for one in await pull.store.read(intents.unsettled) if one.key in set(ours)]
        for obj in dict.fromkeys(one.asked.change.object for one in waiting):
            try:
                await _settle(pull, obj, [one for one in waiting if one.asked.change.object == obj])
            except (ConnectionStopped, StoreError):
                raise
            except CrmsyncError as error:  # asked again at the next occasion
                pull.warn(f"{obj}: whether earlier writes were made could not be found out. {error}")


async def _settle(pull: Pull, obj: str, waiting: Sequence[Intent]) -> None:
    heard = [(one, _LOST) for one in waiting if one.asked.change.operation in REPEATABLE]
    await pull.store.write(answered, pull, [(one.asked, outcome) for one, outcome in heard])
    made = [one for one in waiting if one.asked.change.operation in MAKES]
    if obj not in pull.routes:  # what was made could not be taken in
        made = [one for one in made if one.asked.change.operation is Operation.TASK]
    if made:
        await _made(pull, obj, made)
    if ended := [one for one in waiting if one.asked.change.operation not in (*MAKES, *REPEATABLE)]:
        await _ended(pull, obj, ended)


@dataclass(slots=True)
class Found:
    """What a read of one lost create brought."""

    ids: list[str] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    early: bool = False

    @property
    def all(self) -> tuple[str, ...]:
        """Every record that may be what the create made."""
        return tuple(sorted({*self.ids, *self.gone}))


async def _made(pull: Pull, obj: str, waiting: Sequence[Intent]) -> None:
    """Look for what lost creates made; a connector that can bundles the questions."""
    identity = await _identity(pull, obj)
    size = pull.plugins.system.batch
    for start in range(0, len(waiting), size):
        some = waiting[start : start + size]
        found = await asyncio.gather(*(_look(pull, identity, one) for one in some))
        gone = await pull.store.write(_judge, pull, list(zip(some, found, strict=True)))
        if gone and obj in pull.routes:
            await by_id(pull, pull.routes[obj], gone, gone_if_absent=True)


async def _identity(pull: Pull, obj: str) -> Field:
    """The field that holds the ids of an object, which need not be among those that are synced."""
    route = pull.routes.get(obj)
    if route is not None:
        return next(one.field for one in route.maps if one.column == "crm_id")
    offered: Iterable[Route] = await pull.plugins.system.routes(pull.session, None)
    names = (name for one in offered if one.object == obj for name, column in one.fields.items() if column == "crm_id")
    return (await pull.plugins.fields(pull.session, obj))[next(names)]


async def _look(pull: Pull, identity: Field, one: Intent) -> Found:
    change = one.asked.change
    sent = Sent(
        key=change.key, at=one.sent_at, owner=change.wish.owner, person=change.wish.person, values=change.values
    )
    query = Query(kind=Kind.SENT, object=change.object, fields=(identity,), sent=sent)
    found = Found()
    async with aclosing(pull.plugins.fetch(pull.session, query)) as pages:
        async for page in pages:
            found.ids += [str(row[0]) for row in page.rows]
            found.gone += [gone.id for gone in page.gone]
            found.early |= page.gap
    return found


def _judge(con: sqlite3.Connection, pull: Pull, looked: Sequence[tuple[Intent, Found]]) -> list[str]:
    """Settle what is clear; returns ids of records that were made and are gone again."""
    gone = []
    twins = Counter(found.all for _, found in looked)
    for one, found in looked:
        mine = intents.unclaimed(con, one.asked.change.object, found.all)
        # Records that nothing here stands for may be shared out among those that look the same.
        most = 1 if one.asked.link else twins[found.all]
        twins[found.all] -= 1
        if 0 < len(mine) <= most:
            answered(con, pull, [(one.asked, Outcome(result=Result.DONE, crm_id=mine[0]))])
            gone += [crm_id for crm_id in mine[:1] if crm_id in found.gone]
        elif mine:
            _ambiguous(con, pull, one, mine)
        elif not found.early:
            answered(con, pull, [(one.asked, _LOST)])
    return gone


def _ambiguous(con: sqlite3.Connection, pull: Pull, one: Intent, ids: Sequence[str]) -> None:
    asked, obj = one.asked, one.asked.change.object
    said = (
        f"The answer to a create of {obj} for {asked.entity} {asked.row_id} was lost, and each of {', '.join(ids)} may "
        f"be what it made: none was taken, and nothing is sent again (key {one.key})."
    )
    hint = f"Delete the surplus in the CRM, and merge {asked.entity} {asked.row_id} with the right one."
    outcome = Outcome(result=Result.REFUSED, code=intents.AMBIGUOUS, message=f"{said} {hint}")
    intents.end(con, one.key, intents.AMBIGUOUS, pull.now(), outcome)
    refusal = Refusal(
        object=obj, operation=asked.change.operation, entity=asked.entity, row_id=asked.row_id, crm_id=None,
        code=intents.AMBIGUOUS, message=said, hint=hint,
    )  # fmt: skip
    save_refusal(con, refusal, pull.run, pull.now())


async def _ended(pull: Pull, obj: str, waiting: Sequence[Intent]) -> None:
    """Conversions, merges and deletions: a read of the records tells what became of them, and takes effect as ever."""
    route = pull.routes.get(obj)
    if route is None:
        return
    await by_id(pull, route, [crm_id for one in waiting for crm_id in _ids(one)], gone_if_absent=True)
    await pull.store.write(_close, pull, waiting)


def _ids(one: Intent) -> tuple[str, ...]:
    change = one.asked.change
    return change.wish.losers if change.operation is Operation.MERGE else (str(change.crm_id),)


_WANTED: Mapping[Operation, tuple[str, ...]] = {
    Operation.CONVERT: ("converted",),
    Operation.MERGE: ("merged",),
    Operation.DELETE: ("deleted", "merged", "converted"),
}


def _close(con: sqlite3.Connection, pull: Pull, waiting: Sequence[Intent]) -> None:
    for one in waiting:
        change = one.asked.change
        links = [link(con, change.object, crm_id) for crm_id in _ids(one)]
        if all(found and found.role in _WANTED[change.operation] for found in links):
            done = Outcome(result=Result.DONE, crm_id=_became(con, one))
            intents.end(con, one.key, intents.DONE, pull.now(), done)
        else:
            answered(con, pull, [(one.asked, _LOST)])


def _became(con: sqlite3.Connection, one: Intent) -> str | None:
    """The record that a row stands for now."""
    if one.asked.change.operation is not Operation.CONVERT:
        return one.asked.change.crm_id
    row = con.execute(f'SELECT crm_id FROM "{one.asked.entity}" WHERE id = ?', [one.asked.row_id]).fetchone()
    return str(row[0]) if row else None
