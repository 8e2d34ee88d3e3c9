"""A connector that keeps every promise, for the contract kit to be tried on, and the place to break it from."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import BaseModel, SecretStr

from crmsync.errors import Denied
from crmsync.hookspecs import Simulation, System, hookimpl
from crmsync.model import Field, Fields, Kind, Page, Query, Type, Value
from crmsync.plugins import Plugins, wire
from crmsync.testing import ConnectorContract, Source, WritingContract
from crmsync.testing.canonical import problem
from crmsync.writes import Change, Operation, Outcome, Result
from support.memory import ROUTES, Crm


def promises_of(contract: type) -> list[str]:
    """The promises of a contract, by name."""
    return sorted(name for name in dir(contract) if name.startswith("test_"))


PROMISES, WRITING = promises_of(ConnectorContract), promises_of(WritingContract)
"""All, and those about writing: they look at what was written by reading it, so a connector has to read well first."""


def _custom(kind: Type, **more: Any) -> Field:
    return Field(name=f"Any{kind.title()}", type=kind, custom=True, createable=True, updateable=True, **more)


EVERY = {one.name: one for one in (_custom(kind) for kind in Type)} | {
    "AnyDecimal": _custom(Type.DECIMAL, digits=18, scale=2),
    "AnyText": _custom(Type.TEXT, length=20),
    "AnyMulti": _custom(Type.MULTI, restricted=True, values=("a", "b", "c")),
}
"""A field of every type."""

OWNED = {"OwnerId": "owner_crm_id"}


class Whole(Crm):
    """The CRM in memory as a connector that keeps every promise."""

    class Settings(BaseModel):
        password: SecretStr
        size: int = 0
        labels: list[str] = []

    def __init__(self) -> None:
        super().__init__()
        self.loads = 0
        self.losing = False
        self.routes = [replace(one, fields={**one.fields, **OWNED}) for one in ROUTES]
        for i in range(8):
            self.put("Contact", f"003{i}", Email=f"c{i}@x.org", LastName="Doe", AnyReference=f"00{i}")
        self.put("Account", "0011", Name="Acme")
        self.tick()

    @hookimpl
    def system(self) -> System:
        return replace(super().system(), settings=self.Settings, connect=self.log_in, simulate=self.start, batch=20)

    @asynccontextmanager
    async def log_in(self, settings: Any, _context: Any) -> AsyncIterator[Crm]:
        self.check(settings)
        yield self

    def check(self, settings: Any) -> None:
        if settings.password.get_secret_value() != "open sesame":
            raise Denied("no")

    def ready(self) -> dict[str, object]:
        return {"address": object()}

    @asynccontextmanager
    async def start(self, **_: Any) -> AsyncIterator[Simulation]:
        yield Simulation(settings=self.ready(), ready={}, story=None)  # type: ignore[arg-type]

    @hookimpl
    async def fetch(self, session: Any, query: Query) -> AsyncIterator[Page]:
        self.loads += query.kind is Kind.LOAD
        async for page in super().fetch(session, query):
            yield self.change(query, page)

    def change(self, query: Query, page: Page) -> Page:
        """Where a broken one gives another page."""
        return page

    @hookimpl
    async def fields(self, session: Any, obj: str) -> Fields:
        found = {**await super().fields(session, obj), **(EVERY if obj == "Contact" else {})}
        needed = {"LastName": replace(found["LastName"], nullable=False)} if "LastName" in found else {}
        return {**found, **needed, "OwnerId": Field(name="OwnerId", type=Type.REFERENCE)}

    @hookimpl
    async def apply(self, session: Any, changes: Sequence[Change]) -> Sequence[Outcome]:
        outcomes = [self.take(change) for change in changes]
        if self.losing:
            self.losing = False
            return self.lost(outcomes)
        return outcomes

    def lost(self, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
        """What is told where the answer to a call was lost."""
        return [Outcome(result=Result.UNKNOWN, message="no answer") for _ in outcomes]

    def take(self, change: Change) -> Outcome:
        """What becomes of one change."""
        if change.operation not in (Operation.CREATE, Operation.UPDATE, Operation.DELETE):
            return self.refuse(f"there is no {change.operation} here")
        if why := self.wrong(change.values):
            return self.refuse(why)
        return self._apply(change)

    def refuse(self, message: str) -> Outcome:
        return Outcome(result=Result.REFUSED, code="refused", message=message)

    def wrong(self, values: Mapping[str, Value]) -> str:
        """Why the CRM does not take such values."""
        if unknown := sorted(values.keys() - EVERY.keys() - {"Email", "LastName", "Title"}):
            return f"there is no field {unknown[0]}"
        if "@" not in str(values.get("Email") or "@"):
            return "that is no e-mail address"
        return next(
            (why for name, value in values.items() if name in EVERY and (why := problem(value, EVERY[name]))), ""
        )


@dataclass
class Editor:
    """Edits contacts of the CRM in memory."""

    crm: Whole
    object: str = "Contact"
    edits: int = 0

    async def create(self) -> str:
        self.edits += 1
        return self.crm.put("Contact", f"003N{self.edits}", LastName="New")

    def update(self, crm_id: str) -> None:
        self.edits += 1
        self.crm.put("Contact", crm_id, Title=f"Edited {self.edits}")

    def delete(self, crm_id: str) -> None:
        self.crm.delete("Contact", crm_id)

    def read(self, crm_id: str) -> Mapping[str, Value] | None:
        return self.crm.objects["Contact"].get(crm_id)


class Contract(ConnectorContract):
    connector = "memory"
    broken: type[Whole] = Whole
    made: Whole | None = None

    @asynccontextmanager
    async def source(self) -> AsyncIterator[Source]:
        crm = self.made = self.broken()

        async def wait() -> None:
            crm.tick()

        def lose() -> None:
            crm.losing = True

        yield Source(
            settings={"password": "open sesame", "size": 3, "labels": ["a"]}, wrong={"password": "no"},
            truth=Editor(crm), clock=crm.clock, wait=wait, values={"Email": ["a@x.org", "b@x.org"]},
            refused={"Email": "nonsense"}, owner="005X", lose=lose,
        )  # fmt: skip

    def plugins(self) -> Plugins:
        return wire("memory", self.made or self.broken())


def kept(contract: ConnectorContract, name: str) -> bool:
    """Whether the kit finds the promise kept; a skipped one counts as kept."""
    try:
        getattr(contract, name)()
    except pytest.skip.Exception:
        return True
    except (Exception, pytest.fail.Exception):  # noqa: BLE001 - whatever a broken connector does
        return False
    return True


def missed(broken: type[Whole], promises: Sequence[str]) -> list[str]:
    """Those of the promises that the kit finds broken."""
    contract = type("Tried", (Contract,), {"broken": broken})
    return [name for name in promises if not kept(contract(), name)]
