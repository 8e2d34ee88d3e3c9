"""What describe tells: the fields these credentials see, the rights on the object, and the facts that reading needs."""

from __future__ import annotations

import asyncio
from collections.abc import MutableMapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec

from crmsync.errors import CrmError, RetryLater
from crmsync.http import http_date
from crmsync.model import Field, Scope, Type
from crmsync_salesforce.client import Answer, Client
from crmsync_salesforce.composite import Bundler
from crmsync_salesforce.errors import Faulty, translate
from crmsync_salesforce.query import name as checked_name

TYPES: dict[str, Type] = {
    "boolean": Type.BOOLEAN,
    "int": Type.INTEGER,
    "long": Type.INTEGER,
    "double": Type.DECIMAL,
    "currency": Type.DECIMAL,
    "percent": Type.DECIMAL,
    "date": Type.DATE,
    "datetime": Type.DATETIME,
    "time": Type.TIME,
    "multipicklist": Type.MULTI,
    "reference": Type.REFERENCE,
    "id": Type.REFERENCE,
}
"""Our type by the vendor's; every other one, known or not, is read as text."""

LEFT_OUT = frozenset({"address", "location", "base64", "complexvalue", "json"})
"""Types that are not read: compounds, whose components are fields of their own, and files."""

STAMPS = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
FACTS = "facts:"
_NOT_MODIFIED = 304
_SAME_SECOND = timedelta(seconds=3)


class _Value(msgspec.Struct, gc=False):
    value: str | None = None
    active: bool = True


class _Field(msgspec.Struct):
    name: str
    type: str = "string"
    label: str | None = None
    length: int | None = 0
    precision: int | None = 0
    scale: int | None = 0
    digits: int | None = 0
    custom: bool = False
    createable: bool = False
    updateable: bool = False
    calculated: bool = False
    nillable: bool = True
    externalId: bool = False  # noqa: N815 - the vendor's spelling, here and below
    filterable: bool = True
    permissionable: bool = False
    autoNumber: bool = False  # noqa: N815
    restrictedPicklist: bool | None = False  # noqa: N815
    picklistValues: list[_Value] | None = None  # noqa: N815
    referenceTo: list[str] | None = None  # noqa: N815


class Child(msgspec.Struct, gc=False):
    """A relationship of other records to this object."""

    childSObject: str  # noqa: N815
    field: str | None = None


