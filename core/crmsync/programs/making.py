"""Make campaigns in the CRM for programs that want one: each once, with the program's statuses, then linked."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from crmsync.clock import stamp
from crmsync.model import Condition, Direction, Kind, Query, Route, Value
from crmsync.pull import by_id, rows
from crmsync.pull.reads import Read, fields_of
from crmsync.pull.run import Pull
from crmsync.push import push
from crmsync.push.outward import outward
from crmsync.push.patience import pause
from crmsync.push.refusals import prepared
from crmsync.push.sending import Asked, key_of, send
from crmsync.store.capture import captured
from crmsync.store.programs import links as programs
from crmsync.store.programs import wishes
from crmsync.store.programs.wishes import Wish
from crmsync.store.records import Trouble, save_trouble
from crmsync.writes import Change, Operation, Outcome, Result

EXPECTED = 20  # statuses of a campaign
MADE = Outcome(result=Result.DONE)


class Making(Struct):
    """The campaigns that are wanted now; `operation` is the step's. `routes` are those of campaigns by entity."""

    pull: Pull
    routes: Mapping[str, Route]
    operation: str

    async def run(self) -> None:
        """Make and link them. What is refused is told, and the others go on."""
        for wish in await self.pull.store.read(wishes.due, self.pull.now()):
            async with self.pull.flight.hold("program", [wish.program]):
                await self._grant(wish.program)

    async def _grant(self, program: int) -> None:
        """Grant one wish, unless somebody else did meanwhile."""
        due = await self.pull.store.read(wishes.due, self.pull.now())
        wish = next((one for one in due if one.program == program), None)
        if wish is None:
            return
        outcome = await self._make(wish)
        if outcome.result is not Result.DONE:
            await self.pull.store.write(self._not_made, wish, outcome)

    async def _make(self, wish: Wish) -> Outcome:
        """The campaign, its statuses, the link: whatever of it is not there yet."""
        campaign = wish.campaign
        if campaign is None:
            asked, said = self._campaign(wish)
            outcome = said or (await send(self.pull, [asked]))[0]
            if outcome.result is not Result.DONE or outcome.crm_id is None:
                return outcome
            campaign = outcome.crm_id
            await self.pull.store.write(wishes.made, wish.program, campaign)
        await by_id(self.pull, self.routes["campaign"], [campaign], gone_if_absent=True)
        outcome = await self._statuses(wish, campaign)
        return await self.pull.store.write(self._link, wish, campaign) if outcome is MADE else outcome

    def _campaign(self, wish: Wish) -> tuple[Asked, Outcome | None]:
        values: dict[str, Value] = {"name": wish.name, "campaign_type": wish.channel, "actual_cost": wish.period_cost}
        given = {name: value for name, value in values.items() if value is not None}
        named, said = self._named(self.routes["campaign"], given)
        change = Change(
            operation=Operation.CREATE,
            object=self.routes["campaign"].object,
            row=wish.program,
            values=named,
            key=wish.key,
        )
        return Asked(change=change, entity="program", row_id=wish.program, link=False), said

    def _named(self, route: Route, values: Mapping[str, Value]) -> tuple[dict[str, Value], Outcome | None]:
        """Values by the CRM's names, as it takes them; or why it would not."""
        fields = {one.column: one.field for one in route.maps if Direction.PUSH in one.directions}
        good: dict[str, Value] = {}
        for name in values.keys() & fields.keys():
            try:
                good[name] = prepared(values[name], fields[name])
            except (ValueError, TypeError) as error:
                said = f"{route.object}: {name} was not sent: {error}."
                return {}, Outcome(result=Result.REFUSED, code="value", message=said)
        names = sorted(good)
        found, refused = outward(self.pull.plugins, route, names, [("", *(good[name] for name in names))])
        if refused:
            return {}, Outcome(result=Result.REFUSED, code="map", message=refused[""])
        return found[""], None

    async def _statuses(self, wish: Wish, campaign: str) -> Outcome:
        """Bring the statuses that the CRM gave a new campaign to the program's."""
        store, route = self.pull.store, self.routes["campaign_status"]
        await self._read(route, campaign)
        apart = await store.read(wishes.statuses, wish.program, campaign)
        made = []
        for row, values in apart.missing:
            named, said = self._named(route, values)
            if said is not None:
                return said
            made.append(
                Change(operation=Operation.CREATE, object=route.object, row=row, values=named | self._of(campaign))
            )
        if (bad := await self._send(made, "program_status")) is not MADE:
            return bad
        await store.write(self._alike, wish, campaign)
        await push(self.pull, route)
        gone = [
            Change(operation=Operation.DELETE, object=route.object, row=row, crm_id=crm_id)
            for row, crm_id in apart.surplus
        ]
        bad = await self._send(gone, route.entity)
        await self._read(route, campaign)
        return bad

    def _of(self, campaign: str) -> dict[str, Value]:
        maps = self.routes["campaign_status"].maps
        return {one.field.name: campaign for one in maps if one.column == "campaign_crm_id"}

    async def _read(self, route: Route, campaign: str) -> None:
        """Read the statuses of one campaign."""
        ((name, value),) = self._of(campaign).items()
        where = (*route.scope.where, Condition(field=name, op="=", value=value))
        query = Query(kind=Kind.LOAD, object=route.object, fields=fields_of(route), where=where, expected=EXPECTED)
        read = Read(self.pull, route, query)
        try:
            while (page := await read.next()) is not None:
                await rows(self.pull, route, page, Kind.IDS, ())
                if page.mark is not None:
                    return
        finally:
            await read.close()

    async def _send(self, changes: Sequence[Change], entity: str) -> Outcome:
        """Send changes of statuses; the first that is not done, else MADE."""
        if not changes:
            return MADE
        asked = await self.pull.store.read(_keyed, changes, entity)
        outcomes = await send(self.pull, asked)
        return next((one for one in outcomes if one.result is not Result.DONE), MADE)

    @staticmethod
    def _alike(con: sqlite3.Connection, wish: Wish, campaign: str) -> None:
        with captured(con):
            wishes.alike(con, wish.program, campaign)

    def _link(self, con: sqlite3.Connection, wish: Wish, campaign: str) -> Outcome:
        if apart := programs.difference(con, wish.program, campaign):
            said = f"Campaign {campaign} was made, and its statuses still differ from the program's: {apart}."
            return Outcome(result=Result.REFUSED, code="statuses", message=said)
        programs.link(con, wish.program, campaign, self.pull.now())
        wishes.forget(con, wish.program)
        return MADE

    def _not_made(self, con: sqlite3.Connection, wish: Wish, outcome: Outcome) -> None:
        refused = outcome.result in (Result.REFUSED, Result.GONE) or wish.tries >= self.pull.retries
        if not refused:
            until = stamp(self.pull.clock.now() + pause(wish.tries, outcome))
            wishes.put_off(con, wish.program, until, outcome.code, outcome.message)
            return
        wishes.refuse(con, wish.program, outcome.code, outcome.message)
        one = Trouble(
            run=self.pull.run, level="job", object=self.routes["campaign"].object, operation=self.operation,
            code=outcome.code, message=f"No campaign for the program {wish.program_name!r}: {outcome.message}",
            hint=outcome.hint or "Correct what it is about, then `crmsync campaign create` goes on where it stopped.",
        )  # fmt: skip
        save_trouble(con, one, self.pull.now())


def _create(route: Route, row: int, values: Mapping[str, Value], key: str = "") -> Change:
    return Change(operation=Operation.CREATE, object=route.object, row=row, values=values, key=key)


def _delete(route: Route, row: int, crm_id: str) -> Change:
    return Change(operation=Operation.DELETE, object=route.object, row=row, crm_id=crm_id)


def _keyed(con: sqlite3.Connection, changes: Sequence[Change], entity: str) -> list[Asked]:
    """The changes under keys of their own; one that may be under way keeps the key it was sent under."""
    keyed = [replace(one, key=key_of(con, one.operation, entity, one.row)) for one in changes]
    return [Asked(change=one, entity=entity, row_id=one.row, link=False) for one in keyed]
