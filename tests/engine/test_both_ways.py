"""Whatever both sides do, and whatever happens on the way: nothing is lost, nothing is done twice, both end equal."""

from __future__ import annotations

import asyncio
import os
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from crmsync.connection import Connection
from crmsync.errors import RetryLater
from crmsync.writes import Change, Operation, Outcome, Result
from support.engine import Engine
from support.memory import Crm

EXAMPLES = int(os.environ.get("CRMSYNC_EXAMPLES", "150"))
PEOPLE = st.integers(0, 4)
FIELDS = st.sampled_from(["Email", "LastName", "Title"])
COLUMN = {"Email": "email", "LastName": "last_name", "Title": "title"}
WAYS = st.sampled_from(["Lead", "Contact"])
LATER = 100_000  # seconds: past every wait


class Watched(Crm):
    """A CRM that remembers what was overwritten in it."""

    def __init__(self) -> None:
        super().__init__()
        self.overwritten: list[Any] = []
        self.redundant: list[tuple[str | None, str, Any]] = []
        self.fault: Callable[[Change], Outcome | None] = lambda _change: None
        self.answer = self._watch

    def _watch(self, change: Change) -> Outcome | None:
        if (said := self.fault(change)) is not None:
            return said
        record = self.objects.get(change.object, {}).get(str(change.crm_id))
        if change.operation is Operation.UPDATE and record is not None:
            for name, value in change.values.items():
                self.overwritten.append(record.get(name))
                if record.get(name) == value:
                    self.redundant.append((change.crm_id, name, value))
        return None


