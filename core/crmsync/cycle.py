"""One round of everything: schema, deletes, conversions and merges, updates in dependency order.

The first pages of all objects are asked for at once; a connector that can bundles them. What an object ends with is
its own: one that stops does not hold up the others, only what concerns the whole connection ends the cycle.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, ParamSpec

from crmsync.errors import ConnectionStopped, CrmsyncError, QuotaKept, RetryLater, SchemaMoved, StoreError
from crmsync.model import Counts, Cursor, Event, Kind, Page, Query, Route
from crmsync.pacing import claiming
from crmsync.programs import SYNC, Programs, routes_of
from crmsync.pull import by_id, changes, deletes, joins
from crmsync.pull.compare import close_gaps, gaps
from crmsync.pull.reads import Read, count, fields_of
from crmsync.pull.run import CONVERSIONS, DELETES, NEWS, PUSHES, READING, UPDATES, Drained, Pull
from crmsync.push import push
from crmsync.push.activities import send_activities
from crmsync.store import quarantine, records
from crmsync.store.batch import Step
from crmsync.store.sending.edits import any_open

P = ParamSpec("P")
FATAL = (ConnectionStopped, StoreError, Drained)
RETRIES_IN_A_ROW = 2  # objects that answer "later" before the cycle waits for its next turn


@dataclass(slots=True)
class Cycle:
    """The state of one cycle: reads in progress and what went wrong."""

    pull: Pull
    cursors: dict[tuple[str, Kind], Cursor]
    reads: dict[tuple[str, Kind], Read] = field(default_factory=dict)
    first: dict[str, Page | None] = field(default_factory=dict)
    failed: dict[str, BaseException] = field(default_factory=dict)
    later: int = 0
    began: str = field(init=False)

    def __post_init__(self) -> None:
        self.began = self.pull.now()

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
                    await self._guarded(route, UPDATES, self._begin, route, read)
            for route in self.routes:
                if read := self.reads.get((route.object, Kind.DELETES)):
                    await self._guarded(route, DELETES, deletes, self.pull, read, self._joined(route))
            for route in self.routes:
                if page := self.first.get(route.object):
                    await self._guarded(route, CONVERSIONS, self._early, route, page)
            for route in self.routes:
                await self._guarded(route, UPDATES, self._updates, route)
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
        if route.object in self.failed:
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
        expected = await self._count(route)
        read = self.reads[route.object, Kind.LOAD] = self._read(route, Kind.LOAD, expected)
        read.again = self.loaded(route)
        page = await read.next()
        if page is not None:
            await joins(self.pull, route, page, Kind.LOAD)
        if page is not None and page.total is None:
            page = replace(page, total=expected)
        await changes(self.pull, read, page, kind=Kind.LOAD)

    async def push(self) -> None:
        """Send local edits, every object after it was read."""
        if not await self.pull.store.read(any_open):
            return
        for route in self.routes:
            if self.loaded(route) or (route.object, UPDATES) in self.pull.steps:
                await self._guarded(route, PUSHES, push, self.pull, route)

    async def programs(self) -> None:
        """Bring linked programs and their campaigns in step, once both were read; what it edits goes with the push."""
        found = routes_of(self.pull.routes)
        if found and all(self.loaded(route) and route.object not in self.failed for route in found.values()):
            await self._guarded(found["campaign"], SYNC, Programs(self.pull, found).run)

    async def send_activities(self, kinds: Sequence[str], every: float) -> None:
        """Send activities of these kinds, once persons are as they should be; of one person every so many seconds."""
        route = self.pull.routes.get(self.pull.plugins.system.tasks)
        if route is not None:
            await self._guarded(route, NEWS, send_activities, self.pull, route, kinds, every)

    async def count_again(self) -> None:
        """Count the CRM's records again where some came or went; a connector that can bundles the questions."""
        moved = {obj for (obj, _), step in self.pull.steps.items() if step.counts.new or step.counts.deleted}
        counted = [self._guarded(route, UPDATES, self._count, route) for route in self.routes if route.object in moved]
        await asyncio.gather(*counted)

    async def _count(self, route: Route) -> int | None:
        found = await count(self.pull, route) if Kind.COUNT in route.kinds else None
        if found is not None:
            await self.pull.store.write(records.save_count, route.object, found, self.pull.now())
        return found

    async def close_gaps(self) -> None:
        """Find out by comparing ids what was deleted where no feed told."""
        known = await self.pull.store.read(gaps)
        for route in self.routes:
            if (self.pull.gaps or known) and self.loaded(route) and route.object not in self.failed:
                await self._guarded(route, DELETES, close_gaps, self.pull, route, known)

    async def retry_quarantine(self, retries: int) -> None:
        """Read records again that could not be stored, a bounded number of times."""
        for route in self.routes:
            ids = await self.pull.store.read(quarantine.quarantined_ids, route.object, retries, self.began)
            if ids and route.object not in self.failed:
                await self._guarded(route, UPDATES, by_id, self.pull, route, ids)
                # What the CRM did not answer for was tried too; it would be asked for in every cycle otherwise.
                self.pull.store.defer(quarantine.tried, route.object, ids, self.began, self.pull.now())

    async def give_up(self) -> None:
        """Fail the objects whose fields moved once more after the schema was read again, where somebody sees it."""
        for route in self.routes:
            error = self.failed.get(route.object)
            if isinstance(error, SchemaMoved):
                await self._broken(route, UPDATES, error, "failed")

    def _left_out(self, route: Route, operation: str) -> bool:
        """Whether an object stopped: one that there are no calls to read for is still written."""
        error = self.failed.get(route.object)
        return error is not None and (operation in READING or not isinstance(error, QuotaKept))

    async def _guarded(
        self, route: Route, operation: str, work: Callable[P, Awaitable[object]], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        if self._left_out(route, operation):
            return
        claims = self.pull.claims
        try:
            with claiming(claims.pulls if operation in READING else claims.pushes):
                await work(*args, **kwargs)
            self.later = 0
        except QuotaKept as error:
            await self._broken(route, operation, error, "incomplete")
        except FATAL as error:
            await self._broken(route, operation, error, "incomplete")
            raise
        except SchemaMoved as error:
            self.failed[route.object] = error
        except CrmsyncError as error:
            await self._broken(route, operation, error, "failed")
            self.later += isinstance(error, RetryLater)
            if self.later >= RETRIES_IN_A_ROW:
                raise
        except Exception as error:  # noqa: BLE001 - a connector's own mistake stops its object, not the others
            await self._broken(route, operation, error, "failed")

    async def _broken(self, route: Route, operation: str, error: BaseException, status: str) -> None:
        self.failed[route.object] = error
        step = self.pull.step(route.object, operation)
        self.pull.keep(replace(step, status=status, message=str(error)[:2000]))
        if not isinstance(error, Drained | StoreError | QuotaKept):  # calls that are short are told once, for all
            one = records.trouble(error, run=self.pull.run, obj=route.object, operation=operation)
            with suppress(StoreError):
                await self.pull.store.write(records.save_trouble, one, self.pull.now())


def made_with(route: Route) -> str:
    """A short text that changes when the columns or the filter of a read change."""
    return f"{hash_of([f.name for f in fields_of(route)])}.{hash_of(route.scope.where)}"


def same_filter(one: str, other: str) -> bool:
    """Whether two reads were made with one filter."""
    return one.partition(".")[2] == other.partition(".")[2]


def hash_of(value: Any) -> str:
    """Eight characters that stand for a value, the same in every process."""
    return hashlib.sha256(repr(value).encode()).hexdigest()[:8]


def close_steps(pull: Pull, status: str = "succeeded") -> list[Step]:
    """End every step of the run that is still open, and hand it to the store with its next transaction."""
    ended = []
    for key, step in pull.steps.items():
        if step.ended_at is None:
            step = replace(step, ended_at=pull.now(), status=status if step.status == "in process" else step.status)  # noqa: PLW2901
            pull.steps[key] = step
            pull.store.defer(records.save_step, step)
        ended.append(step)
    return ended


def total(steps: Iterable[Step]) -> Counts:
    """The counts of several steps together."""
    return sum((step.counts for step in steps), Counts())


def events(connection: str, steps: Iterable[Step]) -> list[Event]:
    """What observers hear of ended steps."""
    return [
        Event(
            connection=connection, name="step", at=step.ended_at or step.started_at, run=step.run, object=step.object,
            operation=step.operation, counts=step.counts, message=step.message,
        )
        for step in steps
    ]  # fmt: skip
