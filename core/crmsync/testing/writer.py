"""What promises about writing are tried with: changes, what becomes of them, and the record on both sides."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime
from itertools import count
from typing import Any

import pytest
from msgspec import Struct, field

from crmsync.aio import settle
from crmsync.clock import stamp
from crmsync.errors import CrmsyncError
from crmsync.model import Direction, Field, Fields, Kind, Page, Sent, Type, Value
from crmsync.testing import bench
from crmsync.testing.bench import IDENTITY, Bench, Promises, fields_of, rows_of
from crmsync.testing.samples import Given, choices, sample
from crmsync.writes import Change, Operation, Outcome, Result, Wish

Values = dict[str, Value]

NEVER = "never-was"
"""An id that no record ever had."""


class Writer(Struct):
    """Somebody who writes one kind of record through the connector, and looks at it behind the connector's back."""

    bench: Bench
    visible: Fields
    given: Given
    numbers: Iterator[int] = field(default_factory=count)

    @property
    def fields(self) -> tuple[Field, ...]:
        """What may be pushed."""
        return tuple(one.field for one in self.bench.route.maps if Direction.PUSH in one.directions)

    @property
    def plain(self) -> Field:
        """A field that many different values can be written to."""
        free = [one for one in self.fields if one.type is Type.TEXT and not choices(one, self.given)]
        varied = [one for one in self.fields if sample(one, 0, self.given) != sample(one, 1, self.given)]
        assert free or varied, f"no field of {self.bench.route.object} takes different values: name some in `values`"
        return (free or varied)[0]

    def change(self, operation: Operation, crm_id: str | None = None, **more: Any) -> Change:
        """A change of the object, with a row of its own."""
        more.setdefault("object", self.bench.route.object)
        return Change(operation=operation, row=next(self.numbers), crm_id=crm_id, **more)

    def update(self, crm_id: str, values: Mapping[str, Value]) -> Change:
        """An update of one record."""
        return self.change(Operation.UPDATE, crm_id, values=values)

    def create(self, key: str = "", wish: Wish | None = None) -> Change:
        """A new record: what the CRM cannot do without, and a value that no other has."""
        needed = [one for one in self.visible.values() if one.createable and not one.nullable and not one.defaulted]
        number = next(self.numbers)
        values = {one.name: sample(one, number, self.given) for one in (*needed, self.plain)}
        return self.change(Operation.CREATE, values=values, key=key, wish=wish or Wish())

    async def apply(self, *changes: Change) -> list[Outcome]:
        """What became of changes that were sent at once."""
        outcomes = await self.bench.plugins.apply(self.bench.session, changes)
        await self.bench.source.wait()
        return list(outcomes)

    async def told(self, *changes: Change) -> list[Outcome] | CrmsyncError:
        """What is told of changes, be it by one of our errors."""
        try:
            return await self.apply(*changes)
        except CrmsyncError as error:
            return error

    async def created(self, change: Change) -> str:
        """The id of a record that is made. Skips where none comes back, which is a promise of its own."""
        (outcome,) = await self.apply(change)
        if outcome.crm_id is None:
            pytest.skip(f"a create gives no id: {outcome.message}")
        return outcome.crm_id

    async def sent(self, change: Change, at: datetime) -> list[Page]:
        """What SENT finds of a create that left then, asked again while it finds nothing and says it is too early."""
        sent = Sent(key=change.key, at=stamp(at), owner=change.wish.owner, values=change.values)
        identity, until = fields_of(self.bench.route)[:1], time.monotonic() + bench.PATIENCE
        while True:
            pages = await self.bench.pages(self.bench.query(Kind.SENT, fields=identity, where=(), sent=sent))
            early = any(page.gap for page in pages) and not rows_of(pages)
            if not early or time.monotonic() > until:
                return pages
            await self.bench.source.wait()
            await asyncio.sleep(0.05)

    async def record(self, crm_id: str | None) -> dict[str, Any] | None:
        """A record as it stands in the CRM."""
        found = await settle(self.bench.source.truth.read(str(crm_id)))
        return None if found is None else dict(found)

    async def read(self, *ids: str | None) -> dict[str, Values]:
        """Records by id, as the connector reads them."""
        pages = await self.bench.pages(self.bench.query(Kind.IDS, ids=ids))
        columns = next((page.columns for page in pages if page.rows), ())
        return {key: dict(zip(columns, row, strict=True)) for key, row in rows_of(pages).items()}

    async def known(self, number: int) -> list[str]:
        """That many records, made behind the connector's back where there are too few."""
        ids = sorted(rows_of(await self.bench.load()))[:number]
        return ids + [await self.bench.create() for _ in range(number - len(ids))]

    async def others(self, *ids: str) -> list[Values]:
        """For each record another value than it has."""
        name, held = self.plain.name, await self.read(*ids)
        found: list[Values] = []
        for one in ids:
            new = (sample(self.plain, number, self.given) for number in self.numbers)
            found.append({name: next(value for value in new if value != held[one][name])})
        return found


def moved(before: Mapping[str, Any] | None, after: Mapping[str, Any] | None) -> set[str]:
    """The fields in which two looks at one record differ."""
    one, other = before or {}, after or {}
    return {name for name in {*one, *other} if one.get(name) != other.get(name)}


def done(outcome: Outcome) -> None:
    """Fail, with what the connector said, if a change did not go through."""
    assert outcome.result is Result.DONE, f"{outcome.result}: {outcome.code} {outcome.message}"


class WriterPromises(Promises):
    """What every group of promises about writing stands on."""

    def keep_writing(self, promise: Callable[[Writer], Awaitable[None]], *needed: Operation) -> None:
        """Try a promise, if the connector writes, the object moves that way, and the credentials may."""

        async def run(bench: Bench) -> None:
            if reason := why_not(bench, needed):
                pytest.skip(reason)
            visible = await bench.plugins.fields(bench.session, bench.route.object)
            writer = Writer(bench, visible, {**await _referred(bench), **bench.source.values})
            await promise(writer)

        self.keep(run)


def why_not(bench: Bench, needed: tuple[Operation, ...]) -> str:
    """Why promises about writing do not concern this connector; empty if they do."""
    route = bench.route
    if not bench.plugins.writes:
        return "this connector does not write to its CRM: it has no `apply`"
    if Direction.PUSH not in route.directions:
        return f"{route.object} is one-way: nothing of it goes to the CRM"
    denied = [one for one in needed if not getattr(route.scope, one, True)]
    return f"these credentials may not {denied[0]} records of {route.object}" if denied else ""


async def _referred(bench: Bench) -> dict[str, list[Value]]:
    """Ids that records refer to already, since none can be made up."""
    maps = [one for one in bench.route.maps if one.column not in IDENTITY]
    found: dict[str, dict[Value, None]] = {one.field.name: {} for one in maps if one.field.type is Type.REFERENCE}
    for page in await bench.load() if found else ():
        for record in page.records():
            for name, ids in found.items():
                ids[record[name]] = None
    return {name: [one for one in ids if one is not None] for name, ids in found.items()}
