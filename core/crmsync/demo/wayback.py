"""The second half of the demo's story: what marketing does, and how it gets to the CRM."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable

from msgspec import Struct

from crmsync import planning as plan
from crmsync.connection import Connection, Summary
from crmsync.demo.hands import Hands
from crmsync.demo.stage import Stage
from crmsync.errors import CrmsyncError
from crmsync.hookspecs import Story

MANY = 20
OURS = "Chosen by marketing"
COLUMNS = ("side", "operation", "object", "crm_id", "field", "old", "new", "rule")


class WayBack(Struct):
    """Edits here, edits in the CRM at the same time, and what becomes of both."""

    connection: Connection
    stage: Stage
    hands: Hands
    story: Story
    line: Callable[[str], None]
    sync: Callable[[], Awaitable[Summary]]

    async def play(self) -> None:
        """Everything, in order."""
        self._edit_here()
        self.stage.act("… while somebody in the CRM edits the same fields")
        for line in await self.story.collide():
            self.line(line)
        await self._plan()
        summary = await self._both_ways()
        await self._explain()
        await self._decide()
        await self._convert()
        await self._undo(summary.run)

    def _edit_here(self) -> None:
        self.stage.act("Somebody edits persons in the marketing database, with plain SQL")
        story, (_, column) = self.story, self.story.manual
        for crm_id, name in ((story.lead, "title"), (story.contact, "title"), (story.disputed, column)):
            self.line(self.hands.edit(crm_id, name, OURS))
        apart = (story.lead, story.disputed, story.converted)
        self.hands.sql(
            """UPDATE person SET phone = '+1 555 0100' WHERE id IN (SELECT id FROM person WHERE crm_type = 'lead'
               AND crm_is_deleted = 0 AND crm_id NOT IN (?, ?, ?) ORDER BY id DESC LIMIT ?)""",
            *apart, MANY,
        )  # fmt: skip
        self.line(f"and {MANY} leads have a new phone number")

    async def _plan(self) -> None:
        self.stage.act("What would the next cycle do?   crmsync plan")
        shown, counts = [], Counter[tuple[str, str]]()
        kept = {self.story.lead, self.story.contact, self.story.disputed}
        async with plan.rehearsed(self.connection) as planned:
            async for item in planned.items():
                counts[item.side, item.operation] += 1
                if item.crm_id in kept:
                    shown.append({name: getattr(item, name) for name in COLUMNS})
            disputed = len(planned.conflicts)
        self.stage.table(shown, COLUMNS)
        for (side, operation), number in sorted(counts.items()):
            self.line(f"{number:,} to {operation} {'in the CRM' if side == 'crm' else 'here'}")
        self.line(f"{disputed} waits for a decision; nothing was written, here or there")

    async def _both_ways(self) -> Summary:
        self.stage.act("Next cycle: both directions   crmsync sync")
        summary = await self.sync()
        for who, crm_id, column in (
            ("the lead: marketing wins", self.story.lead, "title"),
            ("the contact: the CRM wins", self.story.contact, "title"),
            ("the field set to manual: neither moves", self.story.disputed, self.story.manual[1]),
        ):
            here, there = self.hands.person(crm_id, column), await self.story.shows(crm_id, column)
            self.line(f"{who}: {here!r} here, {there!r} in the CRM")
        return summary

    async def _explain(self) -> None:
        self.stage.act(f"Where does that title come from?   crmsync explain demo {self.story.contact} title")
        told = await self.connection.review.explain(self.story.contact, "title")
        self.stage.table(told["history"], ("at", "run", "side", "rule", "old", "new"))

    async def _decide(self) -> None:
        column = self.story.manual[1]
        self.stage.act(
            f"A person decides   crmsync conflicts settle demo {self.story.disputed} {column} --take marketing"
        )
        await self.connection.review.settle(self.story.disputed, column, take="marketing")
        await self.sync()
        self.line(f"the CRM has {await self.story.shows(self.story.disputed, column)!r} now")

    async def _convert(self) -> None:
        self.stage.act(f"Marketing has a lead converted   crmsync person convert demo {self.story.converted}")
        row = int(self.hands.person(self.story.converted))
        told = await self.connection.actions.convert_person(row, confirmed=True)
        if not told.ok:
            raise CrmsyncError(f"The conversion of {self.story.converted} {told.state}: {told.outcome}")
        self.line(told.outcome)
        await self.sync()
        self.line(f"person {row} is a {self.hands.person(self.story.converted, 'crm_type')} now, in the same row")

    async def _undo(self, run: int) -> None:
        self.stage.act(f"That cycle was a mistake   crmsync undo demo {run}")
        done = await self.connection.review.undo(run)
        for state, number in sorted(done.counts.items()):
            self.line(f"{number:,} {state}")
        shown = await self.story.shows(self.story.lead, "title")
        self.line(f"the lead's title in the CRM is {shown!r} again; undoing was run {done.run}, and can be undone")