class BothSides(RuleBasedStateMachine):
    """Random edits, deletes, conversions and merges on both sides, with random faults on the way."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.engine = Engine(Path(self.folder.name) / "marketing.db", Watched())
        self.crm: Watched = self.engine.crm  # type: ignore[assignment]
        self.number = 0
        self.ours: set[str | None] = set()  # values that were written here first

    def fresh(self) -> str:
        """A value that nobody has written before."""
        self.number += 1
        return f"v{self.number}"

    @initialize()
    def begin(self) -> None:
        for number in range(3):
            self.crm.put("Lead", f"00Q{number}", LastName=self.fresh(), Email=self.fresh(), Title=self.fresh())
            self.crm.put("Contact", f"003{number}", LastName=self.fresh(), Email=self.fresh(), Title=self.fresh())
        self.engine.sync()

    def ids(self, obj: str) -> list[str]:
        return sorted(self.crm.objects.get(obj, {}))

    def one(self, obj: str, number: int) -> str | None:
        ids = self.ids(obj)
        return ids[number % len(ids)] if ids else None

    @rule(obj=WAYS, number=PEOPLE, name=FIELDS, empty=st.booleans())
    def edit_there(self, obj: str, number: int, name: str, *, empty: bool) -> None:
        if crm_id := self.one(obj, number):
            self.crm.put(obj, crm_id, **{name: None if empty else self.fresh()})

    @rule(number=st.integers(0, 9), name=FIELDS, empty=st.booleans())
    def edit_here(self, number: int, name: str, *, empty: bool) -> None:
        column = COLUMN[name]
        sql = f"UPDATE person SET {column} = ? WHERE id = (SELECT id FROM person ORDER BY id LIMIT 1 OFFSET ?)"
        value = None if empty else self.fresh()
        self.ours.add(value)
        self.engine.sql(sql, value, number)

    @rule(obj=WAYS, number=PEOPLE, name=FIELDS)
    def both_write_the_same(self, obj: str, number: int, name: str) -> None:
        if crm_id := self.one(obj, number):
            value = self.fresh()
            self.crm.put(obj, crm_id, **{name: value})
            self.engine.sql(f"UPDATE person SET {COLUMN[name]} = ? WHERE crm_id = ?", value, crm_id)

    @rule(obj=WAYS)
    def create_there(self, obj: str) -> None:
        prefix = {"Lead": "00Q", "Contact": "003"}[obj]
        self.crm.put(obj, f"{prefix}n{self.number}", LastName=self.fresh(), Email=self.fresh())

    @rule(obj=WAYS, number=PEOPLE)
    def delete_there(self, obj: str, number: int) -> None:
        if crm_id := self.one(obj, number):
            self.crm.delete(obj, crm_id)

    @rule(obj=WAYS, loser=PEOPLE, winner=PEOPLE)
    def merge_there(self, obj: str, loser: int, winner: int) -> None:
        one, other = self.one(obj, loser), self.one(obj, winner)
        if one and other and one != other:
            self.crm.put(obj, other)
            self.crm.join(obj, one, other)

    @rule(number=PEOPLE)
    def convert_there(self, number: int) -> None:
        if lead := self.one("Lead", number):
            values = {name: value for name, value in self.crm.objects["Lead"][lead].items() if name in COLUMN}
            contact = self.crm.put("Contact", f"003c{self.number}{lead}", **values)
            self.crm.join("Lead", lead, contact, "Contact", "converted")

    @rule(seconds=st.integers(1, 90))
    def wait(self, seconds: int) -> None:
        self.crm.tick(seconds)

    @rule()
    def sync(self) -> None:
        self.engine.sync()

    @rule(at=st.integers(0, 9))
    def sync_with_the_line_cut_while_reading(self, at: int) -> None:
        pages = iter(range(100))

        def cut(*_: Any) -> None:
            if next(pages) == at:
                raise RetryLater("the line was cut")

        self.crm.before_page = cut
        with suppress(RetryLater):
            self.engine.sync()
        self.crm.before_page = lambda *_: None

    @rule(at=st.integers(0, 9), here=st.booleans(), obj=WAYS, number=PEOPLE, name=FIELDS)
    def sync_while_somebody_works(self, at: int, *, here: bool, obj: str, number: int, name: str) -> None:
        """An edit on either side in the middle of a cycle: while reading, or while the answer travels."""
        points = iter(range(100))

        def works(*_: Any) -> None:
            if next(points) == at:
                self.edit_here(number, name, empty=False) if here else self.edit_there(obj, number, name, empty=False)

        self.crm.before_page = works
        self.crm.after_apply = works if here else lambda: None
        self.engine.sync()
        self.crm.before_page, self.crm.after_apply = lambda *_: None, lambda: None

    @rule(what=st.sampled_from(["lost", "refused", "later", "gone", "not sent"]), every=st.integers(1, 3))
    def sync_with_trouble_while_writing(self, what: str, every: int) -> None:
        calls = iter(range(100))

        def lost() -> None:
            if next(calls) % every == 0:
                raise ConnectionError("the answer was lost")

        def sometimes(_change: Change) -> Outcome | None:
            bad = next(calls) % every == 0
            return Outcome(result=Result(result), code="TROUBLE", message="no") if bad else None

        result = {"refused": "refused", "later": "retry", "gone": "gone"}.get(what, "")
        if what == "lost":
            self.crm.after_apply = lost
        elif what == "not sent":
            self.crm.fault = lambda _change: _raise(RetryLater("not now"))
        else:
            self.crm.fault = sometimes
        with suppress(RetryLater):
            self.engine.sync()
        self.crm.after_apply, self.crm.fault = lambda: None, lambda _change: None

    @rule(at=st.integers(0, 12))
    def sync_that_is_cancelled(self, at: int) -> None:
        """At a page or at a write, wherever the count ends."""
        points = iter(range(100))

        async def cancelled(connection: Connection) -> None:
            task = asyncio.create_task(connection.sync())

            def stop(*_: Any) -> None:
                if next(points) == at:
                    task.cancel()

            self.crm.before_page = stop
            self.crm.after_apply = stop
            with suppress(asyncio.CancelledError):
                await task

        self.crm.tick()
        self.engine.use(cancelled)
        self.crm.before_page, self.crm.after_apply = lambda *_: None, lambda: None

    def teardown(self) -> None:
        try:
            if self.engine.path.exists():
                self._quiet()
        finally:
            self.folder.cleanup()

    def _quiet(self) -> None:
        """Once nothing happens any more, everything is where it belongs."""
        self.engine.sql("UPDATE crmsync_edit SET state = 'pending', tries = 0 WHERE state = 'quarantined'")
        for _ in range(4):
            self.crm.tick(LATER)
            self.engine.sync()
        found = self.engine.verify()
        assert found.ok, found.different
        assert not found.explained, found.explained
        open_ = self.engine.sql("SELECT * FROM crmsync_edit WHERE state NOT IN ('local', 'done', 'held')")
        assert open_ == []
        held = {row[0] for row in self.engine.sql("SELECT crm_id FROM person WHERE crm_is_deleted = 0")}
        assert held == {*self.ids("Lead"), *self.ids("Contact")}
        assert self.crm.redundant == [], "a value was written that was there already"
        known = {value for row in self.engine.sql("SELECT old, new FROM crmsync_journal") for value in row}
        first = {row[0] for row in self.engine.sql("SELECT DISTINCT base FROM crmsync_edit")}
        unseen = [one for one in self.crm.overwritten if one is not None and one not in known | first]
        assert unseen == [], "a value of the CRM was overwritten that nobody here had seen"
        sql = "SELECT DISTINCT new FROM crmsync_journal WHERE rule IN ('pull', 'crm-wins') AND new IS NOT NULL"
        echoes = {row[0] for row in self.engine.sql(sql)} & self.ours
        assert not echoes, "a value of ours came back as a change of the CRM"
        count = len(self.crm.written)
        self.crm.tick(LATER)
        self.engine.sync()
        assert len(self.crm.written) == count, "something is sent again and again"


def _raise(error: Exception) -> Any:
    raise error


def test_nothing_is_lost_and_nothing_is_done_twice() -> None:
    """Edits, deletes, merges and conversions on both sides, faults and cancelled cycles between them."""
    run_state_machine_as_test(
        BothSides,
        settings=settings(
            max_examples=EXAMPLES, stateful_step_count=25, deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )  # fmt: skip
