"""A CRM in memory, for tests of the engine alone: objects of dicts, with feeds that behave as a test asks."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import BaseModel

from crmsync.clock import SetClock, stamp
from crmsync.errors import RouteStopped
from crmsync.hookspecs import System, hookimpl
from crmsync.model import (
    BOTH_WAYS,
    Field,
    Fields,
    Gone,
    Identity,
    Kind,
    Merged,
    Page,
    Query,
    Route,
    Type,
    Usage,
    Value,
    Winner,
)
from crmsync.pacing import Budget
from crmsync.writes import Change, Operation, Outcome, Result

KINDS = frozenset({Kind.LOAD, Kind.CHANGES, Kind.DELETES, Kind.IDS, Kind.COUNT})
PERSON = {"Id": "crm_id", "Stamp": "modified_at", "Email": "email", "LastName": "last_name", "Title": "title"}
TWO_WAY = frozenset({"email", "last_name", "title"})

ROUTES = (
    Route(
        object="Account", entity="account", order=2, kinds=KINDS,
        fields={"Id": "crm_id", "Stamp": "modified_at", "Name": "name", "Industry": "industry"},
    ),
    Route(
        object="Contact", entity="person", role="contact", order=4, kinds=KINDS, directions=BOTH_WAYS, two_way=TWO_WAY,
        fields={**PERSON, "AccountId": "account_crm_id"}, parents={"account_crm_id": "Account"},
    ),
    Route(
        object="Lead", entity="person", role="lead", order=5, kinds=KINDS, directions=BOTH_WAYS, two_way=TWO_WAY,
        winner=Winner.MARKETING, fields={**PERSON, "Score": "score"},
    ),
    Route(
        object="Deal", entity="opportunity", order=6, kinds=KINDS,
        fields={"Id": "crm_id", "Stamp": "modified_at", "Name": "name", "Amount": "amount"},
    ),
)  # fmt: skip
TASKS = Route(
    object="Task", entity="crm_activity", order=7, kinds=KINDS,
    fields={
        "Id": "crm_id", "Stamp": "modified_at", "WhoId": "who_crm_id", "Subject": "subject",
        "Description": "description", "ActivityDate": "activity_date", "Status": "status",
    },
)  # fmt: skip
TYPES = {
    "ActivityDate": Type.DATE,
    "Score": Type.INTEGER,
    "Amount": Type.DECIMAL,
    "Id": Type.REFERENCE,
    "AccountId": Type.REFERENCE,
    "Stamp": Type.DATETIME,
}

LOCKED = TYPES.keys() - {"Score", "ActivityDate"}


class NoSettings(BaseModel):
    """Nothing to set."""


@dataclass
class Crm:
    """The records by object and id, what is gone and what was joined; itself the plugin."""

    clock: SetClock = field(default_factory=lambda: SetClock(datetime(2026, 1, 1, tzinfo=UTC)))
    objects: dict[str, dict[str, dict[str, Value]]] = field(default_factory=dict)
    ended: list[tuple[str, Gone]] = field(default_factory=list)
    joined: list[tuple[str, Merged]] = field(default_factory=list)
    page_size: int = 3
    calls: int = 0
    org: str = "ORG1"
    hidden: set[str] = field(default_factory=set)
    gap: bool = False  # the feed of deletions says that it may have missed some
    keyed: bool = True  # a create under a key that is known finds what the first one made
    made: int = 0
    written: list[Change] = field(default_factory=list)  # everything `apply` was given, also what it refused
    calls_of: list[int] = field(default_factory=list)  # changes of each call of `apply`
    answer: Callable[[Change], Outcome | None] = lambda _change: None  # instead of writing
    after_apply: Callable[[], None] = lambda: None  # what was written is written; raise here to lose the answers
    before_page: Callable[[Query, int], None] = lambda _query, _number: None
    routes: Sequence[Route] = ROUTES
    budget: Budget = field(default_factory=Budget)  # of calls; without limit until the test tells one

    def now(self) -> str:
        """This second: stamps resolve to one second."""
        return stamp(self.clock.now().replace(microsecond=0))

    def tick(self, seconds: float = 1) -> None:
        """Let time pass."""
        self.clock.advance(timedelta(seconds=seconds))

    def put(self, obj: str, crm_id: str, **values: Value) -> str:
        """Create or update a record."""
        record = self.objects.setdefault(obj, {}).setdefault(crm_id, {"Id": crm_id})
        record.update(values, Stamp=self.now())
        return crm_id

    def delete(self, obj: str, crm_id: str) -> None:
        """Delete a record."""
        self.objects[obj].pop(crm_id)
        self.ended.append((obj, Gone(crm_id, self.now())))

    def join(self, obj: str, crm_id: str, into: str, into_object: str = "", reason: str = "merged") -> None:
        """Merge a record into another, or convert it."""
        self.objects[obj].pop(crm_id)
        self.joined.append((obj, Merged(crm_id, into, into_object or obj, self.now(), reason)))

    def spend(self) -> None:
        """Make one call, if the budget has one."""
        self.budget.reserve()
        self.budget.settle()
        self.budget.count()
        self.calls += 1

    # the plugin

    @hookimpl
    def system(self) -> System:
        return System(
            name="memory", title="Memory", settings=NoSettings, connect=self.connect, routes=self.all_routes,
            tasks="Task", completed={"Status": "Completed"},
        )  # fmt: skip

    @asynccontextmanager
    async def connect(self, _settings: Any, _context: Any) -> AsyncIterator[Crm]:
        yield self

    @property
    def identity(self) -> Identity:
        return Identity(org=self.org)

    def usage(self) -> Usage:
        return Usage(calls=self.calls, used=self.budget.used, limit=self.budget.limit)

    async def all_routes(self, _session: Any, _enabled: Any) -> Sequence[Route]:
        return self.routes

    @hookimpl
    async def fields(self, session: Any, obj: str) -> Fields:
        if obj in self.hidden:
            raise RouteStopped(f"{obj} is not visible", hint=f"read access to {obj}")
        route = next(route for route in self.routes if route.object == obj)
        names = [name for name in route.fields if f"{obj}.{name}" not in self.hidden]
        return {
            name: Field(
                name=name, type=TYPES.get(name, Type.TEXT), updateable=name not in LOCKED, createable=name not in LOCKED
            )
            for name in names
        }

    @hookimpl
    async def fetch(self, session: Any, query: Query) -> AsyncIterator[Page]:
        self.spend()
        if query.kind is Kind.COUNT:
            self.before_page(query, 0)
            held = self.objects.get(query.object, {}).values()
            moved = [r for r in held if all(str(r[test.field]) >= str(test.value) for test in query.where)]
            yield Page(columns=("count",), rows=[(len(moved),)], mark="")
        elif query.kind is Kind.IDS:
            yield self._by_id(query)
        elif query.kind is Kind.SENT:
            yield self._made(query)
        elif query.kind is Kind.DELETES:
            gone = [g for o, g in self.ended if o == query.object and str(g.at) >= str(query.cursor.mark)]
            yield Page(gone=gone, mark=self.now(), calls=1, gap=self.gap)
        else:
            async for page in self._pages(query):
                yield page

    def _made(self, query: Query) -> Page:
        assert query.sent is not None
        held = self.objects.get(query.object, {}).values()
        rows = [self._row(record, query) for record in held if record.get("Key") == query.sent.key]
        return Page(columns=tuple(f.name for f in query.fields), rows=rows, calls=1, gap=self.gap)

    @hookimpl
    async def apply(self, session: Any, changes: Sequence[Change]) -> Sequence[Outcome]:
        self.spend()
        self.calls_of.append(len(changes))
        outcomes = [self._apply(change) for change in changes]
        self.after_apply()
        return outcomes

    def _apply(self, change: Change) -> Outcome:
        self.written.append(change)
        if (said := self.answer(change)) is not None:
            return said
        return _WRITES[change.operation](self, change)

    def _update(self, change: Change) -> Outcome:
        if change.crm_id not in self.objects.get(change.object, {}):
            return Outcome(result=Result.GONE, code="gone", message="the record is gone")
        self.put(change.object, str(change.crm_id), **change.values)
        return Outcome(result=Result.DONE, crm_id=change.crm_id)

    def _create(self, change: Change) -> Outcome:
        held = self.objects.setdefault(change.object, {})
        same = (one for one, record in held.items() if self.keyed and record.get("Key") == change.key)
        self.made += 1  # an id is never given twice
        crm_id = (next(same, None) if change.key else None) or f"{change.object[:3]}-{self.made:04}"
        self.put(change.object, crm_id, **change.values, Key=change.key)
        if change.wish.owner:
            self.put(change.object, crm_id, OwnerId=change.wish.owner)
        if change.wish.person:
            self.put(change.object, crm_id, WhoId=change.wish.person)
        return Outcome(result=Result.DONE, crm_id=crm_id)

    def _delete(self, change: Change) -> Outcome:
        if change.crm_id in self.objects.get(change.object, {}):
            self.delete(change.object, str(change.crm_id))
        return Outcome(result=Result.DONE, crm_id=change.crm_id)

    def _convert(self, change: Change) -> Outcome:
        lead = self.objects["Lead"].get(str(change.crm_id))
        if lead is None:
            return Outcome(result=Result.GONE, code="gone", message="the lead is gone")
        contact, account = f"Con-{change.crm_id}", f"Acc-{change.crm_id}"
        self.put("Account", account, Name="made by a conversion")
        kept = {name: lead.get(name) for name in ("Email", "LastName", "Title")}
        self.put("Contact", contact, **kept, AccountId=account)
        self.join("Lead", str(change.crm_id), contact, "Contact", "converted")
        return Outcome(result=Result.DONE, crm_id=contact, made={"Contact": contact, "Account": account})

    def _merge(self, change: Change) -> Outcome:
        held = self.objects[change.object]
        if not {change.crm_id, *change.wish.losers} <= held.keys():
            return Outcome(result=Result.GONE, code="gone", message="one of them is gone")
        self.put(change.object, str(change.crm_id), **change.values)
        for loser in change.wish.losers:
            self.join(change.object, loser, str(change.crm_id))
        return Outcome(result=Result.DONE, crm_id=change.crm_id)

    def _by_id(self, query: Query) -> Page:
        held = self.objects.get(query.object, {})
        rows = [self._row(held[one], query) for one in query.ids if one in held]
        gone = [g for o, g in self.ended if o == query.object and g.id in query.ids]
        merged = [m for o, m in self.joined if o == query.object and m.id in query.ids]
        return Page(columns=tuple(f.name for f in query.fields), rows=rows, gone=gone, merged=merged, calls=1)

    @staticmethod
    def _row(record: dict[str, Value], query: Query) -> tuple[Value, ...]:
        return tuple(record.get(f.name) for f in query.fields)

    async def _pages(self, query: Query) -> AsyncIterator[Page]:
        load = query.kind is Kind.LOAD
        began, after = (query.cursor.resume or f"{self.now()}|").split("|")
        since = "" if load else str(query.cursor.mark)
        held = self.objects.get(query.object, {})
        found = sorted(
            (r for r in held.values() if str(r["Stamp"]) >= since and str(r["Id"]) > after), key=lambda r: str(r["Id"])
        )
        merged = [m for o, m in self.joined if o == query.object and (load or str(m.at) >= since)]
        columns = tuple(f.name for f in query.fields)
        chunks = [found[i : i + self.page_size] for i in range(0, len(found), self.page_size)] or [[]]
        for number, chunk in enumerate(chunks):
            self.before_page(query, number)
            rows = [self._row(record, query) for record in chunk]
            last = number == len(chunks) - 1
            resume = None if last else f"{began}|{chunk[-1]['Id']}"
            yield Page(
                columns=columns, rows=rows, merged=merged if number == 0 else (), resume=resume,
                mark=began if last else None, calls=1, bytes=100,
            )  # fmt: skip


_WRITES: dict[Operation, Callable[[Crm, Change], Outcome]] = {
    Operation.UPDATE: Crm._update,
    Operation.CREATE: Crm._create,
    Operation.TASK: Crm._create,
    Operation.DELETE: Crm._delete,
    Operation.CONVERT: Crm._convert,
    Operation.MERGE: Crm._merge,
}
