"""The marketing database in one SQLite file, as the engine uses it."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from crmsync.clock import Clock
from crmsync.errors import StoreError
from crmsync.model import Counts, Gone, Merged, Page, Route, Skipped
from crmsync.store import lease, quarantine, records, tables
from crmsync.store.batch import Applied, Batch, Move, Step
from crmsync.store.database import Database
from crmsync.store.links import apply_gone, apply_merged
from crmsync.store.rows import apply_rows
from crmsync.store.storable import refused

T = TypeVar("T")

UNSTORABLE = (sqlite3.IntegrityError, sqlite3.DataError, sqlite3.ProgrammingError, OverflowError, UnicodeEncodeError)
"""What SQLite raises when a value does not fit; the file itself is well."""


class SqliteStore(Struct):
    """One open database. Everything the engine writes goes through `write`, which checks the lease's token."""

    database: Database
    clock: Clock
    token: int | None = None
    deferred: list[Callable[[sqlite3.Connection], object]] = field(default_factory=list)

    @classmethod
    async def open(cls, path: Path, clock: Clock, *, create: bool = True) -> SqliteStore:
        """Open or create the file. Raises StoreError with what to do."""
        return cls(await Database.open(path, create=create), clock)

    async def close(self) -> None:
        """Give up the lease and close the file. A lease that cannot be given up expires by itself."""
        token, self.token = self.token, None
        try:
            if token is not None:
                with suppress(StoreError):
                    await self.database.write(lease.release_lease, token, self.clock.now())
        finally:
            await self.database.close()

    async def take_lease(self) -> None:
        """Become the one process that runs cycles here; raises LeaseHeld while another one does."""
        self.token = await self.database.write(lease.take_lease, lease.holder_name(), self.clock.now())

    async def renew_lease(self) -> None:
        """Hold on to the lease; raises LeaseLost when another process took over."""
        if self.token is not None:
            await self.write(lease.renew_lease, self.token, self.clock.now())

    async def write(self, work: Callable[..., T], *args: Any) -> T:
        """Run `work(con, …)` as the engine, in one transaction with whatever was deferred."""
        waiting, self.deferred = self.deferred, []
        kept = asyncio.ensure_future(self.database.write(self._engine, waiting, work, args))
        try:
            return await asyncio.shield(kept)
        finally:
            # Whoever is cancelled meanwhile has to know whether the thread committed: nothing may be written twice.
            if not kept.done():
                await asyncio.wait([kept])
            if kept.cancelled() or kept.exception() is not None:
                self.deferred = waiting + self.deferred

    async def read(self, work: Callable[..., T], *args: Any) -> T:
        """Run `work(con, …)` on what was committed."""
        return await self.database.read(work, *args)

    def _engine(
        self, con: sqlite3.Connection, waiting: Sequence[Callable[..., object]], work: Callable[..., T], args: Any
    ) -> T:
        if self.token is not None:
            lease.check_lease(con, self.token)
        con.execute("INSERT INTO crmsync_applying VALUES (1, 0)")
        for each in waiting:
            each(con)
        result = work(con, *args)
        con.execute("DELETE FROM crmsync_applying")
        return result

    def begin(self) -> None:
        """Forget what was deferred for a run that could not be closed."""
        self.deferred.clear()

    def defer(self, work: Callable[..., object], *args: Any) -> None:
        """Keep `work(con, …)`, which covers nothing new, for the next transaction, so that idling writes once."""
        self.deferred.append(lambda con: work(con, *args))

    async def prepare(self, routes: Sequence[Route]) -> list[str]:
        """Make the tables fit the routes; returns what was changed."""
        return await self.write(tables.prepare, routes, self.clock)

    async def apply(self, batch: Batch, step: Step, moves: Sequence[Move] = ()) -> tuple[Applied, Step]:
        """Apply a page's rows, count them on `step`, and move the cursors with the last of its transactions.

        Rows that cannot be stored go to quarantine with the reason; the page goes on.
        """
        total = Applied()
        start = 0
        while start >= 0:
            try:
                part, start, step = await self.write(_part, batch, start, step, moves)
            except UNSTORABLE as error:
                smaller = _without_refused(batch, error)
                if smaller is None:
                    return await self._in_halves(batch, step, moves)
                batch, start = smaller, 0
                continue
            total.counts += part.counts
            total.unclear += part.unclear
            total.notes += part.notes
        return total, step

    async def _in_halves(self, batch: Batch, step: Step, moves: Sequence[Move]) -> tuple[Applied, Step]:
        """A page that a rule of somebody else's refuses (a unique index, a trigger): find the rows it is about."""
        page, middle = batch.page, len(batch.page.rows) // 2
        first = replace(batch, page=Page(columns=page.columns, rows=page.rows[:middle]))
        rest = replace(batch, page=replace(page, rows=page.rows[middle:]))
        total, step = await self.apply(first, step)
        part, step = await self.apply(rest, step, moves)
        total.counts += replace(part.counts, pages=part.counts.pages - 1)
        total.unclear += part.unclear
        total.notes += part.notes
        return total, replace(step, counts=replace(step.counts, pages=step.counts.pages - 1))

    async def gone(self, batch: Batch, gone: Sequence[Gone], step: Step, moves: Sequence[Move] = ()) -> Step:
        """Apply deletions, count them, and move the cursors in the same transaction."""
        return await self.write(_counted, apply_gone, (batch, gone), step, (batch.page, moves, batch.at))

    async def merged(self, batch: Batch, merged: Sequence[Merged], step: Step, roles: dict[str, str]) -> Step:
        """Let merged or converted ids live on under the ids they became."""
        return await self.write(_counted, apply_merged, (batch, merged, roles), step, (None, (), batch.at))


