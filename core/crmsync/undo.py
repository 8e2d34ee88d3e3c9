"""Undo a run: compensating writes on both sides, where the value has not moved since. Itself a run, to be undone.

Rows are read from the CRM before anything is written back, so that what moved there is seen and left alone.
"""

from __future__ import annotations

from collections.abc import Awaitable, Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from crmsync.errors import CrmsyncError, StoreError
from crmsync.known import know_routes
from crmsync.model import Counts, Direction, Route
from crmsync.opened import Opened
from crmsync.progress import Tell
from crmsync.pull import before_write, by_id
from crmsync.pull.run import PUSHES, Drained, Pull
from crmsync.push import Push
from crmsync.push.sending import Asked, send
from crmsync.runs import Runs
from crmsync.store.history import uncreating, undoing
from crmsync.store.history.uncreating import SENT, Created
from crmsync.store.history.undoing import LEFT, REVERTED, Reversal
from crmsync.store.sending.intents import key_of
from crmsync.writes import Change, Operation, Result

UNDO = "undo"
AT_ONCE = 2_000  # rows


class Undone(Struct, frozen=True, kw_only=True):
    """What an undo did, or (without a run of its own) would do: every value and record, with its state and why."""

    of: int
    run: int | None
    items: list[dict[str, Any]] = field(default_factory=list)
    counts: Mapping[str, int] = field(default_factory=dict)


class _Found(Struct):
    """What a run did."""

    values: list[Reversal]
    records: list[Created]
    others: list[Reversal]

    @property
    def everything(self) -> list[Reversal]:
        return [*self.values, *self.records, *self.others]


async def preview(opened: Opened, run: int, *, fields: Sequence[str] = (), creates: bool = False) -> Undone:
    """What undoing a run would do, as far as this side knows; writes nothing and asks nothing of the CRM."""
    found = await _find(opened, run, fields, creates=creates)
    return _told(run, None, found)


async def undo(
    runs: Runs, run: int, *, fields: Sequence[str] = (), creates: bool = False, progress: Tell | None = None
) -> Undone:
    """Undo a run. Raises SettingsError for one that is not there, and what concerns the whole connection."""
    opened = runs.opened
    await opened.store(create=False)
    await opened.lease()
    found = await _find(opened, run, fields, creates=creates)
    async with runs.of(UNDO, progress) as pull:
        await know_routes(opened, pull)
        for some in _rows(found.values):
            if pull.stopping():
                raise Drained
            await _values(pull, some)
        if creates:
            await _records(pull, run, [one for one in found.records if not one.state])
    return _told(run, pull.run, found)


async def _find(opened: Opened, run: int, fields: Sequence[str], *, creates: bool) -> _Found:
    store = await opened.store(create=False)
    await store.read(undoing.check_run, run)
    if fields:
        return _Found(await store.read(undoing.reversals, run, fields), [], [])
    found = _Found(
        await store.read(undoing.reversals, run),
        await store.read(uncreating.created, run),
        await store.read(uncreating.others, run),
    )
    for one in found.records:
        if not creates:
            one.stays(uncreating.ASK)
        elif one.touched:
            one.stays("it was touched since")
    return found


def _told(of: int, run: int | None, found: _Found) -> Undone:
    items = [one.told() for one in found.everything]
    counts: dict[str, int] = {}
    for item in items:
        item["state"] = item["state"] or "to be reverted"
        counts[item["state"]] = counts.get(item["state"], 0) + 1
    return Undone(of=of, run=run, items=items, counts=counts)


def _rows(ones: Sequence[Reversal]) -> Iterator[list[Reversal]]:
    """The values that may be taken back, a bounded number of rows at a time."""
    some: list[Reversal] = []
    rows = 0
    for _, group in groupby((one for one in ones if not one.state), key=lambda one: (one.of.entity, one.of.row_id)):
        some += group
        rows += 1
        if rows == AT_ONCE:
            yield some
            some, rows = [], 0
    if some:
        yield some


