"""What a promise is tried on: a source of records, a session with it, and somebody who edits the source."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from pathlib import Path
from typing import Any, Protocol

from msgspec import Struct, field

from crmsync.aio import settle
from crmsync.clock import Clock, SystemClock
from crmsync.entities import IDENTITY
from crmsync.errors import RouteStopped
from crmsync.hookspecs import Context, Session
from crmsync.model import Cursor, Field, Gone, Kind, Level, Merged, Page, Query, Route, Row, Value
from crmsync.plugins import Plugins, load
from crmsync.schema.policy import narrow
from crmsync.settings import ConnectionSettings, connector_settings

PATIENCE = 10.0
"""Seconds in which an edit has to become visible to the connector."""


class Truth(Protocol):
    """Edits one kind of record in the CRM, not through the connector. Methods may be plain or `async`."""

    @property
    def object(self) -> str:
        """The object whose records are edited."""

    def create(self) -> str | Awaitable[str]:
        """Create a record; returns its id in the form the connector uses."""

    def update(self, crm_id: str) -> Any:
        """Change the value of a synced field of a record."""

    def delete(self, crm_id: str) -> Any:
        """Delete a record."""

    def read(self, crm_id: str) -> Mapping[str, Any] | Awaitable[Mapping[str, Any] | None] | None:
        """Every value of a record, by the CRM's names and in whatever form; None where it is gone.

        Asked only where the connector writes.
        """


async def _nothing() -> None:
    await asyncio.sleep(0)


class Source(Struct, frozen=True, kw_only=True):
    """A CRM to test with: settings that reach it, and the truth behind it.

    `wrong` are settings that make the credentials invalid; `wait` lets time pass between two edits, where the CRM's
    stamps or its commit lag ask for it.

    For promises about writing: `values` are good values, by field, where the CRM does not take any of the field's type;
    `refused` are values that the CRM refuses in an update; `owner` is somebody who may own a record, and does so only
    when asked; `lose` makes the CRM take the next change and the connector lose its answer.
    """

    settings: Mapping[str, Any]
    truth: Truth
    wrong: Mapping[str, Any] = field(default_factory=dict)
    clock: Clock = field(default_factory=SystemClock)
    wait: Callable[[], Awaitable[object]] = _nothing
    values: Mapping[str, Sequence[Value]] = field(default_factory=dict)
    refused: Mapping[str, Value] = field(default_factory=dict)
    owner: str = ""
    lose: Callable[[], object] | None = None


class Bench(Struct):
    """An open session, and short words for what promises ask of it."""

    plugins: Plugins
    source: Source
    session: Session
    routes: dict[str, Route] = field(default_factory=dict)

    @property
    def route(self) -> Route:
        """The narrowed route of the object that the truth edits."""
        return self.routes[self.source.truth.object]

    def query(self, kind: Kind, route: Route | None = None, **more: Any) -> Query:
        """A read as the engine would ask for it."""
        route = route or self.route
        return Query(kind=kind, object=route.object, **{"fields": fields_of(route), "where": route.scope.where} | more)

    async def pages(self, query: Query) -> list[Page]:
        """All pages of a read."""
        async with aclosing(self.plugins.fetch(self.session, query)) as pages:
            return [page async for page in pages]

    async def load(self, route: Route | None = None) -> list[Page]:
        """All pages of a full read."""
        return await self.pages(self.query(Kind.LOAD, route))

    async def follow(self, kind: Kind, mark: str, enough: Callable[[list[Page]], bool]) -> list[Page]:
        """Read again and again from each mark to the next, until that is enough or patience ends."""
        found: list[Page] = []
        until = time.monotonic() + PATIENCE
        while True:
            found += await self.pages(self.query(kind, cursor=Cursor(mark=mark)))
            if enough(found) or time.monotonic() > until:
                return found
            mark = end(found)
            await self.source.wait()
            await asyncio.sleep(0.05)

    async def create(self) -> str:
        """A new record in the source."""
        crm_id = await settle(self.source.truth.create())
        await self.source.wait()
        return crm_id

    async def update(self, crm_id: str) -> None:
        """Another value in a record of the source."""
        await settle(self.source.truth.update(crm_id))
        await self.source.wait()

    async def delete(self, crm_id: str) -> None:
        """One record less in the source."""
        await settle(self.source.truth.delete(crm_id))
        await self.source.wait()


def end(pages: Sequence[Page]) -> str:
    """The mark of a read's last page."""
    mark = pages[-1].mark if pages else None
    assert mark is not None, "the last page of a read has no mark: the next read would not know where to begin"
    return mark


def fields_of(route: Route) -> tuple[Field, ...]:
    """What the engine asks for: the record's identity first, then the data."""
    return tuple(dict.fromkeys(one.field for one in route.maps))


def rows_of(pages: Sequence[Page]) -> dict[str, Row]:
    """Rows by id, the last word of each; the id comes first, as asked for."""
    return {str(row[0]): row for page in pages for row in page.rows}


def ended(pages: Sequence[Page]) -> dict[str, Gone | Merged]:
    """What the pages say of ids that ended."""
    found: dict[str, Gone | Merged] = {one.id: one for page in pages for one in page.gone}
    return found | {one.id: one for page in pages for one in page.merged}


class Promises:
    """What every group of promises stands on; `source` and `connector` are the author's."""

    connector: str = ""

    def source(self) -> AbstractAsyncContextManager[Source]:
        """The CRM to test with, new for every test. Has to be overridden."""
        raise NotImplementedError(f"{type(self).__name__} has to say how its CRM is reached: override `source`")

    def plugins(self) -> Plugins:
        """The connector as it is installed."""
        return load(self.connector)

    @asynccontextmanager
    async def connected(self, source: Source, **changed: Any) -> AsyncIterator[Session]:
        """A session with the source; `changed` settings differ from its own."""
        system = self.plugins().system
        settings = {**source.settings, **changed}
        connection = ConnectionSettings(connector=self.connector, database=Path("kit.db"), settings=settings)
        chosen = connector_settings(connection, system.settings, "kit")
        async with system.connect(chosen, Context(connection="kit", clock=source.clock)) as session:
            yield session

    @asynccontextmanager
    async def bench(self, source: Source) -> AsyncIterator[Bench]:
        """An open session with the routes that these credentials allow."""
        async with self.connected(source) as session:
            bench = Bench(self.plugins(), source, session)
            for route in await bench.plugins.system.routes(session, frozenset()):
                narrowed = None if route.optional else await _narrowed(bench, route)
                if narrowed is not None:
                    bench.routes[route.object] = narrowed
            assert source.truth.object in bench.routes, f"{source.truth.object} cannot be synced with these settings"
            yield bench

    def keep(self, promise: Callable[[Bench], Awaitable[None]]) -> None:
        """Try a promise on a source of its own."""

        async def run() -> None:
            async with self.source() as source, self.bench(source) as bench:
                await promise(bench)

        asyncio.run(run())


async def _narrowed(bench: Bench, route: Route) -> Route | None:
    settings = ConnectionSettings(connector=bench.plugins.system.name, database=Path("kit.db"))
    try:
        fields = await bench.plugins.fields(bench.session, route.object)
        scope = await bench.plugins.scope(bench.session, route.object)
    except RouteStopped:
        return None
    found = narrow(
        route, fields, scope, bench.plugins.directions(route), settings, known={}, others=bench.routes.values()
    )
    return None if any(one.level is Level.STOP for one in found.findings) else found.route


__all__ = ["IDENTITY", "PATIENCE", "Bench", "Promises", "Source", "Truth", "end", "ended", "fields_of", "rows_of"]
