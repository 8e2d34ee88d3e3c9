"""The reading of one cycle: deletes, conversions and merges, updates in dependency order.

The first pages of all objects are asked for at once; a connector that can bundles them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from crmsync.guard import Guard
from crmsync.model import Cursor, Kind, Page, Query, Route
from crmsync.pacing import claiming
from crmsync.pull import changes, deletes, joins
from crmsync.pull.reads import Read, count, fields_of
from crmsync.pull.run import CONVERSIONS, DELETES, UPDATES, Pull
from crmsync.store import records


@dataclass(slots=True)
class Cycle:
    """The state of one cycle: reads in progress and, in its guard, what went wrong."""

    pull: Pull
    cursors: dict[tuple[str, Kind], Cursor]
    reads: dict[tuple[str, Kind], Read] = field(default_factory=dict)
    first: dict[str, Page | None] = field(default_factory=dict)
    guard: Guard = field(init=False)
    began: str = field(init=False)

    def __post_init__(self) -> None:
        self.guard, self.began = Guard(self.pull), self.pull.now()

    @property
    def routes(self) -> list[Route]:
        """The routes in the order of their dependencies."""
        return sorted(self.pull.routes.values(), key=lambda route: (route.order, route.object))

    def loaded(self, route: Route) -> bool:
        """Whether the object's first load is complete."""
        return self.cursors.get((route.object, Kind.CHANGES), Cursor()).mark is not None

    def filtered_anew(self, route: Route) -> bool:
        """Whether the last whole read was made with another filter, or such a read anew was not finished (R-273)."""
        load = self.cursors.get((route.object, Kind.LOAD), Cursor())
        return bool(load.made_with) and (load.resume is not None or not same_filter(load.made_with, made_with(route)))

    def start(self, routes: Iterable[Route]) -> None:
        """Ask for the first page of every read of objects that are loaded."""
        with claiming(self.pull.claims.pulls):
            for route in routes:
                if self.loaded(route):
                    for kind in (Kind.DELETES, Kind.CHANGES):
                        if kind in route.kinds:
                            self.reads[route.object, kind] = self._read(route, kind).start()

    def _read(self, route: Route, kind: Kind, expected: int | None = None) -> Read:
        cursor, now = self.cursors.get((route.object, kind), Cursor()), made_with(route)
        if kind is Kind.LOAD and not same_filter(cursor.made_with, now):
            cursor = Cursor()
        cursor = replace(cursor, made_with=now)
        query = Query(
            kind=kind, object=route.object, fields=fields_of(route), cursor=cursor, where=route.scope.where,
            expected=expected,
        )  # fmt: skip
        return Read(self.pull, route, query)

    async def restart(self, route: Route) -> None:
        """Begin an object's reads anew, with another selection of fields."""
        for kind in (Kind.DELETES, Kind.CHANGES):
            old = self.reads.pop((route.object, kind), None)
            if old is not None:
                await old.close()
        self.start([route])

    async def run(self) -> None:
        """Deletes, conversions and merges, updates; raises only what ends the whole cycle."""
        try:
            for route in self.routes:
                if read := self.reads.get((route.object, Kind.CHANGES)):
                    await self.guard.run(route, UPDATES, self._begin, route, read)
            for route in self.routes:
                if read := self.reads.get((route.object, Kind.DELETES)):
                    await self.guard.run(route, DELETES, deletes, self.pull, read, self._joined(route))
            for route in self.routes:
                if page := self.first.get(route.object):
                    await self.guard.run(route, CONVERSIONS, self._early, route, page)
            for route in self.routes:
                await self.guard.run(route, UPDATES, self._updates, route)
        finally:
            await self.aclose()

    async def aclose(self) -> None:
        """Let go of every read that was begun."""
        for read in self.reads.values():
            await read.close()

    async def _begin(self, route: Route, read: Read) -> None:
        self.first[route.object] = await read.next()

    def _joined(self, route: Route) -> frozenset[str]:
        """Ids that a feed of deletions may name although they live on under another id."""
        page = self.first.get(route.object)
        return frozenset(one.id for one in page.merged) if page is not None else frozenset()

    async def _early(self, route: Route, page: Page) -> None:
        await joins(self.pull, route, page, Kind.CHANGES)
        if route.role == "lead":
            self.pull.step(route.object, CONVERSIONS)

    async def _updates(self, route: Route) -> None:
        if route.object in self.guard.failed:
            return
        if not self.loaded(route):
            await self._load(route)
            return
        await changes(self.pull, self.reads[route.object, Kind.CHANGES], self.first.pop(route.object, None))
        self.pull.step(route.object, UPDATES)
        if self.filtered_anew(route):
            await self._load(route)

    async def _load(self, route: Route) -> None:
        self.pull.step(route.object, UPDATES)
        expected = await self.count(route)
        read = self.reads[route.object, Kind.LOAD] = self._read(route, Kind.LOAD, expected)
        read.again = self.loaded(route)
        page = await read.next()
        if page is not None:
            await joins(self.pull, route, page, Kind.LOAD)
        if page is not None and page.total is None:
            page = replace(page, total=expected)
        await changes(self.pull, read, page, kind=Kind.LOAD)

    async def count(self, route: Route) -> int | None:
        """How many records of an object the CRM has, where it can be asked; kept as told."""
        found = await count(self.pull, route) if Kind.COUNT in route.kinds else None
        if found is not None:
            await self.pull.store.write(records.save_count, route.object, found, self.pull.now())
        return found


def made_with(route: Route) -> str:
    """A short text that changes when the columns or the filter of a read change."""
    return f"{hash_of([f.name for f in fields_of(route)])}.{hash_of(route.scope.where)}"


def same_filter(one: str, other: str) -> bool:
    """Whether two reads were made with one filter."""
    return one.partition(".")[2] == other.partition(".")[2]


def hash_of(value: Any) -> str:
    """Eight characters that stand for a value, the same in every process."""
    return hashlib.sha256(repr(value).encode()).hexdigest()[:8]
