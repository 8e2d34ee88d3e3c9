"""Linked programs in a cycle: both sides of every membership that moved come to agree, before anything is pushed.

What the members of a campaign are to have leaves as local edits, by the ordinary push; who is to become a member, or is
not to be one any more, is asked of the CRM (enrolling.py).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from msgspec import Struct
from msgspec.structs import replace

from crmsync.model import Counts, Direction, Route, Winner
from crmsync.programs.enrolling import Enrolling
from crmsync.programs.making import Making
from crmsync.pull import by_id
from crmsync.pull.run import Drained, Pull
from crmsync.store.programs import asks, judged, memberships, watched, wishes
from crmsync.store.programs import links as programs
from crmsync.store.programs.judged import Look
from crmsync.store.programs.memberships import THERE
from crmsync.store.records import Trouble, notice, save_trouble

INIT, SYNC = "init link with program", "sync with program"


def routes_of(routes: Mapping[str, Route]) -> dict[str, Route] | None:
    """The routes of campaigns, their statuses and members by entity; None unless there are all three."""
    wanted = ("campaign", "campaign_status", "campaign_member")
    found = {route.entity: route for route in routes.values() if route.entity in wanted}
    return found if len(found) == len(wanted) else None


class Programs(Struct):
    """One look at all linked programs."""

    pull: Pull
    routes: Mapping[str, Route]  # by entity

    @property
    def campaign(self) -> Route:
        """The route of campaigns."""
        return self.routes["campaign"]

    @property
    def member(self) -> Route:
        """The route of their members."""
        return self.routes["campaign_member"]

    async def run(self) -> None:
        """Bring what moved in step. Where nothing did, this is one look at tables that are empty then."""
        if not await self.pull.store.read(self._anything):
            return
        await Making(self.pull, self.routes, INIT).run()
        await self.pull.store.write(self._links)
        await self._look()
        enrolling = Enrolling(self.pull, self.member, SYNC)
        answered = await enrolling.run()
        self._count(SYNC, enrolling.counts)
        if answered:
            await self._look()

    @property
    def _people_came(self) -> bool:
        roles = self.pull.roles
        return any(step.counts.new for (obj, _), step in self.pull.steps.items() if roles.get(obj))

    def _anything(self, con: sqlite3.Connection) -> bool:
        return (
            watched.any_moved(con, people_came=self._people_came)
            or asks.any_due(con, self.pull.now())
            or programs.any_news(con, self.campaign.object)
            or wishes.any_due(con, self.pull.now())
        )

    def _links(self, con: sqlite3.Connection) -> None:
        """End links whose campaign is gone, begin new ones, tell campaigns of channel and cost."""
        for one in programs.vanished(con, self.campaign.object):
            programs.unlink(con, one.id)
            said = (
                f"{self.campaign.object} {one.campaign} was deleted in the CRM. The program {one.name!r} was linked to"
            )
            notice(con, "program", f"{said} it, keeps its members, and may be linked to another.", self.pull.now())
        for number in programs.orphaned(con):
            programs.unlink(con, number)
        begun = programs.begin(con)
        watched.note_all(con, begun)
        told, wrong = programs.tell(con, self._writable(self.campaign))
        for said in wrong:
            self._trouble(con, "value", said, "Set period_cost to a number; it is then sent.")
        self._count(INIT, Counts(updated=len(begun)))
        self._count(SYNC, Counts(updated=len(set(told) - set(begun)), failed=len(wrong)))

    @staticmethod
    def _writable(route: Route) -> frozenset[str]:
        return frozenset(one.column for one in route.maps if Direction.PUSH in one.directions)

    def _count(self, operation: str, counts: Counts) -> None:
        if counts != Counts():
            step = self.pull.step(self.campaign.object, operation)
            self.pull.keep(replace(step, counts=step.counts + counts))

    def _trouble(self, con: sqlite3.Connection, code: str, message: str, hint: str) -> None:
        one = Trouble(
            run=self.pull.run, level="job", object=self.campaign.object, operation=SYNC, code=code, message=message,
            hint=hint,
        )  # fmt: skip
        save_trouble(con, one, self.pull.now())

    async def _look(self) -> None:
        """Judge every membership that was noted."""
        store = self.pull.store
        if doubtful := await store.read(memberships.doubtful, self.member.object):
            await by_id(self.pull, self.campaign, doubtful, gone_if_absent=True)
            await store.write(self._links)
        await store.write(self._find)
        after = (0, 0)
        look = Look(self.pull.run, self.pull.now(), self.member.object, await store.read(self._ours))
        while settled := await store.write(judged.settle, look, after):
            self._count(SYNC, settled.counts)
            await store.write(self._tell_waiting, settled.waiting)
            after = settled.last
            if self.pull.stopping():
                raise Drained

    def _find(self, con: sqlite3.Connection) -> None:
        for number in watched.spread(con):
            one = programs.named(con, str(number))
            apart = programs.difference(con, number, one.campaign) if one and one.campaign else None
            if one and apart:
                said = (
                    f"Program {one.name!r} and {self.campaign.object} {one.campaign} have different statuses: {apart}."
                )
                notice(con, "program", f"{said} Members in these wait until they match.", self.pull.now())
        watched.find_people(con, people_came=self._people_came)

    def _ours(self, con: sqlite3.Connection) -> frozenset[str]:
        """The mapped columns of program members that marketing wins where both sides moved."""
        winners = {one.column: one.winner or self.member.winner for one in self.member.maps}
        return frozenset(
            name for name, source in watched.mapped(con).items() if winners.get(source) is Winner.MARKETING
        )

    def _tell_waiting(self, con: sqlite3.Connection, waiting: Mapping[tuple[int, str, str], int]) -> None:
        for (program, label, side), number in waiting.items():
            one = programs.numbered(con, program)
            name = repr(one.name) if one else program
            lacking, add = ("program", "program_status") if side == THERE else ("campaign", "the CRM")
            said = f"Program {name}: {number:,} members are in {label!r}, a status that the {lacking} does not have."
            hint = f"Add the status to {add}, or give them another one; they are brought in step then."
            self._trouble(con, "status", said, hint)
