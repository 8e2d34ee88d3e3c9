"""What all kinds of reads share: pages of a query one ahead, their columns, and pages for the engine made of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace

from crmsync.clock import stamp
from crmsync.errors import RouteStopped
from crmsync.model import Field, Gone, Kind, Merged, Page, Query, Row, Type, Value
from crmsync_dynamics.behind import Behind
from crmsync_dynamics.client import Answer, Client
from crmsync_dynamics.decode import REFERS, SHOWN, Decoded, Decoder, decoder, next_link
from crmsync_dynamics.describe import Known
from crmsync_dynamics.errors import Fault, Faulty, Policy, lost_columns, translate
from crmsync_dynamics.filters import Test, outside, test_of
from crmsync_dynamics.query import Select, condition
from crmsync_dynamics.routes import NEEDED, STAMP, STATE
from crmsync_dynamics.session import DynamicsSession
from crmsync_dynamics.tables import Column

RESTARTS = 3
"""Times a read is begun anew because its cursor was lost, before it gives up for now."""

QUALIFIED = 1
MASTER, RAW_STATE = "masterid", "statecode#"
NUMBERED = Column(field=Field(name=RAW_STATE, type=Type.INTEGER), wire=STATE)
"""The state of a lead as a number, since its label is anybody's choice."""

BECAME = ("contactid", "parentcontactid")
"""Where a qualified lead tells the contact that it became."""

LEAD = "lead"


@dataclass(slots=True)
class Meter:
    """What a read cost since its last page."""

    calls: int = 0
    bytes: int = 0

    def add(self, answer: Answer) -> Answer:
        """Count an answer, and hand it on."""
        self.calls += answer.calls
        self.bytes += answer.bytes
        return answer

    def on(self, page: Page) -> Page:
        """The page with the cost so far, which is counted from zero again."""
        paid = replace(page, calls=self.calls, bytes=self.bytes)
        self.calls = self.bytes = 0
        return paid


