"""A database file with accounts, contacts and leads, and short ways to say what the CRM sent and what people did."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace

from crmsync.clock import SetClock
from crmsync.model import (
    BOTH_WAYS,
    PULL_ONLY,
    Counts,
    Field,
    FieldMap,
    Gone,
    Kind,
    Merged,
    Page,
    Route,
    Row,
    Type,
    Winner,
)
from crmsync.store.batch import Applied, Batch, Step
from crmsync.store.sqlite import SqliteStore
from support.file import File

T = TypeVar("T")
IDENTITY = {"crm_id": Type.REFERENCE, "modified_at": Type.DATETIME}
PERSON = {
    "email": Type.TEXT,
    "last_name": Type.TEXT,
    "title": Type.TEXT,
    "score": Type.INTEGER,
    "account_crm_id": Type.REFERENCE,
}
ROLES = {"Contact": "contact", "Lead": "lead"}


def route(
    obj: str, entity: str, columns: dict[str, Type], *, role: str = "", two_way: bool = False, **more: Any
) -> Route:
    """A narrowed route whose fields are named like their columns."""
    ways = BOTH_WAYS if two_way else PULL_ONLY
    maps = tuple(
        FieldMap(field=Field(name=name, type=type_), column=name, directions=PULL_ONLY if name in IDENTITY else ways)
        for name, type_ in {**IDENTITY, **columns}.items()
    )
    return Route(object=obj, entity=entity, role=role, maps=maps, directions=ways, **more)


CONTACT = route(
    "Contact", "person", PERSON, role="contact", two_way=True, order=4, parents={"account_crm_id": "Account"}
)
LEAD = route("Lead", "person", PERSON, role="lead", two_way=True, order=5, winner=Winner.MARKETING)
ACCOUNT = route(
    "Account", "account", {"name": Type.TEXT, "industry": Type.TEXT, "annual_revenue": Type.DECIMAL}, order=2
)
DEAL = route("Deal", "opportunity", {"name": Type.TEXT, "amount": Type.DECIMAL}, order=6)
ROLE = route(
    "DealRole", "opportunity_role", {"opportunity_crm_id": Type.REFERENCE, "contact_crm_id": Type.REFERENCE}, order=7
)
ROUTES = (ACCOUNT, CONTACT, LEAD, DEAL, ROLE)


def at(day: int, second: int = 0) -> str:
    """A moment in January 2026."""
    return f"2026-01-{day:02d}T00:00:{second:02d}.000Z"


class Desk(File):
    """One database under test."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.clock = SetClock(datetime(2026, 2, 1, tzinfo=UTC))
        self.step = Step(run=1, object="Contact", operation="pull updates", started_at=at(1))

    def use(self, work: Callable[[SqliteStore], Awaitable[T]]) -> T:
        """Open the database as the engine, do one thing, close it."""

        async def run() -> T:
            store = await SqliteStore.open(self.path, self.clock)
            try:
                await store.take_lease()
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(run())

    def batch(self, route_: Route, rows: Sequence[Row] = (), kind: Kind = Kind.CHANGES, **more: Any) -> Batch:
        """A page of rows as the CRM sent it."""
        page = Page(columns=tuple(m.column for m in route_.maps), rows=rows)
        return Batch(route=route_, page=page, kind=kind, run=1, at=at(31), **more)

    def pull(self, route_: Route, *rows: Row, **more: Any) -> Counts:
        """The CRM sent these rows; what they did."""
        return self.applied(route_, *rows, **more).counts

    def applied(self, route_: Route, *rows: Row, **more: Any) -> Applied:
        """The CRM sent these rows; what they did, with notes."""
        return self.use(lambda store: store.apply(self.batch(route_, rows, **more), self.step))[0]

    def gone(self, route_: Route, crm_id: str, when: str) -> Counts:
        """The CRM said that an id is gone."""
        step = self.use(lambda store: store.gone(self.batch(route_), [Gone(crm_id, when)], self.step))
        return replace(step.counts, pages=0)

    def merged(self, route_: Route, crm_id: str, into: str, obj: str = "", reason: str = "merged") -> Counts:
        """The CRM said that an id lives on under another."""
        one = Merged(crm_id, into, obj or route_.object, at(20), reason)
        return self.use(lambda store: store.merged(self.batch(route_), [one], self.step, ROLES)).counts
