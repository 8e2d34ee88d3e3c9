"""Ask the CRM to make and to end memberships; people that it does not have are sent to it first."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from msgspec import Struct, field

from crmsync.clock import stamp
from crmsync.model import Counts, Gone, Kind, Page, Route
from crmsync.pull import by_id
from crmsync.pull.run import DELETES, Drained, Pull
from crmsync.push.newcomers import Newcomer, make_leads
from crmsync.push.patience import pause
from crmsync.push.sending import Asked, key_of, send
from crmsync.store.links import link
from crmsync.store.programs import asks
from crmsync.store.programs.asks import Ask
from crmsync.store.programs.memberships import Pair
from crmsync.store.sending.refused import Refusal, save_refusal
from crmsync.writes import Change, Operation, Outcome, Result, Wish

AT_ONCE = 2_000
AGAIN = "It is asked again when the membership changes, or after `crmsync retry`."


class Enrolling(Struct):
    """The memberships of all linked programs that the CRM has to be asked for, `operation` being the step's."""

    pull: Pull
    member: Route
    operation: str
    counts: Counts = field(default_factory=Counts)

    async def run(self) -> bool:
        """Ask the CRM for what waits; True where something came of it."""
        store, after, moved = self.pull.store, (0, 0), False
        if not self.pull.plugins.system.members:
            self.pull.warn(f"The connector makes no {self.member.object}: members of programs stay on this side.")
            return False
        while found := await store.read(asks.due, self.pull.now(), after, AT_ONCE):
            async with self.pull.flight.hold("person", {one.person_id for one in found}):
                moved = await self._send(await self._in_crm(found, after)) or moved
            after = found[-1].pair
            if self.pull.stopping():
                raise Drained
        return moved

    async def _in_crm(self, wanted: Sequence[Ask], after: Pair) -> list[Ask]:
        """Those whose person the CRM has: whom it lacks is sent to it as a lead first (R-147)."""
        strangers = list(dict.fromkeys(one.person_id for one in wanted if not (one.person or one.remove)))
        if not strangers:
            return list(wanted)
        outcomes = await make_leads(self.pull, [Newcomer(row_id=row) for row in strangers])
        heard = dict(zip(strangers, outcomes, strict=True))
        theirs = [(one, heard[one.person_id]) for one in wanted if one.person_id in heard]
        await self.pull.store.write(self._not_made, theirs)
        pairs, now = {one.pair for one in wanted}, await self.pull.store.read(asks.due, self.pull.now(), after, AT_ONCE)
        return [one for one in now if one.pair in pairs]

    def _not_made(self, con: sqlite3.Connection, heard: Iterable[tuple[Ask, Outcome]]) -> None:
        for one, outcome in heard:
            if outcome.result is not Result.DONE:
                self._not_done(con, one, outcome, told=True)

    async def _send(self, wanted: Sequence[Ask]) -> bool:
        asked = await self.pull.store.read(self._asked, wanted)
        outcomes = await send(self.pull, asked)
        answered = list(zip(wanted, outcomes, strict=True))
        done = [(one, outcome) for one, outcome in answered if outcome.result is Result.DONE]
        await self.pull.store.write(self._answered, answered)
        made = [str(outcome.crm_id) for one, outcome in done if not one.remove and outcome.crm_id]
        await by_id(self.pull, self.member, made)
        await self._ended([one.member for one, _ in done if one.remove])
        return bool(done)

    def _asked(self, con: sqlite3.Connection, wanted: Iterable[Ask]) -> list[Asked]:
        return [self._change(con, one) for one in wanted]

    def _change(self, con: sqlite3.Connection, one: Ask) -> Asked:
        wish = Wish(
            campaign=one.campaign, person=one.person, person_object=one.object, status=one.status, remove=one.remove
        )
        key = key_of(con, Operation.MEMBER, "program_member", one.own)
        change = Change(
            operation=Operation.MEMBER, object=self.member.object, row=one.own, crm_id=one.member or None, wish=wish,
            key=key,
        )  # fmt: skip
        return Asked(change=change, entity="program_member", row_id=one.own)

    def _answered(self, con: sqlite3.Connection, answered: Iterable[tuple[Ask, Outcome]]) -> None:
        for one, outcome in answered:
            if outcome.result is not Result.DONE:
                self._not_done(con, one, outcome)
            elif one.remove or not outcome.crm_id:
                asks.forget(con, [one.pair])
                self.counts += Counts(deleted=int(one.remove))
            else:
                asks.made(con, one, outcome.crm_id)
                self.counts += Counts(new=1)

    def _not_done(self, con: sqlite3.Connection, one: Ask, outcome: Outcome, *, told: bool = False) -> None:
        self.counts += Counts(failed=1)
        if outcome.result is not Result.REFUSED and one.tries < self.pull.retries:
            until = stamp(self.pull.clock.now() + pause(one.tries, outcome))
            asks.put_off(con, one, self.pull.now(), until, (outcome.code, outcome.message))
            return
        asks.refuse(con, one, self.pull.now(), outcome.code, outcome.message)
        if told and outcome.result is Result.REFUSED:
            return
        refusal = Refusal(
            object=self.member.object, operation=self.operation, entity="person", row_id=one.person_id,
            crm_id=one.person or None, code=outcome.code, message=outcome.message,
            hint=outcome.hint or AGAIN,
        )  # fmt: skip
        save_refusal(con, refusal, self.pull.run, self.pull.now())

    async def _ended(self, ids: Sequence[str]) -> None:
        """Members that were removed go here at once, so that whoever joins again is told from who never left."""
        if ids:
            gone = await self.pull.store.read(self._gone, ids)
            step, batch = self.pull.step(self.member.object, DELETES), self.pull.batch(self.member, Page(), Kind.IDS)
            self.pull.keep(await self.pull.store.gone(batch, gone, step))

    def _gone(self, con: sqlite3.Connection, ids: Iterable[str]) -> list[Gone]:
        now, found = self.pull.now(), {one: link(con, self.member.object, one) for one in ids}
        return [Gone(one, max(now, known.modified_at) if known else now) for one, known in found.items()]
