"""What all that reads or writes in one run shares: the connector, the store, the routes, and the steps so far."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec import Struct, field

from crmsync.clock import Clock, stamp
from crmsync.errors import CrmsyncError
from crmsync.flight import Flight
from crmsync.hookspecs import Session
from crmsync.model import Kind, Page, Route
from crmsync.pacing import Claims
from crmsync.plugins import Plugins
from crmsync.store import Store
from crmsync.store.batch import Batch, Step

SCHEMA, DELETES, CONVERSIONS, UPDATES = "sync schema", "pull deletes", "pull conversions", "pull updates"
PUSHES, NEWS = "push updates", "push new"
READING = frozenset({DELETES, CONVERSIONS, UPDATES})


class Drained(CrmsyncError):
    """The process was asked to stop; everything up to the last page is stored."""

    exit_code = 0


class Pull(Struct):
    """What reading needs for the length of one run."""

    plugins: Plugins
    session: Session
    store: Store
    clock: Clock
    run: int
    routes: Mapping[str, Route]
    match: tuple[str, ...] = ()
    stopping: Callable[[], bool] = lambda: False
    on_page: Callable[[Step, int | None], None] = lambda _step, _total: None
    warn: Callable[[str], None] = lambda _: None
    unseen: set[tuple[str, str]] = field(default_factory=set)
    flight: Flight = field(default_factory=Flight)
    retries: int = 5  # of a record before it is set aside
    memory: int = 64_000_000  # bytes of pages that were asked for ahead and wait to be applied
    held: int = 0
    gaps: set[str] = field(default_factory=set)  # objects whose deletions may have been missed
    steps: dict[tuple[str, str], Step] = field(default_factory=dict)
    roles: dict[str, str] = field(default_factory=dict)  # the person role of every object, selected or not
    claims: Claims = field(default_factory=Claims)
    defaults: Mapping[str, str] = field(default_factory=dict)  # of columns that a new lead may lack
    owner_mail: bool = False  # whether the CRM may mail the owner of what is made from here
    started: float = 0.0  # monotonic
    status: str = ""

    def now(self) -> str:
        """The canonical text of this moment."""
        return stamp(self.clock.now())

    def step(self, obj: str, operation: str) -> Step:
        """The step of this run for an object and operation, begun at the first call."""
        known = self.steps.get((obj, operation))
        return known or self.keep(Step(run=self.run, object=obj, operation=operation, started_at=self.now()))

    def keep(self, step: Step) -> Step:
        """Remember a step as it stands."""
        self.steps[step.object, step.operation] = step
        return step

    def batch(self, route: Route, page: Page, kind: Kind, *, refresh: bool = False, partial: bool = False) -> Batch:
        """A mapped page, ready for the store."""
        return Batch(
            route=route, page=page, kind=kind, run=self.run, at=self.now(), refresh=refresh, partial=partial,
            match=self.match,
        )  # fmt: skip
