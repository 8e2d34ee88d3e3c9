"""What describe told: asked for together, kept, and the facts that reading needs of it."""

from __future__ import annotations

from collections.abc import MutableMapping
from datetime import timedelta

import msgspec
from msgspec import Struct, field

from crmsync.errors import CrmError, RetryLater
from crmsync.http import http_date
from crmsync.model import Field
from crmsync.pacing import Flights
from crmsync_salesforce.client import Answer, Client
from crmsync_salesforce.composite import Bundler
from crmsync_salesforce.described import Described, fields_of, read_describe
from crmsync_salesforce.errors import Faulty, translate
from crmsync_salesforce.query import name as checked_name

STAMPS = ("SystemModstamp", "LastModifiedDate", "CreatedDate")
FACTS = "facts:"
_NOT_MODIFIED = 304
_SAME_SECOND = timedelta(seconds=3)


class Facts(Struct, frozen=True, kw_only=True):
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


class Known(Struct):
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


class Describes(Struct):
    """Describes of objects: asked for together, kept, and asked again with "has it changed?"."""

    client: Client
    bundler: Bundler
    memory: MutableMapping[str, str]
    known: dict[str, Known] = field(default_factory=dict)
    _asking: Flights[Known] = field(default_factory=Flights)

    async def fresh(self, obj: str) -> Known:
        """The object as it is now. Raises RouteStopped, with what to grant, where it is not visible."""
        return await self._asking.run(obj, lambda: self._ask(checked_name(obj)))

    async def last(self, obj: str) -> Known:
        """The object as it was described last in this session."""
        if self._asking.runs(obj) or obj not in self.known:
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
