"""Whatever both sides do, and whatever happens on the way: nothing is lost, nothing is done twice, both end equal."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from crmsync.errors import RetryLater
from crmsync.writes import Change, Operation, Outcome, Result
from support.histories import World, play
from support.lasting import LastingEngine
from support.memory import Crm

EXAMPLES = int(os.environ.get("CRMSYNC_EXAMPLES", "400"))
STEPS = 25 if "CRMSYNC_EXAMPLES" in os.environ else 15
PARTS = 4  # so that several processes share them
OBJECTS = {"lead": "Lead", "contact": "Contact"}
FIELDS = {"email": "Email", "last_name": "LastName", "title": "Title"}
RESULTS = {"refused": Result.REFUSED, "later": Result.RETRY}


class Memory(World):
    """The CRM in memory."""

    def __init__(self, path: Path) -> None:
        self.crm = Crm()
        self.engine: LastingEngine = LastingEngine(path, self.crm)
        self.overwritten, self.redundant = [], []
        self.fault: Callable[[Change], Outcome | None] = lambda _change: None
        self.crm.answer = self._watch
        self.number = 0

    def ids(self, kind: str) -> list[str]:
        return sorted(self.crm.objects.get(OBJECTS[kind], {}))

    def create(self, kind: str, **values: Any) -> str:
        self.number += 1
        crm_id = f"{kind}-{self.number:03}"
        self.edit(kind, crm_id, **values)
        return crm_id

    def edit(self, kind: str, crm_id: str, **values: Any) -> None:
        self.crm.put(OBJECTS[kind], crm_id, **{FIELDS[name]: value for name, value in values.items()})

    def delete(self, kind: str, crm_id: str) -> None:
        self.crm.delete(OBJECTS[kind], crm_id)

    def merge(self, kind: str, loser: str, winner: str) -> None:
        self.crm.put(OBJECTS[kind], winner)
        self.crm.join(OBJECTS[kind], loser, winner)

    def convert(self, lead: str) -> None:
        kept = {FIELDS[name]: self.crm.objects["Lead"][lead].get(FIELDS[name]) for name in FIELDS}
        self.number += 1
        contact = self.crm.put("Contact", f"contact-{self.number:03}", **kept)
        self.crm.join("Lead", lead, contact, "Contact", "converted")

    def wait(self, seconds: int) -> None:
        self.crm.tick(seconds)

    @contextmanager
    def trouble(self, what: str, at: int, edit: Any) -> Iterator[None]:
        points = iter(range(1000))

        def meet(*_: Any) -> None:
            if next(points) != at:
                return
            if what == "read cut":
                raise RetryLater("the line was cut")
            self.engine.cancel() if what == "cancelled" else edit()

        def lost() -> None:
            raise ConnectionError("the answer was lost")

        def refuses(_change: Change) -> Outcome | None:
            if what == "not sent":
                raise RetryLater("not now")
            bad = what in RESULTS and next(points) % (at + 1) == 0
            return Outcome(result=RESULTS[what], code="TROUBLE", message="no") if bad else None

        self.fault = refuses
        if what in ("read cut", "cancelled", "edited there"):
            self.crm.before_page = meet
        if what == "answer lost":
            self.crm.after_apply = lost
        elif what in ("cancelled", "edited there"):
            self.crm.after_apply = meet
        yield
        self.crm.before_page, self.crm.after_apply = lambda *_: None, lambda: None
        self.fault = lambda _change: None

    def _watch(self, change: Change) -> Outcome | None:
        if (said := self.fault(change)) is not None:
            return said
        self.writes += 1
        record = self.crm.objects.get(change.object, {}).get(str(change.crm_id))
        if change.operation is Operation.UPDATE and record is not None:
            self.overwritten += [record.get(name) for name in change.values]
            self.redundant += [(change.crm_id, *one) for one in change.values.items() if record.get(one[0]) == one[1]]
        return None


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_lost_and_nothing_is_done_twice(part: int) -> None:
    """Edits, deletes, merges and conversions on both sides, faults and cancelled cycles between them."""
    play(Memory, EXAMPLES // PARTS, STEPS)
