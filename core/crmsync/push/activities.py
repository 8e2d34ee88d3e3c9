"""Activities of the chosen kinds go to the CRM, each of them once: as tasks that are over, dated when they happened."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import UUID, uuid5

from msgspec.structs import replace

from crmsync.clock import stamp
from crmsync.model import BOTH_WAYS, Field, Route, Value
from crmsync.pull import by_id
from crmsync.pull.run import NEWS, Drained, Pull
from crmsync.push.outward import outward
from crmsync.push.patience import Breaker, pause
from crmsync.push.sending import Asked, send
from crmsync.store.sending import outgoing
from crmsync.store.sending.refused import Refusal, save_refusal
from crmsync.store.sending.turn import Activity, Chosen, Person, plain
from crmsync.writes import Change, Operation, Outcome, Result, Wish

COLUMNS = ("subject", "description", "activity_date")
HINT = "`crmsync retry` sends it again once the cause is gone."
DROPPED = Outcome(result=Result.REFUSED, code="map", message="a plugin's map left it out")

Heard = Sequence[tuple[Activity, Outcome]]


@dataclass(slots=True)
class Outbox:
    """The activities that go in one cycle."""

    pull: Pull
    route: Route
    chosen: Chosen
    seed: UUID
    fields: Mapping[str, Field] = field(init=False)
    breaker: Breaker = field(init=False)

    def __post_init__(self) -> None:
        self.route = as_written(self.route)
        self.fields = {one.column: one.field for one in self.route.maps if one.column in COLUMNS}
        self.breaker = Breaker(self.route.object)

    async def run(self) -> None:
        """Send what may go, a bounded number at a time. Raises RouteStopped where most of it is refused."""
        more, size = True, self.pull.plugins.system.batch
        while more:
            if self.pull.stopping():
                raise Drained
            going, more = await self.pull.store.write(outgoing.take, self.chosen)
            for start in range(0, len(going), size):
                await self._send(going[start : start + size])

    async def _send(self, some: Sequence[Activity]) -> None:
        rows = [(str(one.id), *(self._value(one, name) for name in self.fields)) for one in some]
        named, wrong = outward(self.pull.plugins, self.route, list(self.fields), rows)
        fit = [(one, one.person) for one in some if str(one.id) in named]
        asked = [self._asked(one, person, named[str(one.id)]) for one, person in fit if person is not None]
        outcomes = await send(self.pull, asked)
        found = {int(key): replace(DROPPED, message=why) for key, why in wrong.items()}
        found |= dict(zip((one.row_id for one in asked), outcomes, strict=True))
        heard = [(one, found.get(one.id, DROPPED)) for one in some]
        await self.pull.store.write(self._settle, heard)
        await self._see_who_is_gone(heard)
        self.breaker.answered(len(heard))

    def _value(self, one: Activity, column: str) -> str:
        text = {"subject": subject, "description": description, "activity_date": _day}[column](one)
        return shortened(text, self.fields[column].length)

    def _asked(self, one: Activity, person: Person, values: Mapping[str, Value]) -> Asked:
        change = Change(
            operation=Operation.TASK, object=self.route.object, row=one.id,
            key=uuid5(self.seed, f"{one.id} {one.at} {one.kind}").hex,
            values={**values, **self.pull.plugins.system.completed},
            wish=Wish(person=person.crm_id, person_object=person.object),
        )  # fmt: skip
        return Asked(change=change, entity=outgoing.ENTITY, row_id=one.id, link=False)

    def _settle(self, con: sqlite3.Connection, heard: Heard) -> None:
        for one, outcome in heard:
            if outcome.result is Result.DONE:
                outgoing.done(con, one.id)
            elif outcome.result is Result.REFUSED:
                self._refuse(con, one, outcome)
            elif outcome.result is not Result.UNKNOWN:
                self._later(con, one, outcome)

    def _later(self, con: sqlite3.Connection, one: Activity, outcome: Outcome) -> None:
        tries = outgoing.tries(con, one.id)
        if tries >= self.pull.retries:
            self._refuse(con, one, outcome)
            return
        until = stamp(self.pull.clock.now() + pause(tries, outcome))
        outgoing.put_off(con, one.id, until, outcome.code, outcome.message)

    def _refuse(self, con: sqlite3.Connection, one: Activity, outcome: Outcome) -> None:
        self.breaker.refused(outcome.code)
        outgoing.refuse(con, one.id, outcome.code, outcome.message, self.pull.now())
        refusal = Refusal(
            object=self.route.object, operation=NEWS, entity="person", row_id=one.person_id or 0,
            crm_id=one.person.crm_id if one.person else None, code=outcome.code,
            message=f"Activity {one.id} ({one.kind}) was not taken: {outcome.message}", hint=outcome.hint or HINT,
        )  # fmt: skip
        save_refusal(con, refusal, self.pull.run, self.pull.now())

    async def _see_who_is_gone(self, heard: Heard) -> None:
        """Read persons who were gone when a task for them was to be made: deleted, merged or converted meanwhile."""
        gone: dict[str, list[str]] = {}
        for one, outcome in heard:
            if outcome.result is Result.GONE and one.person and one.person.object in self.pull.routes:
                gone.setdefault(one.person.object, []).append(one.person.crm_id)
        for obj, ids in gone.items():
            await by_id(self.pull, self.pull.routes[obj], ids, gone_if_absent=True)


async def send_activities(pull: Pull, route: Route, kinds: Sequence[str], every: float) -> None:
    """Send what waits of these kinds; `every` is seconds between two times that activities of one person go."""
    before = await pull.store.read(outgoing.chosen)
    now = pull.now()
    if (route.object, sorted(before[1])) != (before[0], sorted({*map(plain, kinds)})):
        await pull.store.write(outgoing.choose, route.object, kinds, now)
    if not kinds or not pull.plugins.writes or not route.scope.create:
        return
    await pull.store.write(outgoing.reconcile, now)
    _, chosen = await pull.store.read(outgoing.chosen)
    seed = UUID(await pull.store.read(outgoing.seed))
    await Outbox(pull, route, Chosen(kinds=chosen, every=timedelta(seconds=every), now=now), seed).run()


def as_written(route: Route) -> Route:
    """The route as a new record needs it: records of an object that is only read are made too, by those who ask."""
    maps = [replace(one, directions=BOTH_WAYS) for one in route.maps if one.field.createable]
    identity = [one for one in route.maps if one.column == "crm_id" and not one.field.createable]
    return replace(route, maps=(*identity, *maps), directions=BOTH_WAYS)


def subject(one: Activity) -> str:
    """The kind, and what it is about."""
    about = next((str(text) for text in (one.values["reason"], one.values["new_value"]) if text), "")
    return f"{one.kind}: {about}" if about else one.kind


def description(one: Activity) -> str:
    """Everything that is known of it, a line each."""
    lines = [f"{one.kind} at {one.at}"]
    lines += [f"{name.replace('_', ' ')}: {value}" for name, value in one.values.items() if value not in (None, "")]
    return "\n".join(lines)


def _day(one: Activity) -> str:
    return str(one.at)[:10]


def shortened(text: str, length: int) -> str:
    """A text that fits a field; 0 is a field without limit."""
    return text if not length or len(text) <= length else f"{text[: length - 1]}…"
