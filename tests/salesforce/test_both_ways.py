"""The histories of the engine once more, on the Salesforce connector and a simulated org over HTTP."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from crmsync.clock import SetClock
from crmsync_salesforce.simulator import Org, Server
from support.histories import play
from support.lasting import Lasting
from support.office import IDLE
from support.simulated import Simulated
from support.worlds import START, SimulatedWorld

EXAMPLES = int(os.environ.get("CRMSYNC_EXAMPLES", "100"))
PARTS = 4


class Cancelled(Lasting, Simulated):
    """A connection whose cycle can be cancelled from inside the org."""

    def renew(self) -> None:
        vars(self.server).pop("_answer", None)
        self.server.faults.clear()
        self.faults(self.server)


class SimulatedOrg(SimulatedWorld):
    """An org with a few leads and contacts."""

    objects = MappingProxyType({"lead": "Lead", "contact": "Contact"})
    fields = MappingProxyType({"email": "Email", "last_name": "LastName", "title": "Title"})
    codes = MappingProxyType({"refused": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "later": "UNABLE_TO_LOCK_ROW"})

    def __init__(self, path: Path) -> None:
        org = Org(records=2, seed=5, clock=SetClock(START))
        self.engine = self.sim = Cancelled(path, org, objects={"disable": [*IDLE, "Account", "User", "Group"]})
        self.sim.own = {"attempts": 1, "bulk": "never"}
        self.org = org
        self.overwritten, self.redundant = [], []
        self.sim.faults = self.watch

    def watch(self, server: Server) -> None:
        """Count the records that are written."""

        def seen(call: Any) -> None:
            if call.method == "PATCH" and call.path.endswith("composite/sobjects"):
                self.writes += len(call.json()["records"])

        self.before(server, seen)

    def ids(self, kind: str) -> list[str]:
        found = self.org.records(self.objects[kind])
        return sorted(str(one["Id"]) for one in found if not one.get("IsConverted"))

    def create(self, kind: str, **values: Any) -> str:
        company = {"Company": "Acme"} if kind == "lead" else {}
        return str(self.org.create(self.objects[kind], {**self.named(values), **company}))

    def merge(self, kind: str, loser: str, winner: str) -> None:
        self.org.merge(self.objects[kind], winner, [loser])

    def convert(self, lead: str) -> None:
        self.org.convert_lead(lead)

    def plant(self, server: Server, action: dict[str, Any]) -> None:
        server.faults.plant(action, method="PATCH", path="composite/sobjects", times=None)

    def before(self, server: Server, act: Callable[[Any], None]) -> None:
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
