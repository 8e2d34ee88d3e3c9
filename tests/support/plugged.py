"""Connectors and observers made on the spot, for tests of how plugins are found, checked and called."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import Any

from pydantic import BaseModel

from crmsync.hookspecs import System, hookimpl
from crmsync.model import BOTH_WAYS, Event, Field, FieldMap, Kind, Page, Query, Route, Scope
from crmsync.plugins import Plugins
from crmsync.writes import Change, Operation, Outcome, Result

EVENT = Event(connection="acme", name="page", at="2026-01-01T00:00:00.000Z")


QUERY = Query(kind=Kind.LOAD, object="Lead", fields=(Field(name="Id"), Field(name="Email")))


CHANGES = [Change(operation=Operation.UPDATE, object="Lead", row=1)]


MAPS = (FieldMap(field=Field(name="Id"), column="crm_id"), FieldMap(field=Field(name="Email"), column="email"))


ROUTE = Route(object="Lead", entity="person", directions=BOTH_WAYS, maps=MAPS)


class Nothing(BaseModel):
    pass


@asynccontextmanager
async def connect(_settings: Any, _context: Any) -> AsyncIterator[Any]:
    yield SimpleNamespace()


async def routes(_session: Any, _enabled: Any) -> Sequence[Route]:
    return [ROUTE]


class Async:
    """A connector that writes `async`."""

    name = "acme"

    @hookimpl
    def system(self) -> System:
        return System(name=self.name, title="Acme", settings=Nothing, connect=connect, routes=routes)

    @hookimpl
    async def fields(self, session: Any, obj: str) -> Any:
        names = ("Id", "Email", "Phone")
        return {name: Field(name=name, createable=True, updateable=True) for name in names}

    @hookimpl
    async def scope(self, session: Any) -> Any:
        return Scope(grants=("Read on Lead",))

    @hookimpl
    async def fetch(self, session: Any, query: Query) -> AsyncIterator[Any]:
        yield Page(columns=("Id", "Email"), rows=[("1", "a@x"), ("2", "b@example.invalid")], mark="m")

    @hookimpl
    async def apply(self, changes: Sequence[Change]) -> Any:
        return [Outcome(result=Result.DONE) for _ in changes]


class Plain:
    """A connector that writes `def`, and remembers in which thread it was called."""

    def __init__(self) -> None:
        self.threads: set[bool] = set()

    def called(self) -> None:
        self.threads.add(threading.current_thread() is threading.main_thread())

    @hookimpl
    def system(self) -> System:
        return System(name="acme", title="Acme", settings=Nothing, connect=connect, routes=routes)

    @hookimpl
    def fields(self, obj: str) -> Any:
        self.called()
        return {"Id": Field(name="Id"), "Email": Field(name="Email")}

    @hookimpl
    def scope(self) -> Scope:
        self.called()
        return Scope()

    @hookimpl
    def fetch(self, query: Query) -> Iterator[Page]:
        self.called()
        yield Page(columns=("Id", "Email"), rows=[("1", "a@x"), ("2", "b@example.invalid")], mark="m")

    @hookimpl
    def apply(self, changes: Sequence[Change]) -> Any:
        self.called()
        return [Outcome(result=Result.DONE) for _ in changes]


def observer(**hooks: Any) -> Any:
    """A plugin with these hooks."""
    return SimpleNamespace(**{name: hookimpl(one) for name, one in hooks.items()})


def fields(plugins: Plugins) -> dict[str, Field]:
    return dict(asyncio.run(plugins.fields(None, "Lead")))


def pages(plugins: Plugins) -> list[Page]:
    async def run() -> list[Page]:
        return [page async for page in plugins.fetch(None, QUERY)]

    return asyncio.run(run())


def wrapping(hook: str) -> Any:
    def fields(session: Any, obj: str) -> Iterator[None]:
        return (yield)

    def fetch(session: Any, query: Query) -> Iterator[None]:
        return (yield)

    return SimpleNamespace(**{hook: hookimpl(wrapper=True)(locals()[hook])})
