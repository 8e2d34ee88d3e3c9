"""What all kinds of reads share: pages of a query one ahead, their columns, and pages for the engine made of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Sequence
from itertools import chain

import msgspec
from msgspec import Struct, field

from crmsync.connectors.paging import Meter, abandon
from crmsync.errors import RetryLater
from crmsync.model import Field, Gone, Merged, Page, Query, Row, Type, Value
from crmsync_salesforce.client import Answer, Client
from crmsync_salesforce.decode import JsonDecoder, json_decoder, next_address
from crmsync_salesforce.decoded import Decoded
from crmsync_salesforce.describe import Facts
from crmsync_salesforce.errors import Fault, Faulty, Policy, translate
from crmsync_salesforce.query import Select, among, chunks, conditions, encoded, split_fields
from crmsync_salesforce.session import SalesforceSession

RESTARTS = 5
"""Times a query is asked anew without a new row before the read gives up for now."""

_PATH_ROOM = 60  # bytes of an address in front of the query


class Reader(Struct):
    """One read of one object: its columns and its decoder."""

    session: SalesforceSession
    query: Query
    facts: Facts
    columns: tuple[Field, ...] = ()
    meter: Meter = field(default_factory=Meter)
    notes: list[str] = field(default_factory=list)
    ahead: bool = True  # ask for the next page before this one is taken; several streams are ahead of each other anyway
    _decoder: JsonDecoder | None = None
    _groups: list[tuple[str, ...]] = field(default_factory=list)
    _more: list[JsonDecoder] = field(default_factory=list)

    @property
    def client(self) -> Client:
        """The session's client."""
        return self.session.client

    @property
    def object(self) -> str:
        """The object being read."""
        return self.query.object

    def prepare(self, *, life: bool) -> None:
        """Settle the columns: those asked for, the place in the order, and (with `life`) what became of a record."""
        facts = self.facts
        extra = {"Id": Type.REFERENCE, facts.stamp: Type.DATETIME}
        if life and facts.deleted:
            extra["IsDeleted"] = Type.BOOLEAN
        if life and facts.master:
            extra["MasterRecordId"] = Type.REFERENCE
        if facts.converted:
            extra |= {"IsConverted": Type.BOOLEAN, "ConvertedContactId": Type.REFERENCE}
        there = {one.name for one in self.query.fields}
        more = tuple(Field(name=name, type=type_) for name, type_ in extra.items() if name not in there)
        self.columns = (*self.query.fields, *more)
        self._split([one.name for one in more] + [name for name in extra if name in there])

    def _split(self, always: Sequence[str]) -> None:
        """Put the columns into as many queries as their addresses need, each with the id."""
        names = [one.name for one in self.columns]
        room = 1200 + sum(len(name) + 1 for name in always)  # conditions, order and path, beside the columns
        self._groups = split_fields([name for name in names if name not in always], room)
        self._groups[0] = (*always, *self._groups[0])
        if len(self._groups) == 1:
            self._groups = [tuple(names)]
        by_name = {one.name: one for one in self.columns}
        self._decoder = json_decoder(tuple(by_name[name] for name in self._groups[0]))
        self._more = [json_decoder((by_name["Id"], *(by_name[n] for n in group))) for group in self._groups[1:]]

    @property
    def wide(self) -> bool:
        """Whether the columns do not fit into one query's address."""
        return len(self._groups) > 1

    def at(self, name: str) -> int:
        """Where a column is."""
        return next(place for place, one in enumerate(self.columns) if one.name == name)

    def where(self) -> tuple[str, ...]:
        """The conditions of the query itself."""
        return conditions(self.query.where, self.query.fields)

    def select(self, where: Sequence[str], order: Sequence[str] = (), limit: int | None = None) -> Select:
        """A query for the first group of columns."""
        return Select(
            fields=self._groups[0], object=self.object, where=(*self.where(), *where), order=tuple(order), limit=limit
        )

    def tail(self, soql: Select | str, *, everything: bool) -> str:
        """The resource of a query."""
        resource = "queryAll" if everything else "query"
        return f"{resource}?q={encoded(str(soql))}"

    async def ask(self, soql: Select | str, *, everything: bool = False, together: bool = False) -> Answer:
        """The first page of a query; where a server has no queryAll, of the plain query."""
        everything = everything and self.client.features.has("queryAll")
        size = self.session.settings.page_size
        try:
            tail = self.tail(soql, everything=everything)
            if together:
                return self.meter.add(await self.session.bundler.get(tail))
            headers = None if size == 2000 else {"Sforce-Query-Options": f"batchSize={size}"}  # noqa: PLR2004 - default
            return self.meter.add(await self.client.get(tail, headers=headers))
        except Faulty as error:
            if (
                not (everything and error.policy in (Policy.ABSENT, Policy.MISTAKE))
                or error.fault.code == "MALFORMED_QUERY"
            ):
                raise
            self.client.features.miss("queryAll", error.fault.code)
            return await self.ask(soql, together=together)

    async def pages(self, first: Awaitable[Answer]) -> AsyncGenerator[tuple[Decoded, Answer], None]:
        """The pages of a query, asked for one ahead. Raises Faulty, also for a result that ends too early."""
        assert self._decoder is not None
        answer, seen, ahead, address = await first, 0, None, None
        try:
            while True:
                address = next_address(answer.body)
                ahead = self._ahead(address, answer)
                page = self._decoder(answer.body)
                if address is None and not page.done:
                    if page.next is None:
                        raise Faulty(Fault("INCOMPLETE", "The server said there is more and not where.", (), 500))
                    address = page.next
                    ahead = self._ahead(address, answer)
                seen += page.count + len(page.skipped)
                if page.total is not None and seen > 2 * page.total + 10_000:
                    raise Faulty(Fault("CIRCLE", "The server sends the same pages again and again.", (), 500))
                yield await self._whole(page), answer
                if page.done or address is None:
                    return
                answer, ahead = await (ahead or self._next(address, answer)), None
        except msgspec.MsgspecError as error:
            raise RetryLater(f"{self.object}: an answer cannot be read: {error}.", code="not_json") from error
        finally:
            await abandon(ahead)

    def _ahead(self, address: str | None, answer: Answer) -> asyncio.Task[Answer] | None:
        if address is None or not self.ahead:
            return None
        return asyncio.create_task(self._next(address, answer))

    async def _next(self, address: str, answer: Answer) -> Answer:
        size = self.session.settings.page_size
        headers = None if size == 2000 else {"Sforce-Query-Options": f"batchSize={size}"}  # noqa: PLR2004 - default
        path = address if address.startswith("/") else "/" + address.split("://", 1)[-1].partition("/")[2]
        try:
            return self.meter.add(await self.client.get(path, headers=headers, token=answer.token))
        except Faulty as error:
            if error.policy in (Policy.ABSENT, Policy.MISTAKE):  # some servers do not say that it is the cursor
                raise Faulty(Fault("INVALID_QUERY_LOCATOR", error.fault.message, (), error.fault.status)) from error
            raise

    async def _whole(self, page: Decoded) -> Decoded:
        """The page with its columns in the read's order, those of further queries joined on the id."""
        if not self.wide:
            return page
        names = list(chain(*self._groups))
        order, identity = [names.index(one.name) for one in self.columns], self._groups[0].index("Id")
        ids = [str(one) for one in page.column(identity)]
        parts = [await self._part(*more, ids) for more in zip(self._groups[1:], self._more, strict=True)]
        page.rows = [
            tuple(whole[at] for at in order)
            for crm_id, row in zip(ids, page.rows, strict=True)
            if all(crm_id in part for part in parts)
            for whole in [(*row, *chain(*(part[crm_id] for part in parts)))]
        ]
        return page

    async def _part(self, group: tuple[str, ...], decoder: JsonDecoder, ids: Sequence[str]) -> dict[str, Row]:
        rows: dict[str, Row] = {}
        select = Select(fields=("Id", *group), object=self.object)
        for some in chunks(ids, len(encoded(str(select))) + _PATH_ROOM):
            soql = Select(fields=select.fields, object=self.object, where=(among(some),))
            page = decoder((await self.ask(soql, everything=True)).body)
            rows |= {str(row[0]): row[1:] for row in page.rows}
        return rows

    def page(self, found: Decoded, *, resume: str | None, mark: str | None = None, total: int | None = None) -> Page:
        """A page for the engine: ordinary rows, and apart from them what was deleted, merged or converted."""
        wanted = len(self.query.fields)
        gone, merged, ended = self._ended(found)
        rows = [row for at, row in enumerate(found.rows) if at not in ended] if ended else found.rows
        if wanted < len(self.columns):
            rows = [row[:wanted] for row in rows]
        notes, self.notes = tuple(self.notes), []
        page = Page(
            columns=tuple(one.name for one in self.query.fields), rows=rows, gone=gone, merged=merged,
            skipped=found.skipped, resume=resume, mark=mark, total=total, notes=notes,
        )  # fmt: skip
        return self.meter.on(page)

    def _ended(self, found: Decoded) -> tuple[list[Gone], list[Merged], set[int]]:
        names = {one.name: at for at, one in enumerate(self.columns)}
        crm_id, stamp = names["Id"], names[self.facts.stamp]
        gone: list[Gone] = []
        merged: list[Merged] = []
        ended: set[int] = set()
        if "IsDeleted" in names:
            deleted, master = names["IsDeleted"], names.get("MasterRecordId")
            for at, row in enumerate(found.rows):
                if row[deleted]:
                    ended.add(at)
                    if master is not None and row[master] is not None:
                        merged.append(Merged(str(row[crm_id]), str(row[master]), self.object, _text(row[stamp])))
                    else:
                        gone.append(Gone(str(row[crm_id]), _text(row[stamp])))
        if "ConvertedContactId" in names and "IsConverted" in names:
            converted, contact = names["IsConverted"], names["ConvertedContactId"]
            for at, row in enumerate(found.rows):
                if row[converted] and row[contact] is not None and at not in ended:
                    ended.add(at)
                    one = Merged(str(row[crm_id]), str(row[contact]), "Contact", _text(row[stamp]), "converted")
                    merged.append(one)
        return gone, merged, ended


def _text(value: Value) -> str | None:
    return None if value is None else str(value)


def raised(error: Faulty, reader: Reader) -> Exception:
    """Our error for the vendor's, with the object's name; what is known of the object is forgotten if it moved."""
    if error.policy in (Policy.MOVED, Policy.OBJECT, Policy.ABSENT):
        reader.session.describes.forget(reader.object)
        reader.session.context.memory.pop(f"facts:{reader.object}", None)
    return translate(error, obj=reader.object)
