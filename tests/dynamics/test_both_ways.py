"""The histories of the engine once more, on the Dynamics connector and a simulated environment over HTTP."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from crmsync.clock import SetClock
from crmsync_dynamics.simulator import Org, Server
from crmsync_dynamics.simulator.fields import Ref
from crmsync_dynamics.simulator.merging import merge
from crmsync_dynamics.simulator.qualification import Qualification, Wish
from crmsync_dynamics.simulator.writes import Writer
from dynamics.environment import Environment
from support.histories import play
from support.lasting import Lasting
from support.worlds import START, SimulatedWorld

IDLE = ["account", "systemuser", "team", "campaign", "opportunity", "opportunity_customer", "connection", "task"]
EXAMPLES = int(os.environ.get("CRMSYNC_EXAMPLES", "40")) // 4
PARTS = 2
PLACE = re.compile(r"/(lead|contact)s\((.*)\)$")
WRITES = {"PATCH": r"^/api/.*/(leads|contacts)\(", "POST": r"^/api/.*/\$batch"}


class Cancelled(Lasting, Environment):
    """A connection whose cycle can be cancelled from inside the environment."""

    def renew(self) -> None:
        self.server._answer, self.server.site.dispatch = vars(self.server)["plain"]
        self.server.faults.clear()
        self.faults(self.server)


class SimulatedEnvironment(SimulatedWorld):
    """An environment with a few leads and contacts."""

    objects = MappingProxyType({"lead": "lead", "contact": "contact"})
    fields = MappingProxyType({"email": "emailaddress1", "last_name": "lastname", "title": "jobtitle"})
    codes = MappingProxyType({"refused": "0x80040265", "later": "0x80044339"})

    def __init__(self, path: Path) -> None:
        org = Org(records=2, seed=5, clock=SetClock(START))
        org.settings.duplicate_detection = False
        self.engine = self.sim = Cancelled(path, org, objects={"disable": IDLE})
        self.sim.own = {"attempts": 1}
        self.org = org
        self.overwritten, self.redundant = [], []
        self.sim.faults = self.watch

    def watch(self, server: Server) -> None:
        """Count the records that are written, and keep the values that go and those that were there already."""

        def seen(call: Any) -> None:
            found = PLACE.search(call.path) if call.method == "PATCH" and call.header("If-Match") else None
            if found is None:
                return
            self.writes += 1
            row = self.org.get(found[1], found[2])
            if row is not None and call.header("If-Match") in ("*", f'W/"{row["versionnumber"]}"'):
                self._replaced(row, call.json())

        self.before(server, seen)

    def _replaced(self, row: dict[str, Any], body: dict[str, Any]) -> None:
        for name in self.fields.values() & body.keys():
            (self.redundant if row[name] == body[name] else self.overwritten).append(row[name])

    def ids(self, kind: str) -> list[str]:
        found = self.org.records(kind)
        return sorted(str(one[f"{kind}id"]) for one in found if not one["merged"] and not self._qualified(kind, one))

    @staticmethod
    def _qualified(kind: str, row: dict[str, Any]) -> bool:
        return kind == "lead" and row["statecode"] == 1

    def create(self, kind: str, **values: Any) -> str:
        return str(self.org.create(kind, self.named(values)))

    def merge(self, kind: str, loser: str, winner: str) -> None:
        with self.org.state.transaction():
            merge(self.org.state, self._writer(), Ref(kind, winner), Ref(kind, loser), {}, parents=False)

    def convert(self, lead: str) -> None:
        wish = Wish(lead=lead, account=True, contact=True, opportunity=False)
        with self.org.state.transaction():
            Qualification(self.org.state, self._writer(), wish).run()

    def _writer(self) -> Writer:
        return Writer(self.org.state, self.org.user("admin"))

    def explains(self, explained: Any) -> bool:
        """A qualified lead stays in the CRM, also once the contact that it became is deleted."""
        lead = self.org.get("lead", explained["crm_id"]) if explained["object"] == "lead" else None
        return lead is not None and self._qualified("lead", lead) and lead["parentcontactid"] is None

    def plant(self, server: Server, action: dict[str, Any]) -> None:
        for method, path in WRITES.items():
            server.faults.plant(action, method=method, path=path, times=None)

    def before(self, server: Server, act: Callable[[Any], None]) -> None:
        """Have something happen before each request is answered, also of those in a batch."""
        answer, inner = server._answer, server.site.dispatch
        vars(server).setdefault("plain", (answer, inner))

        def acting(call: Any) -> Any:
            act(call)
            return answer(call)

        def inside(call: Any) -> Any:
            act(call)
            return inner(call)

        server._answer = acting  # type: ignore[method-assign]
        server.site.dispatch = inside


@pytest.mark.parametrize("part", range(PARTS))
def test_nothing_is_lost_and_nothing_is_done_twice(part: int) -> None:
    """Edits, deletes, merges and qualifications on both sides, faults and cancelled cycles between them."""
    play(SimulatedEnvironment, EXAMPLES // PARTS, 15)
