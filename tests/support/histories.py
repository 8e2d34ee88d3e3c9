"""Random histories on both sides of a connection, over whatever CRM: nothing is lost, nothing is done twice.

A `World` is one connection with its CRM, and how somebody works in that CRM; the machine is the same for all.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
from abc import ABC, abstractmethod
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from crmsync.errors import CrmsyncError
from support.engine import Engine

KINDS = st.sampled_from(["lead", "contact"])
COLUMNS = st.sampled_from(["email", "last_name", "title"])
TROUBLES = st.sampled_from(["read cut", "answer lost", "refused", "later", "not sent", "cancelled", "edited there"])
NUMBERS = st.integers(0, 4)
PATIENCE = 0.05  # seconds that an action is waited for; closing lets it end, one whose answer was lost is settled later
ASKED = "SELECT kind, state, outcome FROM crm_action WHERE state IN ('waiting', 'running')"
LATER = 100_000  # seconds: past every wait
OPEN = "SELECT * FROM crmsync_edit WHERE state NOT IN ('local', 'done', 'held')"


class World(ABC):
    """A connection, and the hands of somebody who works in its CRM. Values are by the columns of `person`."""

    engine: Engine
    overwritten: list[Any]  # values of the CRM that a write of ours replaced
    redundant: list[Any]  # writes of what was there already
    writes: int = 0

    @abstractmethod
    def ids(self, kind: str) -> list[str]:
        """The living leads or contacts."""

    @abstractmethod
    def create(self, kind: str, **values: Any) -> str:
        """A new record; returns its id."""

    @abstractmethod
    def edit(self, kind: str, crm_id: str, **values: Any) -> None:
        """Change a record."""

    @abstractmethod
    def delete(self, kind: str, crm_id: str) -> None:
        """Delete a record."""

    @abstractmethod
    def merge(self, kind: str, loser: str, winner: str) -> None:
        """Merge a record into another."""

    @abstractmethod
    def convert(self, lead: str) -> None:
        """Make a lead a contact."""

    def explains(self, _explained: Any) -> bool:
        """Whether a difference that is explained may be there when all is quiet."""
        return False

    @abstractmethod
    def wait(self, seconds: int) -> None:
        """Let time pass."""

    @abstractmethod
    def trouble(self, what: str, at: int, edit: Any) -> AbstractContextManager[None]:
        """Whatever is synced meanwhile meets this trouble, `at` so many pages or writes; `edit` is done in between."""


class BothSides(RuleBasedStateMachine):
    """Edits, deletes, merges and conversions on both sides, with faults and cancelled cycles between them."""

    make: ClassVar[Any]

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.world: World = self.make(Path(self.folder.name) / "marketing.db")
        self.engine: Any = self.world.engine
        self.number = 0
        self.ours: set[Any] = set()  # values that were written here first

    def fresh(self, column: str) -> str:
        """A value that nobody has written before."""
        self.number += 1
        return f"v{self.number}@x.org" if column == "email" else f"v{self.number}"

    def values(self) -> dict[str, str]:
        return {column: self.fresh(column) for column in ("last_name", "email", "title")}

    def one(self, kind: str, number: int) -> str | None:
        ids = self.world.ids(kind)
        return ids[number % len(ids)] if ids else None

    @initialize()
    def begin(self) -> None:
        for kind in ("lead", "contact"):
            for _ in range(2):
                self.world.create(kind, **self.values())
        self.engine.sync()

    @rule(kind=KINDS, number=NUMBERS, column=COLUMNS, empty=st.booleans())
    def edit_there(self, kind: str, number: int, column: str, *, empty: bool) -> None:
        if crm_id := self.one(kind, number):
            empty = empty and column == "title"
            self.world.edit(kind, crm_id, **{column: None if empty else self.fresh(column)})

    @rule(number=st.integers(0, 9), column=COLUMNS, empty=st.booleans())
    def edit_here(self, number: int, column: str, *, empty: bool) -> None:
        value = None if empty and column == "title" else self.fresh(column)
        self.ours.add(value)
        sql = f"UPDATE person SET {column} = ? WHERE id = (SELECT id FROM person ORDER BY id LIMIT 1 OFFSET ?)"
        self.engine.sql(sql, value, number)

    @rule(kind=KINDS, number=NUMBERS, column=COLUMNS)
    def both_write_the_same(self, kind: str, number: int, column: str) -> None:
        if crm_id := self.one(kind, number):
            value = self.fresh(column)
            self.world.edit(kind, crm_id, **{column: value})
            self.engine.sql(f"UPDATE person SET {column} = ? WHERE crm_id = ?", value, crm_id)

    @rule(kind=KINDS)
    def create_there(self, kind: str) -> None:
        self.world.create(kind, **self.values())

    @rule(kind=KINDS, number=NUMBERS)
    def delete_there(self, kind: str, number: int) -> None:
        if crm_id := self.one(kind, number):
            self.world.delete(kind, crm_id)

    @rule(kind=KINDS, loser=NUMBERS, winner=NUMBERS)
    def merge_there(self, kind: str, loser: int, winner: int) -> None:
        one, other = self.one(kind, loser), self.one(kind, winner)
        if one and other and one != other:
            self.world.merge(kind, one, other)

    @rule(number=NUMBERS)
    def convert_there(self, number: int) -> None:
        if lead := self.one("lead", number):
            self.world.convert(lead)

    def rows(self, where: str = "true") -> list[int]:
        """Persons here, by row."""
        return [int(row[0]) for row in self.engine.sql(f"SELECT id FROM person WHERE {where} ORDER BY id")]

    def ask(self, kind: str, row: int, **wish: Any) -> None:
        """A marketer asks for something; whatever comes of it, it ends or waits to be settled."""

        async def work(connection: Any) -> Any:
            connection.actions.patience = PATIENCE
            return await connection.actions.ask(kind, [row], **wish)

        self.engine.use(work)

    @rule()
    def meet_somebody_here(self) -> None:
        """A person whom the CRM does not have."""
        values = (self.fresh("last_name"), self.fresh("email"))
        self.ours |= set(values)
        self.engine.sql("INSERT INTO person (last_name, email, company) VALUES (?, ?, 'Acme')", *values)

    @rule(number=NUMBERS, lost=st.booleans())
    def send_somebody(self, number: int, *, lost: bool) -> None:
        """Perhaps the answer is lost; it is asked for again then, and there is one record all the same."""
        rows = self.rows("crm_id IS NULL") or self.rows()
        with self.world.trouble("answer lost" if lost else "", 0, lambda: None):
            self.ask("sync_person", rows[number % len(rows)])

    @rule(number=NUMBERS)
    def convert_here(self, number: int) -> None:
        if rows := self.rows("crm_type = 'lead' AND crm_is_deleted = 0"):
            self.ask("convert_person", rows[number % len(rows)], confirmed=True)

    @rule(number=NUMBERS)
    def delete_in_the_crm_from_here(self, number: int) -> None:
        if rows := self.rows("crm_id IS NOT NULL AND crm_is_deleted = 0"):
            self.ask("delete_person", rows[number % len(rows)], in_crm=True, here=False)

    @rule(kind=KINDS, keep=NUMBERS, loser=NUMBERS)
    def merge_here(self, kind: str, keep: int, loser: int) -> None:
        rows = self.rows(f"crm_type = '{kind}' AND crm_is_deleted = 0")
        if rows and rows[keep % len(rows)] != rows[loser % len(rows)]:
            self.ask("merge_persons", rows[keep % len(rows)], others=[rows[loser % len(rows)]])

    @rule(seconds=st.integers(1, 90))
    def wait(self, seconds: int) -> None:
        self.world.wait(seconds)

    @rule()
    def sync(self) -> None:
        self.engine.sync()

    @rule()
    def start_anew(self) -> None:
        self.engine.end()

    @rule(what=TROUBLES, at=st.integers(0, 9), kind=KINDS, number=NUMBERS, column=COLUMNS, here=st.booleans())
    def sync_in_trouble(self, what: str, at: int, kind: str, number: int, column: str, *, here: bool) -> None:
        """A cycle with a fault on the way, or with somebody who edits in the middle of it."""

        def edit() -> None:
            if here:
                self.edit_here(number, column, empty=False)
            else:
                self.edit_there(kind, number, column, empty=False)

        with self.world.trouble(what, at, edit):
            try:
                self.engine.sync()
            except CrmsyncError as error:
                assert what in ("read cut", "answer lost", "not sent", "later"), error  # noqa: PT017 - only these may

    def teardown(self) -> None:
        try:
            if self.engine.path.exists():
                self._quiet()
        finally:
            self.engine.end()
            self.folder.cleanup()

    def _quiet(self) -> None:
        """Once nothing happens any more, everything is where it belongs."""
        self.engine.sql("UPDATE crmsync_edit SET state = 'pending', tries = 0 WHERE state = 'quarantined'")
        for _ in range(4):
            self.world.wait(LATER)
            self.engine.sync()
            self._serve()
        assert self.engine.sql(ASKED) == []
        self.world.wait(LATER)
        self.engine.sync()
        found = self.engine.verify()
        assert found.ok, found.different
        unclear = [one for one in found.explained if not self.world.explains(one)]
        assert not unclear, unclear
        assert self.engine.sql(OPEN) == []
        held = [
            row[0] for row in self.engine.sql("SELECT crm_id FROM person WHERE crm_is_deleted = 0 AND crm_id <> ''")
        ]
        assert sorted(held) == sorted([*self.world.ids("lead"), *self.world.ids("contact")])
        self._nothing_unseen()
        writes = self.world.writes
        self.world.wait(LATER)
        self.engine.sync()
        assert self.world.writes == writes, "something is sent again and again"

    def _serve(self) -> None:
        """What was asked for and could not be done is done now."""

        async def work(connection: Any) -> None:
            await connection.opened.lease()
            for _ in range(100):
                if not self.engine.sql(ASKED):
                    return
                connection.opened.poke()
                await asyncio.sleep(0.02)

        if self.engine.sql(ASKED):
            self.engine.use(work)

    def _nothing_unseen(self) -> None:
        assert self.world.redundant == [], "a value was written that was there already"
        known = {value for row in self.engine.sql("SELECT old, new FROM crmsync_journal") for value in row}
        known |= {row[0] for row in self.engine.sql("SELECT DISTINCT base FROM crmsync_edit")}
        unseen = [one for one in self.world.overwritten if one is not None and one not in known]
        assert unseen == [], "a value of the CRM was overwritten that nobody here had seen"
        sql = "SELECT DISTINCT new FROM crmsync_journal WHERE rule IN ('pull', 'crm-wins') AND new IS NOT NULL"
        echoes = {row[0] for row in self.engine.sql(sql)} & self.ours
        assert not echoes, "a value of ours came back as a change of the CRM"


def play(make: Any, examples: int, steps: int) -> None:
    """Run the machine over worlds that `make(path)` makes."""
    machine = type("Histories", (BothSides,), {"make": staticmethod(make)})
    # A failure tells its history; making it shorter takes minutes, and is for whoever looks into it.
    phases = [phase for phase in Phase if phase is not Phase.shrink or "CRMSYNC_EXAMPLES" in os.environ]
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples, stateful_step_count=steps, deadline=None, phases=phases,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )  # fmt: skip