def _part(
    con: sqlite3.Connection, batch: Batch, start: int, step: Step, moves: Sequence[Move]
) -> tuple[Applied, int, Step]:
    applied, end = apply_rows(con, batch, start)
    if end < 0:
        route = batch.route
        quarantine.leave_quarantine(con, route.object, (str(row[0]) for row in batch.page.rows))
        quarantine.quarantine(con, route.object, route.entity, batch.page.skipped, batch.at)
        for one in batch.page.skipped:
            records.save_trouble(con, _refusal(one, batch, step), batch.at)
        applied.add(failed=len(batch.page.skipped))
        applied.counts += _cost(batch.page)
        for move in moves:
            records.save_cursor(con, move, batch.at)
    message = "; ".join(filter(None, [step.message, *applied.notes]))[:2000]
    step = replace(step, counts=step.counts + applied.counts, message=message)
    return applied, end, records.save_step(con, step)


def _refusal(one: Skipped, batch: Batch, step: Step) -> records.Trouble:
    return records.Trouble(
        run=batch.run,
        level="record",
        object=batch.route.object,
        operation=step.operation,
        crm_id=one.id,
        code="quarantined",
        message=one.reason,
        hint="Correct the record in the CRM; it leaves quarantine by itself when it is read again.",
    )


def _cost(page: Page) -> Counts:
    return Counts(pages=1, calls=page.calls, bytes=page.bytes)


def _counted(
    con: sqlite3.Connection, work: Callable[..., Applied], args: Sequence[Any], step: Step, around: tuple[Any, ...]
) -> Step:
    page, moves, at = around
    applied = work(con, *args)
    for move in moves:
        records.save_cursor(con, move, at)
    counts = step.counts + applied.counts + (_cost(page) if page is not None else Counts())
    return records.save_step(con, replace(step, counts=counts))


def _without_refused(batch: Batch, error: Exception) -> Batch | None:
    """The batch without the rows that do not fit their columns; those are skipped with the reason.

    None where every row fits, so that the page has to be taken apart.
    """
    bad = {index: why for index, row in enumerate(batch.page.rows) if (why := refused(row, batch))}
    if not bad and len(batch.page.rows) == 1:
        bad = {0: f"the database refused it: {error}"}
    if not bad:
        if not batch.page.rows:
            raise StoreError(f"{batch.route.object}: a page could not be stored: {error}.") from error
        return None
    page = batch.page
    skipped = [*page.skipped]
    for index, why in bad.items():
        row = page.rows[index]
        skipped.append(Skipped(str(row[0]), why, dict(zip(page.columns, row, strict=True))))
    rows = [row for index, row in enumerate(page.rows) if index not in bad]
    return replace(batch, page=replace(page, rows=rows, skipped=skipped))
