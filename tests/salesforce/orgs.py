"""A simulated org on loopback with a session on it, and the few verbs that the tests of reading need."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec.structs import replace

from crmsync.clock import SetClock
from crmsync.hookspecs import Context
from crmsync.model import Cursor, Kind, Page, Query, Value
from crmsync_salesforce import plugin
from crmsync_salesforce.routes import ROUTES
from crmsync_salesforce.session import SalesforceSession, connect
from crmsync_salesforce.settings import SalesforceSettings
from crmsync_salesforce.simulator import Org, Server

NOON = datetime(2026, 5, 6, 12, tzinfo=UTC)
QUICK = {"backoff_seconds": 0.01, "attempts": 3}
NAMES = ["Id", "SystemModstamp", "LastName", "Title"]


@dataclass(slots=True)
class Site:
    """An org, its server, and a session of the connector."""

    org: Org
    server: Server
    context: Context
    session: SalesforceSession
    warnings: list[str] = field(default_factory=list)

    def plant(self, name: str | None = None, **more: Any) -> None:
        """Plant a fault: its name or other action, and `path`, `method`, `nth`, `times` of what it meets."""
        match = {key: more.pop(key) for key in ("path", "method", "nth", "times") if key in more}
        self.server.faults.plant({**({"name": name} if name else {}), **more}, **match)

    async def query(self, obj: str, kind: Kind = Kind.LOAD, names: Sequence[str] = (), **more: Any) -> Query:
        """A query as the engine would ask it: the default mapping's fields, or these."""
        fields = await plugin.fields(self.session, obj)
        default = next((route.fields for route in ROUTES if route.object == obj), fields)
        chosen = tuple(fields[name] for name in (names or default) if name in fields)
        where = (await plugin.scope(self.session, obj)).where
        return Query(kind=kind, object=obj, fields=chosen, where=where, **more)

    async def read(self, query: Query) -> list[Page]:
        """All pages of a read."""
        return [page async for page in plugin.fetch(self.session, query)]

    async def load(self, obj: str, names: Sequence[str] = (), **more: Any) -> list[Page]:
        """All pages of a load."""
        return await self.read(await self.query(obj, Kind.LOAD, names, **more))

    async def changes(self, obj: str, mark: str | None, names: Sequence[str] = (), **more: Any) -> list[Page]:
        """All pages of a read of changes."""
        return await self.read(await self.query(obj, Kind.CHANGES, names, cursor=Cursor(mark=mark), **more))


@asynccontextmanager
async def site(  # noqa: PLR0913 - every trait of a test's org
    records: int = 20, *, settings: dict[str, Any] | None = None, org: Org | None = None, tls: bool = False,
    memory: dict[str, str] | None = None, vault: dict[str, str] | None = None, disable: Sequence[str] = (),
    faults: Sequence[dict[str, Any]] = (), share: float = 0.8, user: str | None = None, **traits: Any,
) -> AsyncIterator[Site]:  # fmt: skip
    """A running org and a session on it. `disable` switches features of the server off before the session begins."""
    org = org or Org(records, 7, clock=SetClock(NOON), **traits)
    warnings: list[str] = []
    context = Context(
        connection="test", clock=org.clock, warn=warnings.append, quota_share=share,
        memory=memory if memory is not None else {}, vault=vault if vault is not None else {},
    )  # fmt: skip
    async with Server(org, tls=tls) as server:
        server.site.disabled = set(disable)
        for one in faults:
            server.faults.plant_all(one)
        async with connect(chosen(server, user, settings), context) as session:
            yield Site(org, server, context, session, warnings)


def chosen(server: Server, user: str | None = None, settings: dict[str, Any] | None = None) -> SalesforceSettings:
    """Settings that reach a server: by client credentials, or as one of its users by name and password."""
    ready = server.ready
    given = {"url": server.url, "client_id": ready["client_id"], "client_secret": ready["client_secret"], **QUICK}
    if user is not None:
        given |= {
            key: value for key, value in _user(ready, user).items() if key in ("username", "password", "security_token")
        }
    if server.ca_file:
        given["ca_file"] = server.ca_file
    return SalesforceSettings.model_validate(given | (settings or {}))


def _user(ready: dict[str, Any], name: str) -> dict[str, str]:
    return next(one for one in ready["users"] if one["name"] == name)


def ids(pages: Sequence[Page]) -> list[str]:
    """The ids of all rows, in order, with repetitions."""
    return [str(row[page.columns.index("Id")]) for page in pages for row in page.rows]


def column(pages: Sequence[Page], name: str) -> dict[str, Value]:
    """One column by id."""
    found: dict[str, Value] = {}
    for page in pages:
        key, at = page.columns.index("Id"), page.columns.index(name)
        found |= {str(row[key]): row[at] for row in page.rows}
    return found


def resumed(query: Query, page: Page) -> Query:
    """The query that goes on behind a page, as another process would ask it."""
    return replace(query, cursor=Cursor(mark=query.cursor.mark, resume=page.resume))


def later(one: Site, **by: float) -> None:
    clock = one.org.clock
    assert isinstance(clock, SetClock)
    clock.advance(timedelta(**by))


def mark_of(pages: list[Page]) -> str:
    assert pages[-1].mark is not None
    return pages[-1].mark


async def loaded(one: Site, obj: str = "Contact", names: list[str] = NAMES) -> str:
    """The mark of a load that was some hours ago."""
    mark = mark_of(await one.load(obj, names))
    later(one, hours=3)
    return mark