@dataclass(slots=True)
class Reader:
    """One read of one object: its columns and its decoder. Raises SchemaMoved's cause for a column that is gone."""

    session: DynamicsSession
    query: Query
    known: Known
    columns: tuple[Column, ...] = ()
    meter: Meter = field(default_factory=Meter)
    notes: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)  # ids of rows of this read of changes
    _at: dict[str, int] = field(default_factory=dict)
    _tests: list[Test] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.columns = self._columns()
        self._at = {one.field.name: at for at, one in enumerate(self.columns)}
        self._tests = [test_of(one, self._at[one.field]) for one in self.query.where]

    @property
    def client(self) -> Client:
        """The session's client."""
        return self.session.client

    @property
    def object(self) -> str:
        """The object being read."""
        return self.query.object

    @property
    def key(self) -> Column:
        """The column of the ids."""
        wire = self.known.table.key
        return next(one for one in self.known.table.columns.values() if one.wire == wire)

    def _columns(self) -> tuple[Column, ...]:
        """Those asked for; the id, the stamp, what conditions test, and what became of a record."""
        table = self.known.table
        wanted = [self._column(one.name) for one in self.query.fields]
        more = [self.key.field.name, STAMP, *(one.field for one in self.query.where), *NEEDED.get(self.object, ())]
        if MASTER in table.columns and self.known.view is None:
            more.append(MASTER)
        if self.object == LEAD:
            more += [one for one in BECAME if one in table.columns]
        names = {one.name for one in self.query.fields}
        extra = [table.columns[one] for one in dict.fromkeys(more) if one not in names and one in table.columns]
        if self.object == LEAD and STATE in table.columns:
            extra.append(NUMBERED)
        return (*wanted, *extra)

    def _column(self, name: str) -> Column:
        found = self.known.table.columns.get(name)
        if found is None:
            raise Faulty(Fault("0x80041103", f"{self.object} has no column {name} any more."))
        return found

    def at(self, name: str) -> int:
        """Where a column is."""
        return self._at[name]

    @property
    def wires(self) -> tuple[str, ...]:
        """What is selected."""
        return tuple(dict.fromkeys([self.known.table.key, *(one.wire for one in self.columns if one.wire)]))

    def where(self) -> tuple[str, ...]:
        """The conditions of the query itself."""
        return tuple(condition(one, self.known.table.columns) for one in self.query.where)

    def select(self, where: Sequence[str] = (), order: Sequence[str] = ()) -> Select:
        """A query for the columns."""
        return Select(set=self.known.table.set, columns=self.wires, where=tuple(where), order=tuple(order))

    def prefer(self, *, tracked: bool) -> str:
        """What every page of a read asks for beside its address, always the same."""
        parts = ["odata.track-changes"] if tracked else []
        parts.append(f"odata.maxpagesize={self.session.settings.page_size}")
        shown = [SHOWN] if any(one.named for one in self.columns) else []
        shown += [REFERS] if any(one.target for one in self.columns) else []
        if shown:
            parts.append(f'odata.include-annotations="{",".join(one[1:] for one in shown)}"')
        return ",".join(parts)

    async def ask(self, path: str, *, tracked: bool) -> Answer:
        """One page."""
        return self.meter.add(await self.client.get(path, prefer=self.prefer(tracked=tracked)))

    async def pages(self, path: str, *, tracked: bool) -> AsyncGenerator[tuple[Decoded, Answer], None]:
        """The pages of a query, asked for one ahead. Raises Faulty, also for links that lead in a circle."""
        read = decoder(self.columns, tracked=tracked)
        answer, ahead, followed = await self.ask(path, tracked=tracked), None, {path}
        try:
            while True:
                link = next_link(answer.body)
                if link is not None and link in followed:
                    raise Faulty(Fault("circle", "The server sends the same pages again and again.", 500))
                if link is not None:
                    followed = {link}  # a link that comes again comes at once
                    ahead = asyncio.create_task(self.ask(link, tracked=tracked))
                yield self._filled(read, answer), answer
                if ahead is None:
                    return
                answer, ahead = await ahead, None
        finally:
            if ahead is not None:
                ahead.cancel()
                with suppress(asyncio.CancelledError, Exception):
                    await ahead

    def _filled(self, read: Decoder, answer: Answer) -> Decoded:
        """The page, with the moment of the read where the server has no stamps."""
        page = read(answer.body)
        for at, one in enumerate(self.columns):
            if not one.wire and page.count:
                page.columns[at] = [stamp(answer.asked_at.replace(microsecond=0))] * page.count
        return page

    async def page(
        self, found: Decoded, *, resume: str | None, mark: str | None = None, gap: bool = False
    ) -> Page:  # fmt: skip
        """A page for the engine: ordinary rows, and apart from them what was deleted, merged or qualified."""
        rows: list[Row] = list(zip(*found.columns, strict=True)) if found.count else []
        dropped = outside(rows, self._tests)
        merged = await self._merged(rows, dropped)
        gone = self._unneeded(rows, dropped)
        if self.object == LEAD:
            merged += await self._qualified(rows, dropped)
        rows = [row for at, row in enumerate(rows) if at not in dropped] if dropped else rows
        rows = await self._with_accounts(rows)
        if self.query.kind is Kind.LOAD:
            merged, gone = [one for one in merged if one.reason == "converted"], []
        elif self.query.kind is Kind.CHANGES:
            self.seen.update(str(row[self.at(self.key.field.name)]) for row in rows)
            gone += [Gone(one, self._now()) for one in await self._deleted(found.gone)]
        wanted, notes = len(self.query.fields), tuple(self.notes)
        self.notes.clear()
        page = Page(
            columns=tuple(one.name for one in self.query.fields),
            rows=[row[:wanted] for row in rows] if len(self.columns) > wanted else rows,
            gone=gone, merged=merged, skipped=found.skipped, resume=resume, mark=mark, gap=gap, notes=notes,
        )  # fmt: skip
        return self.meter.on(page)

    def _now(self) -> str:
        return stamp(self.client.now())

    async def _merged(self, rows: Sequence[Row], dropped: set[int]) -> list[Merged]:
        """Losers of merges, which stay and name their master. A master that is not synced ends nothing here (R-306)."""
        if MASTER not in self._at:
            return []
        key, master, moved = self.at(self.key.field.name), self.at(MASTER), self.at(STAMP)
        ours = [at for at, row in enumerate(rows) if row[master] is not None and at not in dropped]
        masters, behind = {str(rows[at][master]) for at in ours}, Behind(self.session, self.meter)
        if masters and self._tests:
            masters = await behind.synced(self.known.table, masters)
        dropped.update(ours)
        return [
            Merged(str(rows[at][key]), str(rows[at][master]), self.object, _text(rows[at][moved]))
            for at in ours
            if str(rows[at][master]) in masters
        ]

    def _unneeded(self, rows: Sequence[Row], dropped: set[int]) -> list[Gone]:
        """Rows that are no such thing (any more): a customer that is an account is no role."""
        needed, found = [self.at(one) for one in NEEDED.get(self.object, ())], []
        key, moved = self.at(self.key.field.name), self.at(STAMP)
        for at, row in enumerate(rows if needed else ()):
            if at not in dropped and any(row[one] is None for one in needed):
                found.append(Gone(str(row[key]), _text(row[moved])))
                dropped.add(at)
        return found

    async def _qualified(self, rows: Sequence[Row], dropped: set[int]) -> list[Merged]:
        """Leads that became contacts which are synced themselves; others stay leads with their last values."""
        if RAW_STATE not in self._at:
            return []
        key, state, moved = self.at(self.key.field.name), self.at(RAW_STATE), self.at(STAMP)
        ours = [at for at, row in enumerate(rows) if at not in dropped and row[state] == QUALIFIED]
        places = [self.at(one) for one in BECAME if one in self._at]
        told = {str(rows[at][key]): next((str(rows[at][p]) for p in places if rows[at][p]), None) for at in ours}
        became, found = await Behind(self.session, self.meter).contacts_of(told) if told else {}, []
        for at in ours:
            lead = str(rows[at][key])
            if (contact := became.get(lead)) is not None:
                found.append(Merged(lead, contact, "contact", _text(rows[at][moved]), "converted"))
                dropped.add(at)
        return found

    async def _with_accounts(self, rows: list[Row]) -> list[Row]:
        """Opportunities whose customer is a contact have that contact's account (R-134, R-135)."""
        if self.object != "opportunity" or not {"customerid_account", "customerid_contact"} <= self._at.keys():
            return rows
        account, contact = self.at("customerid_account"), self.at("customerid_contact")
        ids = {str(row[contact]) for row in rows if row[contact] is not None}
        known = await Behind(self.session, self.meter).accounts_of(ids) if ids else {}
        return [
            (*row[:account], known.get(str(row[contact])), *row[account + 1 :]) if row[contact] is not None else row
            for row in rows
        ]

    async def _deleted(self, gone: Sequence[str]) -> list[str]:
        """Ids that are deleted; one that this read has also shown is asked for, since it may have come back."""
        doubtful = [one for one in gone if one in self.seen]
        there = await Behind(self.session, self.meter).there(self.known.table, doubtful) if doubtful else set()
        return [one for one in gone if one not in there]


def _text(value: Value) -> str | None:
    return None if value is None else str(value)


def raised(error: Faulty, reader: Reader) -> Exception:
    """Our error for the vendor's, with the object's name; what is known of the object is forgotten if it moved."""
    return failed(error, reader.session, reader.object)


def failed(error: Faulty, session: DynamicsSession, obj: str) -> Exception:
    """Our error for the vendor's while an object is read."""
    if error.policy in (Policy.MOVED, Policy.OBJECT, Policy.ABSENT):
        session.describes.forget(obj)
    if error.policy is Policy.ABSENT:
        return RouteStopped(str(translate(error, obj=obj)), code=error.fault.code)
    if error.policy is Policy.SECURED:
        names = ", ".join(lost_columns(error.fault)) or "a secured column"
        return RouteStopped(f"{obj}: {names} may not be tested.", hint="Open it to the user.", code=error.fault.code)
    return translate(error, obj=obj)