class Described(msgspec.Struct):
    """The parts of a describe that are used."""

    name: str
    label: str | None = None
    custom: bool = False
    customSetting: bool = False  # noqa: N815
    queryable: bool = True
    createable: bool = False
    updateable: bool = False
    deletable: bool = False
    replicateable: bool | None = None
    fields: list[_Field] = []
    childRelationships: list[Child] | None = None  # noqa: N815


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What reading must know of an object."""

    stamp: str = "SystemModstamp"
    deleted: bool = False  # has IsDeleted
    master: bool = False  # has MasterRecordId
    converted: bool = False  # has IsConverted and ConvertedContactId
    archived: bool = False  # has IsArchived: leaves plain queries without being deleted
    feed: bool = True  # has a feed of deletions

    def text(self) -> str:
        """A short text to remember them by."""
        flags = {"d": self.deleted, "m": self.master, "c": self.converted, "a": self.archived, "f": self.feed}
        return f"{self.stamp} {''.join(flag for flag, there in flags.items() if there)}"

    @classmethod
    def read(cls, text: str) -> Facts:
        """The facts of such a text."""
        stamp, _, flags = text.partition(" ")
        return cls(
            stamp=stamp, deleted="d" in flags, master="m" in flags, converted="c" in flags, archived="a" in flags,
            feed="f" in flags,
        )  # fmt: skip


@dataclass(slots=True)
class Known:
    """One object as it was described last."""

    described: Described
    fields: dict[str, Field]
    modified: str = ""  # the vendor's Last-Modified, where asking with it is safe

    def key(self, name: str) -> str | None:
        """The external id of that name, in any spelling, that these credentials may fill."""
        wanted = name.lower()
        found = (one for one in self.described.fields if one.externalId and one.createable)
        return next((one.name for one in found if one.name.lower() == wanted), None)

    @property
    def filterable(self) -> frozenset[str]:
        """The fields that a query may test."""
        return frozenset(one.name for one in self.described.fields if one.filterable)


@dataclass(slots=True)
class Describes:
    """Describes of objects: asked for together, kept, and asked again with "has it changed?"."""

    client: Client
    bundler: Bundler
    memory: MutableMapping[str, str]
    known: dict[str, Known] = field(default_factory=dict)
    _asking: dict[str, asyncio.Task[Known]] = field(default_factory=dict)

    async def fresh(self, obj: str) -> Known:
        """The object as it is now. Raises RouteStopped, with what to grant, where it is not visible."""
        task = self._asking.get(obj)
        if task is None:
            task = self._asking[obj] = asyncio.create_task(self._ask(checked_name(obj)))
            task.add_done_callback(lambda done: self._asked(obj, done))
        return await asyncio.shield(task)

    def _asked(self, obj: str, task: asyncio.Task[Known]) -> None:
        self._asking.pop(obj, None)
        if not task.cancelled():
            task.exception()  # looked at, so that nobody is told of an error nobody waited for

    async def last(self, obj: str) -> Known:
        """The object as it was described last in this session."""
        if obj in self._asking or obj not in self.known:
            return await self.fresh(obj)
        return self.known[obj]

    def forget(self, obj: str) -> None:
        """Describe the object in full the next time: something of it has moved."""
        self.known.pop(obj, None)

    async def facts(self, obj: str) -> Facts:
        """What reading must know, from this session, an earlier one, or the server."""
        if obj in self.known:
            return facts_of(self.known[obj])
        if kept := self.memory.get(FACTS + obj):
            return Facts.read(kept)
        return facts_of(await self.fresh(obj))

    async def _ask(self, obj: str) -> Known:
        known = self.known.get(obj)
        headers = {"If-Modified-Since": known.modified} if known is not None and known.modified else None
        try:
            answer = await self.bundler.get(f"sobjects/{obj}/describe", headers)
        except Faulty as error:
            self.forget(obj)
            raise _hidden(error, obj) from error
        if answer.status == _NOT_MODIFIED and known is not None:
            return known
        try:
            found = Known(described := read_describe(answer.body), fields_of(described), _safe_modified(answer))
        except msgspec.MsgspecError as error:
            raise RetryLater(f"{obj}: the server's describe cannot be read: {error}.", code="describe") from error
        self.known[obj] = found
        facts = facts_of(found).text()
        if self.memory.get(FACTS + obj) != facts:
            self.memory[FACTS + obj] = facts
        return found


def _hidden(error: Faulty, obj: str) -> CrmError:
    return translate(error, obj=obj)


def _safe_modified(answer: Answer) -> str:
    """Last-Modified, unless a later change could fall into the same second."""
    modified = next((value for key, value in answer.headers.items() if key.lower() == "last-modified"), "")
    date, then = http_date(answer.headers.get("Date", "")), http_date(modified)
    if date is None or then is None or date - then < _SAME_SECOND:
        return ""
    return modified


def read_describe(body: bytes) -> Described:
    """A describe's body. Raises msgspec.MsgspecError."""
    return msgspec.json.decode(body, type=Described)


def fields_of(described: Described) -> dict[str, Field]:
    """The fields that can be read, by name."""
    return {one.name: _field(one) for one in described.fields if one.type not in LEFT_OUT}


def _field(one: _Field) -> Field:
    type_ = TYPES.get(one.type, Type.TEXT)
    values = tuple(v.value for v in one.picklistValues or () if v.active and v.value is not None)
    return Field(
        name=one.name,
        type=type_,
        label=one.label or one.name,
        native=one.type,
        length=(one.length or 0) if type_ in (Type.TEXT, Type.MULTI, Type.REFERENCE) else 0,
        digits=(one.precision or one.digits or 0) if type_ in (Type.DECIMAL, Type.INTEGER) else 0,
        scale=(one.scale or 0) if type_ is Type.DECIMAL else 0,
        custom=one.custom,
        createable=one.createable,
        updateable=one.updateable,
        calculated=one.calculated,
        denied=_denied(one),
        nullable=one.nillable,
        restricted=bool(one.restrictedPicklist),
        values=values,
        references=tuple(one.referenceTo or ()),
    )


def _denied(one: _Field) -> bool:
    """Whether only a permission is missing: what the org itself fills nobody may write."""
    return one.permissionable and not (one.createable or one.updateable or one.calculated or one.autoNumber)


def facts_of(known: Known) -> Facts:
    """What reading must know, from a describe."""
    fields = known.fields
    return Facts(
        stamp=next((name for name in STAMPS if name in fields), STAMPS[0]),
        deleted="IsDeleted" in fields,
        master="MasterRecordId" in fields,
        converted={"IsConverted", "ConvertedContactId"} <= fields.keys(),
        archived="IsArchived" in fields,
        feed=known.described.replicateable is not False and known.described.name != "User",
    )


def scope_of(described: Described, where: tuple[Any, ...] = (), grants: tuple[str, ...] = ()) -> Scope:
    """The rights on an object."""
    return Scope(
        read=described.queryable,
        create=described.createable,
        update=described.updateable,
        delete=described.deletable,
        where=where,
        grants=grants,
    )
