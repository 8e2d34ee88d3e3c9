"""A simulated environment on loopback with a session on it, and the few verbs that the tests of reading need."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from crmsync.clock import SetClock
from crmsync.hookspecs import Context
from crmsync.model import Cursor, Kind, Page, Query, Value
from crmsync_dynamics import plugin
from crmsync_dynamics.routes import IN_SYNC, ROUTES
from crmsync_dynamics.session import DynamicsSession, connect
from crmsync_dynamics.settings import DynamicsSettings
from crmsync_dynamics.simulator import Org, Server
from crmsync_dynamics.simulator.access import Depth

NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)
QUICK = {"backoff_seconds": 0.01, "attempts": 3}
REACH = ("url", "token_url", "tenant_id", "client_id", "client_secret", "ca_file")


@dataclass(slots=True)
class Site:
    """An environment, its server, and a session of the connector."""

    org: Org
    server: Server
    session: DynamicsSession
    warnings: list[str] = field(default_factory=list)

    def plant(self, name: str | None = None, **more: Any) -> None:
        """Plant a fault: its name or other action, and `path`, `method`, `nth`, `times` of what it meets."""
        match = {key: more.pop(key) for key in ("path", "method", "nth", "times") if key in more}
        self.server.faults.plant({**({"name": name} if name else {}), **more}, **match)

    def later(self, **by: float) -> None:
        """Let time pass."""
        clock = self.org.clock
        assert isinstance(clock, SetClock)
        clock.advance(timedelta(**by))

    def grant(self, verb: str, table: str, depth: Depth) -> None:
        """Change what the user may do, and let the session know nothing of it before."""
        self.org.user("full").depths[verb, table] = depth
        self.session.describes.rights.forget()
        self.session.describes.forget(table)

    async def query(self, obj: str, kind: Kind = Kind.LOAD, names: Sequence[str] = (), **more: Any) -> Query:
        """A query as the engine would ask it: the default mapping's fields, or these."""
        fields = await plugin.fields(self.session, obj)
        default = next((route.fields for route in ROUTES if route.object == obj), fields)
        chosen = tuple(fields[name] for name in (names or default) if name in fields)
        where = (IN_SYNC,) if IN_SYNC.field in fields else ()
        return Query(**{"kind": kind, "object": obj, "fields": chosen, "where": where} | more)

    async def read(self, query: Query) -> list[Page]:
        """All pages of a read."""
        return [page async for page in plugin.fetch(self.session, query)]

    async def load(self, obj: str, names: Sequence[str] = (), **more: Any) -> list[Page]:
        """All pages of a load."""
        return await self.read(await self.query(obj, Kind.LOAD, names, **more))

    async def changes(self, obj: str, mark: str | None, names: Sequence[str] = (), **more: Any) -> list[Page]:
        """All pages of a read of changes, some time after whatever happened."""
        self.later(minutes=10)
        return await self.read(await self.query(obj, Kind.CHANGES, names, cursor=Cursor(mark=mark), **more))


def chosen(server: Server, user: str | None = None, settings: dict[str, Any] | None = None) -> DynamicsSettings:
    """Settings that reach a server, as one of its users."""
    ready = server.ready
    given = {key: ready[key] for key in REACH if key in ready} | QUICK
    if user is not None:
        one = server.org.user(user)
        given |= {"client_id": one.client_id, "client_secret": one.client_secret}
    return DynamicsSettings.model_validate(given | (settings or {}))


@asynccontextmanager
async def site(
    records: int = 20, *, settings: dict[str, Any] | None = None, org: Org | None = None, user: str | None = None,
    vault: dict[str, str] | None = None,
) -> AsyncIterator[Site]:  # fmt: skip
    """A running environment and a session on it."""
    org = org or Org(records, 7, clock=SetClock(NOON))
    warnings: list[str] = []
    context = Context(
        connection="test", clock=org.clock, warn=warnings.append, vault=vault if vault is not None else {}
    )
    async with Server(org) as server, connect(chosen(server, user, settings), context) as session:
        yield Site(org, server, session, warnings)


def rows(pages: Sequence[Page]) -> dict[str, dict[str, Value]]:
    """Rows by id, as dicts."""
    return {str(row[0]): dict(zip(page.columns, row, strict=True)) for page in pages for row in page.rows}


def mark_of(pages: Sequence[Page]) -> str:
    """The mark of a whole read."""
    assert pages[-1].mark is not None
    return pages[-1].mark
