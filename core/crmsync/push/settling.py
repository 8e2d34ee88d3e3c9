"""Find out what became of writes whose answer was lost, before anything like them is sent again."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import aclosing

from crmsync.errors import ConnectionStopped, CrmsyncError, StoreError
from crmsync.model import Alike, Field, Kind, Query, Route, Sent
from crmsync.pull import by_id
from crmsync.pull.run import Pull
from crmsync.push.sending import INTENT, MAKES, answered
from crmsync.store.links import link, row_values
from crmsync.store.sending import intents
from crmsync.store.sending.intents import Intent
from crmsync.store.sending.lost import Look, Verdict, judge
from crmsync.store.sending.refused import Refusal, save_refusal
from crmsync.writes import Operation, Outcome, Result

REPEATABLE = (Operation.UPDATE, Operation.MEMBER)
_LOST = Outcome(result=Result.RETRY, code="lost", message="A read found that it was not written.")


async def settle(pull: Pull) -> None:
    """Settle every write that was sent before and has no answer: one that was made takes effect here.

    What is certain not to have been made may be sent again under its key; where nothing can be seen yet the write waits
    for the next time; where it cannot be told what it made, or whether, it ends in quarantine and is never sent again.
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


async def _made(pull: Pull, obj: str, waiting: Sequence[Intent]) -> None:
    """Look for what lost creates made; a connector that can bundles the questions."""
    identity = await _identity(pull, obj)
    size = pull.plugins.system.batch
    looks: list[Look] = []
    for start in range(0, len(waiting), size):
        looks += await asyncio.gather(*(_look(pull, identity, one) for one in waiting[start : start + size]))
    unread = await pull.store.write(_judge, pull, obj, looks)
    if unread and obj in pull.routes:
        await by_id(pull, pull.routes[obj], unread, gone_if_absent=True)


async def _identity(pull: Pull, obj: str) -> Field:
    """The field that holds the ids of an object, which need not be among those that are synced."""
    route = pull.routes.get(obj)
    if route is not None:
        return next(one.field for one in route.maps if one.column == "crm_id")
    offered: Iterable[Route] = await pull.plugins.system.routes(pull.session, None)
    names = (name for one in offered if one.object == obj for name, column in one.fields.items() if column == "crm_id")
    return (await pull.plugins.fields(pull.session, obj))[next(names)]


async def _look(pull: Pull, identity: Field, intent: Intent) -> Look:
    change = intent.asked.change
    sent = Sent(
        key=change.key, at=intent.sent_at, owner=change.wish.owner, person=change.wish.person, values=change.values
    )
    query = Query(kind=Kind.SENT, object=change.object, fields=(identity,), sent=sent)
    look = Look(intent)
    async with aclosing(pull.plugins.fetch(pull.session, query)) as pages:
        async for page in pages:
            look.living += [str(row[0]) for row in page.rows]
            look.ended += [one.id for one in page.gone]
            look.merged += [one.id for one in page.merged]
            look.alike += page.alike
            look.early |= page.gap
    return look.decided() if intent.again else look


def _judge(con: sqlite3.Connection, pull: Pull, obj: str, looks: Sequence[Look]) -> list[str]:
    """Settle what is clear; returns the ids of records that were made and have to be read."""
    mentioned = sorted({crm_id for one in looks for crm_id in one.mentioned})
    free = frozenset(intents.unclaimed(con, obj, mentioned))
    looks = [one.without(intents.of_others(con, one.intent, one.mentioned)) for one in looks]
    ours = {one.intent.key for one in looks}
    under_way = any(
        one.key not in ours and one.asked.change.object == obj and one.asked.change.operation in MAKES
        for one in intents.unsettled(con)
    )
    verdicts = judge(looks, free, under_way=under_way)
    for one in verdicts:
        _conclude(con, pull, one)
    return [one.made for one in verdicts if one.unread]


def _conclude(con: sqlite3.Connection, pull: Pull, verdict: Verdict) -> None:
    intent = verdict.look.intent
    if verdict.made:
        answered(con, pull, [(intent.asked, Outcome(result=Result.DONE, crm_id=verdict.made))])
    elif verdict.maybe and not verdict.wait:
        _ambiguous(con, pull, intent, verdict.maybe)
    elif not verdict.wait:
        answered(con, pull, [(intent.asked, _LOST)])


def _ambiguous(con: sqlite3.Connection, pull: Pull, one: Intent, maybe: Sequence[Alike]) -> None:
    asked, obj = one.asked, one.asked.change.object
    named = ", ".join(f"{like.id} ({like.differs})" if like.differs else like.id for like in maybe)
    said = (
        f"The answer to a create of {obj} for {asked.entity} {asked.row_id} was lost, and "
        f"{'each of ' if len(maybe) > 1 else ''}{named} may be what it made: none was taken, and nothing is sent again "
        f"(key {one.key})."
    )
    hint = (
        f"Delete the surplus in the CRM, then `crmsync retry` {asked.row_id} looks again; or merge {asked.entity} "
        f"{asked.row_id} with the right one. If none is, `crmsync retry` {asked.row_id} --anew makes a new one."
    )
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
    row = row_values(con, one.asked.entity, one.asked.row_id)
    return str(row["crm_id"]) if row else None
