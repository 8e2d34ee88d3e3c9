"""One read of one object: its pages, mapped to columns, each asked for while the one before is applied."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress

from msgspec.structs import replace

from crmsync.entities import IDENTITY
from crmsync.errors import CrmsyncError
from crmsync.model import Direction, Field, Kind, Page, Query, Route, Skipped
from crmsync.pull.run import Pull


def fields_of(route: Route, only: Iterable[str] = ()) -> tuple[Field, ...]:
    """What to ask for: the record's identity first, then the data, `only` these columns where some are named."""
    wanted = set(only)
    identity = [m.field for name in IDENTITY for m in route.maps if m.column == name]
    data = [m.field for m in route.maps if m.column not in IDENTITY and (not wanted or m.column in wanted)]
    return tuple(dict.fromkeys([*identity, *data]))


class Read:
    """One read of one object in progress, always one page ahead of whoever consumes it."""

    def __init__(self, pull: Pull, route: Route, query: Query) -> None:
        self.pull = pull
        self.route = route
        self.query = query
        self.again = False  # a load of what is loaded: changes and deletes go on where they are
        self._pages: AsyncIterator[Page] | None = None
        self._next: asyncio.Task[Page | None] | None = None

    def start(self) -> Read:
        """Ask for the next page now, so that it travels while another is applied."""
        self._asked()
        return self

    def _asked(self) -> asyncio.Task[Page | None]:
        if self._next is None:
            self._next = asyncio.create_task(self._advance())
        return self._next

    async def _advance(self) -> Page | None:
        if self._pages is None:
            self._pages = self.pull.plugins.fetch(self.pull.session, self.query)
        page = await anext(self._pages, None)
        self.pull.held += page.bytes if page is not None else 0
        return page

    async def next(self) -> Page | None:
        """The next page, mapped to columns; None after the last. Raises what the connector raised."""
        page = await self._asked()
        self._next = None
        if page is None:
            return None
        self.pull.held -= page.bytes
        if page.mark is None and self.pull.held < self.pull.memory:
            self.start()
        for said in page.notes:
            self.pull.warn(f"{self.route.object}: {said}")
        return mapped(self.pull, self.route, page)

    async def close(self) -> None:
        """Stop reading and let go of the connector's generator."""
        if self._next is not None:
            self._next.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await self._next
            self._next = None
        close = getattr(self._pages, "aclose", None)
        if close is not None:
            await close()


def mapped(pull: Pull, route: Route, page: Page) -> Page:
    """The page in columns, the record's identity first. Where `map` raises, the offending rows are skipped."""
    try:
        out = pull.plugins.map(page, route, Direction.PULL)
    except CrmsyncError:
        raise
    except Exception as error:  # noqa: BLE001 - a plugin's map may raise anything; the page goes on without the row
        return _in_halves(pull, route, page, error)
    return identified(out)


def _in_halves(pull: Pull, route: Route, page: Page, error: Exception) -> Page:
    if len(page.rows) <= 1:
        bad = [
            Skipped(str(row[0]), f"map failed: {error}", dict(zip(page.columns, row, strict=True))) for row in page.rows
        ]
        empty = mapped(pull, route, replace(page, rows=(), skipped=[])) if page.rows else page
        return replace(empty, skipped=[*page.skipped, *bad])
    middle = len(page.rows) // 2
    first = mapped(pull, route, replace(page, rows=page.rows[:middle]))
    rest = mapped(pull, route, replace(page, rows=page.rows[middle:], skipped=[]))
    return replace(first, rows=[*first.rows, *rest.rows], skipped=[*first.skipped, *rest.skipped])


def identified(page: Page) -> Page:
    """The page with `crm_id`, `modified_at` and `version` in front, as the store expects it."""
    front = [name for name in IDENTITY if name in page.columns]
    if page.columns[: len(front)] == tuple(front) or not page.rows:
        return page
    order = [page.columns.index(name) for name in front]
    order += [at for at, name in enumerate(page.columns) if name not in IDENTITY]
    rows = [tuple(row[at] for at in order) for row in page.rows]
    return replace(page, columns=tuple(page.columns[at] for at in order), rows=rows)


def versions(page: Page) -> dict[str, str]:
    """The version of each record of an identified page; where the CRM has none, the moment of its last change."""
    at = page.columns.index("version") if "version" in page.columns else 1
    return {str(row[0]): str(row[at] or row[1]) for row in page.rows}


async def count(pull: Pull, route: Route) -> int | None:
    """How many records of an object the CRM shows; None where it cannot tell."""
    query = Query(kind=Kind.COUNT, object=route.object, where=route.scope.where)
    pages = pull.plugins.fetch(pull.session, query)
    try:
        page = await anext(pages, None)
        return int(page.rows[0][0] or 0) if page is not None and page.rows else None
    finally:
        close = getattr(pages, "aclose", None)
        if close is not None:
            await close()