async def _values(pull: Pull, ones: Sequence[Reversal]) -> None:
    """Look what the CRM has, write back here what has not moved, send it, and see what became of it."""
    objects = sorted({one.of.object for one in ones if one.of.object in pull.routes and one.of.object is not None})
    routes = [pull.routes[obj] for obj in objects if Direction.PUSH in pull.routes[obj].directions]
    asked = [route for route in routes if await _guarded(pull, route, _look(pull, route, ones), ones)]
    for obj in sorted({one.of.object or one.of.entity for one in ones}):
        mine = [one for one in ones if (one.of.object or one.of.entity) == obj]
        step = pull.step(obj, UNDO)
        done = await pull.store.write(undoing.revert, mine, pull.run, pull.now())
        pull.keep(replace(step, counts=step.counts + Counts(updated=done, skipped=len(mine) - done)))
    for route in asked if pull.plugins.writes else ():
        await _guarded(pull, route, Push(pull, route).send(await pull.store.read(undoing.to_send, route.object, ones)))
    await pull.store.read(undoing.outcomes, ones)


async def _look(pull: Pull, route: Route, ones: Sequence[Reversal]) -> None:
    both = {one.column for one in route.maps if Direction.PUSH in one.directions}
    mine = [one for one in ones if one.of.object == route.object and one.field in both]
    if mine:
        ids = list(dict.fromkeys(str(one.of.crm_id) for one in mine))
        await before_write(pull, route, ids, sorted({one.field for one in mine}))


async def _guarded(pull: Pull, route: Route, work: Awaitable[object], ones: Sequence[Reversal] = ()) -> bool:
    """Whether the CRM could be asked; where it could not, `ones` of that object stay as they are."""
    try:
        await work
    except (StoreError, Drained):
        raise
    except CrmsyncError as error:
        step = pull.step(route.object, PUSHES)
        pull.keep(replace(step, status="failed", message=str(error)[:2000]))
        for one in ones:
            if one.of.object == route.object:
                one.stays(f"the CRM could not be asked whether it has moved: {error}")
        return False
    return True


async def _records(pull: Pull, run: int, ones: Sequence[Created]) -> None:
    """Take new records back: rows here, and in the CRM what was made there from here."""
    for obj in sorted({str(one.of.object) for one in ones}):
        mine = [one for one in ones if one.of.object == obj]
        here = [one for one in mine if one.left != SENT]
        step = pull.step(obj, UNDO)
        gone = await pull.store.write(uncreating.remove, here, pull.run, pull.now())
        pull.keep(replace(step, counts=step.counts + Counts(deleted=gone)))
        for one in here:
            one.state, one.why = REVERTED, "it comes back with its next update in the CRM (R-313)"
        if there := [one for one in mine if one.left == SENT]:
            await _delete(pull, run, there)


async def _delete(pull: Pull, run: int, ones: Sequence[Created]) -> None:
    """Delete in the CRM what was made there, unless somebody has touched it there meanwhile."""
    route = pull.routes.get(str(ones[0].of.object))
    if route is None or not route.scope.delete:
        for one in ones:
            one.stays("these credentials may not delete it in the CRM")
        return
    await by_id(pull, route, [str(one.of.crm_id) for one in ones], gone_if_absent=True)
    for one in ones:
        if await pull.store.read(uncreating.touched, one, run):
            one.stays("it was touched in the CRM meanwhile")
    left = [one for one in ones if not one.state]
    async with pull.flight.hold(route.entity, [one.of.row_id for one in left]):
        outcomes = await send(pull, [await _asked(pull, one) for one in left])
    for one, outcome in zip(left, outcomes, strict=True):
        if outcome.result in (Result.DONE, Result.GONE):
            one.state = REVERTED
        else:
            one.state, one.why = LEFT, outcome.message or outcome.code


async def _asked(pull: Pull, one: Created) -> Asked:
    of = one.of
    key = await pull.store.read(key_of, Operation.DELETE, of.entity, of.row_id)
    change = Change(operation=Operation.DELETE, object=str(of.object), row=of.row_id, crm_id=of.crm_id, key=key)
    return Asked(change=change, entity=of.entity, row_id=of.row_id)
