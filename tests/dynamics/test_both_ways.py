"""The histories of the engine once more, on the Dynamics connector and a simulated environment over HTTP."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from crmsync.clock import SetClock
from crmsync_dynamics.simulator import Org, Server
from crmsync_dynamics.simulator.fields import Ref
from crmsync_dynamics.simulator.merging import merge
from crmsync_dynamics.simulator.qualification import Qualification, Wish
from crmsync_dynamics.simulator.writes import Writer
from dynamics.environment import Environment
from support.histories import World, play
from support.lasting import Lasting

IDLE = ["account", "systemuser", "team", "campaign", "opportunity", "opportunity_customer", "connection", "task"]
EXAMPLES = int(os.environ.get("CRMSYNC_EXAMPLES", "40")) // 4
PARTS = 2
START = datetime(2026, 3, 1, 12, tzinfo=UTC)
CODES = {"refused": "0x80040265", "later": "0x80044339"}
FIELDS = {"email": "emailaddress1", "last_name": "lastname", "title": "jobtitle"}
PLACE = re.compile(r"/(lead|contact)s\((.*)\)$")
WRITES = {"PATCH": r"^/api/.*/(leads|contacts)\(", "POST": r"^/api/.*/\$batch"}


class Cancelled(Lasting, Environment):
    """A connection whose cycle can be cancelled from inside the environment."""

    def renew(self) -> None:
        self.server._answer, self.server.site.dispatch = vars(self.server)["plain"]
        self.server.faults.clear()
        self.faults(self.server)


class SimulatedEnvironment(World):
    """An environment with a few leads and contacts."""

    def __init__(self, path: Path) -> None:
        org = Org(records=2, seed=5, clock=SetClock(START))
        org.settings.duplicate_detection = False
        self.engine = self.sim = Cancelled(path, org, objects={"disable": IDLE})
        self.sim.own = {"attempts": 1}
        self.org = org
        self.overwritten, self.redundant = [], []
        self.sim.faults = self._watch

    def _watch(self, server: Server) -> None:
        """Count the records that are written, and keep the values that go and those that were there already."""

        def seen(call: Any) -> None:
            found = PLACE.search(call.path) if call.method == "PATCH" and call.header("If-Match") else None
            if found is None:
                return
            self.writes += 1
            row = self.org.get(found[1], found[2])
            if row is not None and call.header("If-Match") in ("*", f'W/"{row["versionnumber"]}"'):
                self._replaced(row, call.json())

        _before(server, seen)

    def _replaced(self, row: dict[str, Any], body: dict[str, Any]) -> None:
        for name in FIELDS.values() & body.keys():
            (self.redundant if row[name] == body[name] else self.overwritten).append(row[name])

    def ids(self, kind: str) -> list[str]:
        found = self.org.records(kind)
        return sorted(str(one[f"{kind}id"]) for one in found if not one["merged"] and not self._qualified(kind, one))

    @staticmethod
    def _qualified(kind: str, row: dict[str, Any]) -> bool:
        return kind == "lead" and row["statecode"] == 1

    def create(self, kind: str, **values: Any) -> str:
        return self.org.create(kind, {FIELDS[name]: value for name, value in values.items()})

    def edit(self, kind: str, crm_id: str, **values: Any) -> None:
        self.org.update(kind, crm_id, {FIELDS[name]: value for name, value in values.items()})

    def delete(self, kind: str, crm_id: str) -> None:
        self.org.delete(kind, crm_id)

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
            if what == "read cut":
                server.faults.plant({"drop": True}, method="GET", nth=at + 1)
            elif what == "answer lost":
                _plant(server, {"cut": 0})
            elif what == "not sent":
                _plant(server, {"name": "maintenance"})
            elif what in ("cancelled", "edited there"):
                _before(server, meet)

        self.sim.faults = planted
        trigger = {"object": "lead" if at % 2 else "contact", "code": CODES.get(what, "")}
        if what in CODES:
            self.org.state.automation.plant({"triggers": [trigger]})
        yield
        self.sim.faults = self._watch
        self.org.state.automation.clear()


def _plant(server: Server, action: dict[str, Any]) -> None:
    for method, path in WRITES.items():
        server.faults.plant(action, method=method, path=path, times=None)


def _before(server: Server, act: Callable[[Any], None]) -> None:
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
