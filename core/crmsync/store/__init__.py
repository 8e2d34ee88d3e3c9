"""The marketing database: real tables that any SQL tool may read and write, and the engine's own beside them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol, TypeVar

from crmsync.clock import Clock
from crmsync.model import Gone, Merged, Route
from crmsync.store.batch import Applied, Batch, Move, Step
from crmsync.store.sqlite import SqliteStore

T = TypeVar("T")


class Store(Protocol):
    """What the engine needs of a database. `work` is a function on the database's own kind of connection.

    Everything that writes runs in one transaction, which checks the lease's fencing token and carries what was
    deferred; it is kept whole or not at all. Raises StoreError with what to do, LeaseLost where another took over.
    """

    async def close(self) -> None:
        """Give up the lease and let go of the database."""

    async def take_lease(self) -> None:
        """Become the one process that runs cycles here; raises LeaseHeld, naming the holder."""

    async def renew_lease(self) -> None:
        """Hold on to the lease, if it is held."""

    async def write(self, work: Callable[..., T], *args: Any) -> T:
        """Run `work(con, …)` as the engine: what it writes is no local edit."""

    async def read(self, work: Callable[..., T], *args: Any) -> T:
        """Run `work(con, …)` on what was committed; needs no lease."""

    def defer(self, work: Callable[..., object], *args: Any) -> None:
        """Keep `work(con, …)`, which covers nothing new, for the next transaction, so that idling writes once."""

    def begin(self) -> None:
        """Forget what was deferred for a run that could not be closed."""

    async def prepare(self, routes: Sequence[Route]) -> list[str]:
        """Make the tables fit the routes; returns what was changed. No value is ever dropped."""

    async def apply(self, batch: Batch, step: Step, moves: Sequence[Move] = ()) -> tuple[Applied, Step]:
        """Apply a page's rows, count them on `step`, move the cursors with the last of its transactions."""

    async def gone(self, batch: Batch, gone: Sequence[Gone], step: Step, moves: Sequence[Move] = ()) -> Step:
        """Apply deletions, count them, move the cursors."""

    async def merged(self, batch: Batch, merged: Sequence[Merged], step: Step, roles: dict[str, str]) -> Step:
        """Let merged or converted ids live on under the ids they became."""


async def open_store(path: Path, clock: Clock, *, create: bool = True) -> Store:
    """Open the database at `path`, or make it. Raises StoreError with what to do."""
    return await SqliteStore.open(path, clock, create=create)
