"""Writes that may not be repeated blindly: stored before they leave, each answered once, and settled when it was not.

A crash before the intent is stored sends nothing; one after it leaves an intent that the next cycle settles by a read,
and until then nothing like it is sent. So whatever happens one record is made in the CRM.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from msgspec.structs import replace

from crmsync.errors import CrmsyncError
from crmsync.model import Counts, Kind, Page
from crmsync.pull import by_id
from crmsync.pull.run import NEWS, PUSHES, Pull
from crmsync.store.sending import intents
from crmsync.store.sending.intents import Asked, Intent, key_of
from crmsync.store.sending.made import take_in, taken
from crmsync.writes import Operation, Outcome, Result

__all__ = ["INTENT", "MAKES", "Asked", "answered", "key_of", "send"]

MAKES = (Operation.CREATE, Operation.TASK)
INTENT = "crmsync_intent"  # as a flight knows those that are under way

_ENDS = {
    Result.DONE: intents.DONE,
    Result.REFUSED: intents.REFUSED,
    Result.GONE: intents.REFUSED,
    Result.RETRY: intents.LOST,
}


async def send(pull: Pull, asked: Sequence[Asked]) -> list[Outcome]:
    """Send changes, each with a key of its own, in as few calls as the connector takes; one outcome each, in order.

    What was done before under a key is answered from what is stored, what may have been done before is UNKNOWN until
    `settle` has found out. Whoever calls holds the rows. Raises what the connector raises, when nothing of the batch
    was written; after any other end the batch is unknown.
    """
    found: dict[str, Outcome] = {}
    for some in _batches(asked, pull.plugins.system.batch):
        async with pull.flight.hold(INTENT, [one.change.key for one in some]):
            found |= await _send(pull, some)
    return [found[one.change.key] for one in asked]


def _batches(asked: Iterable[Asked], size: int) -> Iterator[list[Asked]]:
    """One object and operation at a time, every key once."""
    groups: dict[tuple[str, str], dict[str, Asked]] = defaultdict(dict)
    for one in asked:
        groups[one.change.operation, one.change.object].setdefault(one.change.key, one)
    for group in groups.values():
        whole = list(group.values())
        yield from (whole[start : start + size] for start in range(0, len(whole), size))


async def _send(pull: Pull, some: Sequence[Asked]) -> dict[str, Outcome]:
    found = await pull.store.write(_begin, some, pull.run, pull.now())
    leaving = [one for one in some if one.change.key not in found]
    if not leaving:
        return found
    before = pull.session.usage().calls
    try:
        outcomes = await pull.plugins.apply(pull.session, [one.change for one in leaving])
    except CrmsyncError as error:  # nothing of it was written, says the contract; after any other end nobody knows
        said = Outcome(result=Result.RETRY, code=error.code or type(error).__name__, message=error.message)
        await pull.store.write(answered, pull, [(one, said) for one in leaving])
        raise
    heard = list(zip(leaving, outcomes, strict=True))
    await pull.store.write(answered, pull, heard)
    _count(pull, heard, pull.session.usage().calls - before)
    await _see_what_is_gone(pull, heard)
    return found | {one.change.key: outcome for one, outcome in heard}


def _begin(con: sqlite3.Connection, some: Sequence[Asked], run: int, at: str) -> dict[str, Outcome]:
    """Store what is to leave; the others have their answer already."""
    known = intents.by_key(con, [one.change.key for one in some])
    found = {one.change.key: _before(con, one, known.get(one.change.key)) for one in some}
    intents.begin(con, (one for one in some if found[one.change.key] is None), run, at)
    return {key: outcome for key, outcome in found.items() if outcome is not None}


def _before(con: sqlite3.Connection, one: Asked, known: Intent | None) -> Outcome | None:
    """What is known of a change before it is sent."""
    if known is not None and known.state == intents.DONE:
        return Outcome(result=Result.DONE, crm_id=known.crm_id, code="before")
    if known is not None and known.state == intents.SENT:
        return Outcome(result=Result.UNKNOWN, code="sent", message="The answer was lost; a read will tell.")
    if known is not None and known.state == intents.AMBIGUOUS:
        return Outcome(result=Result.REFUSED, code="ambiguous", message=known.message)
    crm_id = taken(con, one)
    return Outcome(result=Result.DONE, crm_id=crm_id, code="before") if crm_id else None


def answered(con: sqlite3.Connection, pull: Pull, heard: Iterable[tuple[Asked, Outcome]]) -> None:
    """Store what was heard of some changes, and do here what the CRM has done."""
    for one, outcome in heard:
        if outcome.result is Result.UNKNOWN:
            continue
        route, crm_id = pull.routes.get(one.change.object), outcome.crm_id or one.change.crm_id
        if outcome.result is Result.DONE and route is not None and crm_id is not None:
            take_in(con, pull.batch(route, Page(), Kind.IDS), one, crm_id, pull.roles)
        intents.end(con, one.change.key, _ENDS[outcome.result], pull.now(), outcome)


def _count(pull: Pull, heard: Sequence[tuple[Asked, Outcome]], calls: int) -> None:
    change = heard[0][0].change
    step = pull.step(change.object, NEWS if change.operation in MAKES else PUSHES)
    done = sum(outcome.result is Result.DONE for _, outcome in heard)
    count = Counts(calls=calls, failed=sum(outcome.result is not Result.DONE for _, outcome in heard))
    if change.operation in MAKES:
        count = replace(count, new=done)
    elif change.operation is Operation.DELETE:
        count = replace(count, deleted=done)
    else:
        count = replace(count, updated=done)
    pull.keep(replace(step, counts=step.counts + count))


async def _see_what_is_gone(pull: Pull, heard: Iterable[tuple[Asked, Outcome]]) -> None:
    """Read what was gone when it was to be written: deleted, merged or converted meanwhile."""
    gone: dict[str, list[str]] = defaultdict(list)
    for one, outcome in heard:
        if outcome.result is Result.GONE and one.change.crm_id and one.change.object in pull.routes:
            gone[one.change.object] += [one.change.crm_id, *one.change.wish.losers]
    for obj, ids in gone.items():
        await by_id(pull, pull.routes[obj], ids, gone_if_absent=True)
