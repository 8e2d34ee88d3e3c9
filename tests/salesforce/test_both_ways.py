"""The histories of the engine once more, on the Salesforce connector and a simulated org over HTTP."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crmsync.clock import SetClock
from crmsync_salesforce.simulator import Org, Server
from support.histories import World, play
from support.lasting import Lasting
from support.office import IDLE
from support.simulated import Simulated

EXAMPLES = int(os.environ.get("CRMSYNC_EXAMPLES", "100"))
PARTS = 4
OBJECTS = {"lead": "Lead", "contact": "Contact"}
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
CODES = {"refused": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "later": "UNABLE_TO_LOCK_ROW"}
FIELDS = {"email": "Email", "last_name": "LastName", "title": "Title"}


class Cancelled(Lasting, Simulated):
    """A connection whose cycle can be cancelled from inside the org."""

    def renew(self) -> None:
        vars(self.server).pop("_answer", None)
        self.server.faults.clear()
        self.faults(self.server)


class SimulatedOrg(World):
    """An org with a few leads and contacts."""

    def __init__(self, path: Path) -> None:
        org = Org(records=2, seed=5, clock=SetClock(START))
        self.engine = self.sim = Cancelled(path, org, objects={"disable": [*IDLE, "Account", "User", "Group"]})
        self.sim.own = {"attempts": 1, "bulk": "never"}
        self.org = org
        self.overwritten, self.redundant = [], []
        self.sim.faults = self._watch

    def _watch(self, server: Server) -> None:
        """Count the records that are written."""

        def seen(call: Any) -> None:
            if call.method == "PATCH" and call.path.endswith("composite/sobjects"):
                self.writes += len(call.json()["records"])

        _before(server, seen)

    def ids(self, kind: str) -> list[str]:
        found = self.org.records(OBJECTS[kind])
        return sorted(str(one["Id"]) for one in found if not one.get("IsConverted"))

    def create(self, kind: str, **values: Any) -> str:
        given = {FIELDS[name]: value for name, value in values.items()}
        return self.org.create(OBJECTS[kind], {**given, **({"Company": "Acme"} if kind == "lead" else {})})

    def edit(self, kind: str, crm_id: str, **values: Any) -> None:
        self.org.update(OBJECTS[kind], crm_id, {FIELDS[name]: value for name, value in values.items()})

    def delete(self, kind: str, crm_id: str) -> None:
        self.org.delete(OBJECTS[kind], crm_id)

    def merge(self, kind: str, loser: str, winner: str) -> None:
        self.org.merge(OBJECTS[kind], winner, [loser])

    def convert(self, lead: str) -> None:
        self.org.convert_lead(lead)

    def wait(self, seconds: int) -> None:
        self.sim.clock.advance(timedelta(seconds=seconds))

    @contextmanager
    def trouble(self, what: str, at: int, edit: Any) -> Iterator[None]:
        points = iter(range(1000))

        def meet(_call: Any) -> None:
            if next(points) == at:
                self.sim.cancel() if what == "cancelled" else edit()

        def planted(server: Server) -> None:
            self._watch(server)
            writes = {"method": "PATCH", "path": "composite/sobjects", "times": None}
            if what == "read cut":
                server.faults.plant({"drop": True}, method="GET", nth=at + 1)
            elif what == "answer lost":
                server.faults.plant({"cut": 0}, **writes)
            elif what == "not sent":
                server.faults.plant({"name": "maintenance"}, **writes)
            elif what in ("cancelled", "edited there"):
                _before(server, meet)

        self.sim.faults = planted
        trigger = {"object": "Lead" if at % 2 else "Contact", "code": CODES.get(what, "")}
        if what in CODES:
            self.org.state.automation.plant({"triggers": [trigger]})
        yield
        self.sim.faults = self._watch
        self.org.state.automation.clear()


def _before(server: Server, act: Callable[[Any], None]) -> None:
    """Have something happen before each request is answered."""
    answer = server._answer

    def acting(request: Any, call: Any) -> Any:
        act(call)
        return answer(request, call)

    server._answer = acting  # type: ignore[method-assign]


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_lost_and_nothing_is_done_twice(part: int) -> None:
    """Edits, deletes, merges and conversions on both sides, faults and cancelled cycles between them."""
    play(SimulatedOrg, EXAMPLES // PARTS, 15)
