"""Marketing to CRM: local edits, one change a record, read before they are written, each told apart by its outcome.

edits → read by id of the fields to be written, through the merge → only what differs, in batches → confirm, retry,
hold or quarantine. What is sent is stored before it leaves: a lost answer is settled by the next read.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from msgspec.structs import replace

from crmsync.clock import stamp
from crmsync.errors import CrmsyncError
from crmsync.model import Counts, Direction, Field, Route, Value
from crmsync.pull import before_write, by_id
from crmsync.pull.run import PUSHES, Drained, Pull
from crmsync.push.outward import outward
from crmsync.push.patience import Breaker, pause
from crmsync.push.refusals import prepared
from crmsync.store.sending import edits
from crmsync.store.sending.edits import Edited, Waiting
from crmsync.store.sending.refused import Refusal, save_refusal
from crmsync.writes import Change, Operation, Outcome, Result

READ_AT_ONCE = 2_000

Leaving = Sequence[tuple[Waiting, Change]]
Answered = Sequence[tuple[Waiting, Outcome]]


@dataclass(slots=True)
class Push:
    """The edits of one object on their way."""

    pull: Pull
    route: Route
    size: int = 0
    fields: Mapping[str, Field] = field(init=False)
    blocked: frozenset[str] = field(init=False)
    breaker: Breaker = field(init=False)

    def __post_init__(self) -> None:
        moving = [one for one in self.route.maps if Direction.PUSH in one.directions]
        self.fields = {one.column: one.field for one in reversed(moving)}
        self.blocked = frozenset(one.column for one in moving if Direction.PUSH in one.blocked)
        self.size = self.pull.plugins.system.batch
        self.breaker = Breaker(self.route.object)

    async def run(self) -> None:
        """Send everything that waits, a bounded number of rows at a time."""
        await self.pull.store.write(edits.reopen, self.route)
        at_once = await self._at_once()
        after = 0
        while found := await self.pull.store.read(edits.waiting, self.route, self.pull.now(), after, at_once):
            if self.pull.stopping():
                raise Drained
            after = found[-1][0]
            await self.send(dict(found))

    async def _at_once(self) -> int:
        bulk = self.pull.plugins.system.bulk
        if bulk and await self.pull.store.read(edits.how_many, self.route, self.pull.now(), bulk + 1) > bulk:
            self.size = bulk
        return max(self.size, READ_AT_ONCE)

    async def send(self, ids: Mapping[int, str]) -> None:
        """Send the edits of these rows, which stand for these ids. A batch is confirmed while the next one travels."""
        async with self.pull.flight.hold(self.route.entity, ids):
            leaving = await self._ready(ids)
            confirming: asyncio.Task[None] | None = None
            try:
                while leaving:
                    batch, leaving = leaving[: self.size], leaving[self.size :]
                    answered = await self._sent(batch)
                    if confirming is not None:
                        await confirming
                    confirming = asyncio.create_task(self._answered(answered))
                    if any(outcome.result is not Result.DONE for _, outcome in answered):
                        await confirming  # what went wrong may be a reason to send no more
            finally:
                try:
                    await self._unsend(leaving)
                finally:
                    if confirming is not None:
                        await confirming

    async def _ready(self, ids: Mapping[int, str]) -> Leaving:
        """What is left to be written after the merge with what the CRM has now; noted as sent before it leaves."""
        store, route, rows = self.pull.store, self.route, list(ids)
        columns = sorted(await store.read(edits.edited_columns, route.entity, rows))
        mine = [name for name in columns if name in self.fields]
        seen = (
            await before_write(self.pull, route, list(ids.values()), mine) if mine else dict.fromkeys(ids.values(), "")
        )
        return await self._leaving(await store.write(self._sorted_out, rows, columns, seen))

    async def _leaving(self, ready: Sequence[Waiting]) -> Leaving:
        leaving, skipped = outgoing(self.pull, self.route, ready)
        await self.pull.store.write(self._mark, [row for row, _ in leaving], skipped)
        self._count(Counts(failed=len(skipped)))
        return leaving

    def _sorted_out(
        self, con: sqlite3.Connection, rows: Sequence[int], columns: Sequence[str], seen: Mapping[str, str]
    ) -> list[Waiting]:
        """Keep here what is not for the CRM, hold what is out of sight, set aside what it would refuse."""
        ready = []
        for row in edits.open_edits(con, self.route, rows, columns):
            names = [name for name, one in row.edits.items() if not self._stays(name, one)]
            if len(names) < len(row.edits):
                edits.keep_local(con, self.route.entity, row.row_id, row.edits.keys() - set(names))
            if row.crm_id not in seen:
                edits.set_aside(con, self.route.entity, row.row_id, names, _OUT_OF_SIGHT, "held")
            elif values := self._values(con, row, names):
                ready.append(row._replace(edits=values, version=seen[row.crm_id]))
        return ready

    def _stays(self, name: str, one: Edited) -> bool:
        return name not in self.fields or (name in self.blocked and one.base is not None)

    def _values(self, con: sqlite3.Connection, row: Waiting, names: Sequence[str]) -> dict[str, Edited]:
        good = {}
        for name in names:
            one = row.edits[name]
            try:
                good[name] = Edited(prepared(one.value, self.fields[name]), one.base, one.seq)
            except (ValueError, TypeError) as error:
                said = f"{self.route.object} {row.crm_id}: {name} was not sent: {error}."
                hint = f"Correct {name} of {self.route.entity} {row.row_id}; it is sent again by itself."
                self._set_aside(
                    con, row, (name,), Outcome(result=Result.REFUSED, code="value", message=said, hint=hint)
                )
        return good

    async def _sent(self, batch: Leaving) -> Answered:
        pull = self.pull
        before = pull.session.usage().calls
        try:
            outcomes = await pull.plugins.apply(pull.session, [one for _, one in batch])
        except CrmsyncError:  # nothing of it was written, says the contract; after any other end nobody knows
            await self._unsend(batch)
            raise
        self._count(Counts(calls=pull.session.usage().calls - before))
        return [(row, outcome) for (row, _), outcome in zip(batch, outcomes, strict=True)]

    async def _unsend(self, leaving: Leaving) -> None:
        if leaving:
            await self.pull.store.write(edits.unsend, self.route.entity, [row for row, _ in leaving])

    async def _answered(self, answered: Answered) -> None:
        self._count(await self.pull.store.write(self._settle, answered))
        if gone := [row.crm_id for row, outcome in answered if outcome.result is Result.GONE]:
            await by_id(self.pull, self.route, gone, gone_if_absent=True)
        self.breaker.answered(len(answered))

    def _count(self, counts: Counts) -> None:
        step = self.pull.step(self.route.object, PUSHES)
        self.pull.keep(replace(step, counts=step.counts + counts))

    def _mark(self, con: sqlite3.Connection, rows: Sequence[Waiting], skipped: Sequence[tuple[Waiting, str]]) -> None:
        edits.mark_sent(con, self.route.entity, rows)
        for row, reason in skipped:
            self._set_aside(con, row, tuple(row.edits), Outcome(result=Result.REFUSED, code="map", message=reason))

    def _settle(self, con: sqlite3.Connection, answered: Answered) -> Counts:
        pull, entity = self.pull, self.route.entity
        done = [row for row, outcome in answered if outcome.result is Result.DONE]
        edits.confirm(con, entity, done, pull.run, pull.now())
        edits.unsend(con, entity, [row for row, outcome in answered if outcome.result is Result.GONE])
        failed = 0
        for row, outcome in answered:
            if outcome.result is Result.REFUSED:
                self._refuse(con, row, self._about(row, outcome), outcome)
                edits.unsend(con, entity, [row])  # the columns that it is not about
            elif outcome.result is Result.RETRY:
                self._later(con, row, outcome)
            failed += outcome.result in (Result.REFUSED, Result.RETRY, Result.UNKNOWN)
        return Counts(updated=len(done), failed=failed)

    def _about(self, row: Waiting, outcome: Outcome) -> tuple[str, ...]:
        """The columns that a refusal is about: those it names, else all that were sent."""
        named = tuple(name for name in row.edits if self.fields[name].name in outcome.fields)
        return named or tuple(row.edits)

    def _refuse(self, con: sqlite3.Connection, row: Waiting, names: tuple[str, ...], outcome: Outcome) -> None:
        self.breaker.refused(outcome.code)  # what never left costs no calls, and is no reason to send no more
        self._set_aside(con, row, names, outcome)

    def _set_aside(self, con: sqlite3.Connection, row: Waiting, names: tuple[str, ...], outcome: Outcome) -> None:
        edits.set_aside(con, self.route.entity, row.row_id, names, (outcome.code, outcome.message), "quarantined")
        refusal = Refusal(
            object=self.route.object, operation=PUSHES, entity=self.route.entity, row_id=row.row_id, crm_id=row.crm_id,
            code=outcome.code, message=outcome.message, hint=outcome.hint or AGAIN, columns=names,
            value=row.edits[names[0]].value if len(names) == 1 else None,
        )  # fmt: skip
        save_refusal(con, refusal, self.pull.run, self.pull.now())

    def _later(self, con: sqlite3.Connection, row: Waiting, outcome: Outcome) -> None:
        tries = edits.tries(con, self.route.entity, row)
        if tries >= self.pull.retries:
            self._refuse(con, row, tuple(row.edits), outcome)
            return
        until = stamp(self.pull.clock.now() + pause(tries, outcome))
        edits.put_off(con, self.route.entity, row, until, (outcome.code, outcome.message))


AGAIN = "Correct the record on either side, or `crmsync retry` once the cause is gone; it is then sent again."
_OUT_OF_SIGHT = ("invisible", "The record is not visible to these credentials any more (R-258).")


def outgoing(pull: Pull, route: Route, rows: Sequence[Waiting]) -> tuple[Leaving, list[tuple[Waiting, str]]]:
    """The rows with their changes by the CRM's names, and those that a plugin's map would not have, with the reason."""
    leaving: list[tuple[Waiting, Change]] = []
    skipped: list[tuple[Waiting, str]] = []
    groups: dict[tuple[str, ...], list[Waiting]] = {}
    for row in rows:
        groups.setdefault(tuple(sorted(row.edits)), []).append(row)
    for names, group in groups.items():
        rows_out = [(row.crm_id, *(row.edits[name].value for name in names)) for row in group]
        named, refused = outward(pull.plugins, route, names, rows_out)
        leaving += [(row, _update(route, row, named[row.crm_id])) for row in group if row.crm_id in named]
        skipped += [(row, refused[row.crm_id]) for row in group if row.crm_id in refused]
    return leaving, skipped


def _update(route: Route, row: Waiting, values: Mapping[str, Value]) -> Change:
    return Change(
        operation=Operation.UPDATE, object=route.object, row=row.row_id, crm_id=row.crm_id, values=values,
        version=row.version,
    )  # fmt: skip


async def push(pull: Pull, route: Route) -> None:
    """Send what waits of one object. Raises RouteStopped where most of it is refused, and what the connector raises."""
    if Direction.PUSH in route.directions and pull.plugins.writes:
        await Push(pull, route).run()
