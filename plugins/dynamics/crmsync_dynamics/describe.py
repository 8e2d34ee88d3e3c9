"""What is known of every object: its table, the fields these credentials see, and the facts that reading needs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from crmsync.errors import CrmError, RetryLater, RouteStopped
from crmsync.model import Field, Type
from crmsync.pacing import Flights, SingleFlight
from crmsync_dynamics import definitions, documented
from crmsync_dynamics.client import Client
from crmsync_dynamics.defined import Entity
from crmsync_dynamics.errors import Faulty, Policy, translate
from crmsync_dynamics.query import name as checked_name
from crmsync_dynamics.remembered import Remembered
from crmsync_dynamics.rights import Held, Rights
from crmsync_dynamics.routes import DERIVED, FILTER, STAMP, VIEWS, View
from crmsync_dynamics.tables import Column, Table

_ADDRESS = "Is url right? For a server that is no Dynamics it is the address of its $metadata."
_DISABLE = "Disable it in objects.disable."
UNSTAMPED = "{} has no column that tells when a row changed: all of it is read in every cycle."
KEYLESS = "keyless"
_NO_DEFINITIONS = frozenset({Policy.OBJECT, Policy.MISTAKE, Policy.ABSENT})


class Known(Struct, frozen=True):
    """An object: its table, what the user may do with it, and the view it is where it is no table of its own."""

    table: Table
    held: Held
    view: View | None = None

    @property
    def fields(self) -> dict[str, Field]:
        """The fields that can be read, by name."""
        return self.table.fields


@dataclass(slots=True)
class Describes:
    """Asks for what is known of objects, and remembers it for the session."""

    client: Client
    user: str
    memory: Remembered
    known: dict[str, Known] = field(default_factory=dict)
    rights: Rights = field(init=False)
    _tables: Flights[Table] = field(default_factory=Flights)
    _document: dict[str, Table] | None = None
    _reading: SingleFlight[dict[str, Table]] = field(default_factory=SingleFlight)

    def __post_init__(self) -> None:
        self.rights = Rights(self.client, self.user)

    async def fresh(self, obj: str) -> Known:
        """The object as it is now. Raises RouteStopped where it is not there, and ours."""
        view = VIEWS.get(obj)
        table, held = await asyncio.gather(self._shared(view.table if view else obj), self._held(obj))
        table = seen(table, view) if view is not None else table.with_columns(derived(table))
        found = self.known[obj] = Known(open_to(table, held, self._trusting), held, view)
        return found

    async def last(self, obj: str) -> Known:
        """The object as it was described last in this session."""
        return self.known.get(obj) or await self.fresh(obj)

    def forget(self, obj: str) -> None:
        """Describe the object anew the next time: something of it has moved."""
        self.known.pop(obj, None)
        self.memory.forget()
        self._document = None

    async def everything(self) -> list[Entity]:
        """All tables of the environment, without their columns; none where only `$metadata` tells them."""
        if self.client.features.has("definitions"):
            try:
                return await definitions.listed(self.client)
            except Faulty as error:
                self._without_definitions(error, "")
        return []

    async def names(self) -> set[str]:
        """The names of all tables. Raises Faulty and ours."""
        if self.client.features.has("definitions") and (found := await self.everything()):
            return {one.LogicalName for one in found}
        return set(await self.document())

    def is_there(self, obj: str, there: set[str]) -> bool:
        """Whether an object has its table among those that are there."""
        view = VIEWS.get(obj)
        name = view.table if view else obj
        return name in there if self._document is None else documented.named(self._document, name) is not None

    async def document(self) -> dict[str, Table]:
        """The tables of `$metadata` by type name."""
        if self._document is not None:
            return self._document
        return await self._reading.run(self._read_document)

    @property
    def _trusting(self) -> bool:
        return self.client.settings.trust_secured or self.client.features.plain

    async def _held(self, obj: str) -> Held:
        try:
            return await self.rights.held()
        except Faulty as error:
            raise translate(error, obj=obj) from error

    async def _shared(self, name: str) -> Table:
        """The table, asked for once by however many objects and callers want it at a time."""
        return await self._tables.run(name, lambda: self._table(checked_name(name)))

    async def _table(self, name: str) -> Table:
        if self.client.features.has("definitions"):
            try:
                if (kept := await self.memory.table(name)) is not None:
                    return kept
                return await self.memory.keep(await definitions.table(self.client, name))
            except Faulty as error:
                await self._missing(error, name)
            except msgspec.MsgspecError as error:
                raise RetryLater(
                    f"{name}: the server's definition cannot be read: {error}.", code="describe"
                ) from error
        return self._fitted(documented.named(await self.document(), name), name)

    def _fitted(self, found: Table | None, name: str) -> Table:
        """The table as the default mapping knows it; what it lacks for a sync that spares the server is told."""
        if found is None:
            raise RouteStopped(f"The server has no {name}.", hint=_DISABLE, code="absent")
        if not found.key:
            raise RouteStopped(f"{name} has no single column that tells its rows apart.", hint=_DISABLE, code=KEYLESS)
        table = documented.fitted(found, name)
        if not table.columns[STAMP].wire:
            self.client.context.warn(UNSTAMPED.format(name))
        return table

    async def _missing(self, error: Faulty, name: str) -> None:
        """Whether it is the table that is not there, or all definitions. Raises for the table."""
        if error.policy not in _NO_DEFINITIONS:
            raise translate(error, obj=name) from error
        try:
            there = {one.LogicalName for one in await definitions.listed(self.client)}
        except Faulty as other:
            self._without_definitions(other, name)
            return
        if name not in there:
            raise RouteStopped(
                f"The environment has no table {name}.",
                hint=f"Is the app that brings it installed? If it is not wanted, name {name} in objects.disable.",
                code="absent",
            ) from error
        raise translate(error, obj=name) from error

    def _without_definitions(self, error: Faulty, name: str) -> None:
        if error.policy not in _NO_DEFINITIONS:
            raise translate(error, obj=name) from error
        self.client.features.miss("definitions", error.fault.code)

    async def _read_document(self) -> dict[str, Table]:
        try:
            answer = await self.client.request("GET", "$metadata", headers={"Accept": "application/xml"})
            self._document = documented.tables(answer.body)
        except Faulty as error:
            raise _unreadable(error) from error
        except ValueError as error:
            raise RetryLater(str(error), code="metadata") from error
        return self._document


def _unreadable(error: Faulty) -> CrmError:
    found = translate(error, obj="$metadata")
    return found if error.policy not in _NO_DEFINITIONS else RouteStopped(found.message, hint=_ADDRESS)


def open_to(table: Table, held: Held, trusting: bool) -> Table:
    """The table with the columns that the user can read: a secured one that is not open is hidden, never empty."""
    columns = {}
    for name, one in table.columns.items():
        if not one.secured:
            columns[name] = one if name != FILTER else _unwritten(one)
            continue
        granted = held.column(table.name, one.attribute)
        if (granted is None and trusting) or (granted is not None and granted.read):
            may = (granted.create, granted.update) if granted is not None else (True, True)
            columns[name] = replace(one, field=_limited(one.field, *may))
        else:
            columns[name] = replace(one, field=replace(_limited(one.field, False, False), hidden=True))
    return replace(table, columns=columns)


def _unwritten(one: Column) -> Column:
    """The column as one that the CRM alone fills."""
    return replace(one, field=replace(one.field, createable=False, updateable=False))


def _limited(one: Field, create: bool, update: bool) -> Field:
    denied = (one.createable or one.updateable) and not ((one.createable and create) or (one.updateable and update))
    return replace(one, createable=one.createable and create, updateable=one.updateable and update, denied=denied)


def derived(table: Table) -> list[Column]:
    """Columns of our own that are made of others: a truth turned round, the day of a moment."""
    found = []
    for name, (source, type_) in DERIVED.get(table.name, {}).items():
        if (one := table.columns.get(source)) is not None:
            made = one.field.createable and type_ is Type.DATE  # a task is made for a day
            fields = replace(one.field, name=name, type=type_, createable=made, updateable=False)
            found.append(replace(one, field=fields, negated=type_ is Type.BOOLEAN))
    return found


def seen(table: Table, view: View) -> Table:
    """The table as a view sees it: the columns it names, some under names of its own."""
    columns = {}
    for name, source in view.columns.items():
        if (one := table.columns.get(source)) is not None:
            columns[name] = replace(one, field=replace(one.field, name=name, createable=False, updateable=False))
    return replace(table, columns=columns)
