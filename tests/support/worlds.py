"""What the worlds of simulated orgs share: edits in the CRM, and the troubles that meet whatever is synced."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

from support.histories import World

START = datetime(2026, 3, 1, 12, tzinfo=UTC)


class SimulatedWorld(World):
    """An org with a few leads and contacts, behind a `Hosted` connection that can be cancelled from inside."""

    sim: Any
    org: Any
    objects: ClassVar[Mapping[str, str]]  # lead and contact, as the CRM calls them
    fields: ClassVar[Mapping[str, str]]  # columns of a person, as the CRM calls them
    codes: ClassVar[Mapping[str, str]]  # how a rule of the CRM says refused and later

    @abstractmethod
    def watch(self, server: Any) -> None:
        """Count the records that are written."""

    @abstractmethod
    def before(self, server: Any, act: Callable[[Any], None]) -> None:
        """Have something happen before each request is answered."""

    @abstractmethod
    def plant(self, server: Any, action: dict[str, Any]) -> None:
        """Have a fault meet every write."""

    def named(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Values by the CRM's names."""
        return {self.fields[name]: value for name, value in values.items()}

    def edit(self, kind: str, crm_id: str, **values: Any) -> None:
        self.org.update(self.objects[kind], crm_id, self.named(values))

    def delete(self, kind: str, crm_id: str) -> None:
        self.org.delete(self.objects[kind], crm_id)

    def wait(self, seconds: int) -> None:
        self.sim.clock.advance(timedelta(seconds=seconds))

    @contextmanager
    def trouble(self, what: str, at: int, edit: Any) -> Iterator[None]:
        points = iter(range(1000))

        def meet(_call: Any) -> None:
            if next(points) == at:
                self.sim.cancel() if what == "cancelled" else edit()

        def planted(server: Any) -> None:
            self.watch(server)
            if what == "read cut":
                server.faults.plant({"drop": True}, method="GET", nth=at + 1)
            elif what == "answer lost":
                self.plant(server, {"cut": 0})
            elif what == "not sent":
                self.plant(server, {"name": "maintenance"})
            elif what in ("cancelled", "edited there"):
                self.before(server, meet)

        self.sim.faults = planted
        if what in self.codes:
            trigger = {"object": self.objects["lead" if at % 2 else "contact"], "code": self.codes[what]}
            self.org.state.automation.plant({"triggers": [trigger]})
        yield
        self.sim.faults = self.watch
        self.org.state.automation.clear()
