"""What all kinds of reads share: pages of a query one ahead, their columns, and pages for the engine made of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from functools import partial

from msgspec import Struct, field

from crmsync.clock import stamp
from crmsync.connectors.answers import Answer
from crmsync.connectors.paging import Meter, abandon
from crmsync.errors import RouteStopped
from crmsync.model import Gone, Kind, Page, Query
from crmsync_dynamics.apart import BECAME, LEAD, MASTER, MERGED, NUMBERED, Apart
from crmsync_dynamics.client import Client
from crmsync_dynamics.decode import REFERS, SHOWN, Decoded, Decoder, decoder, next_link
from crmsync_dynamics.describe import Known
from crmsync_dynamics.errors import Fault, Faulty, Policy, lost_columns, translate
from crmsync_dynamics.narrowed import answered, refuses
from crmsync_dynamics.query import Select, condition
from crmsync_dynamics.rights import WHOLE
from crmsync_dynamics.routes import NEEDED, STAMP, STATE
from crmsync_dynamics.session import DynamicsSession
from crmsync_dynamics.tables import Column

RESTARTS = 3
"""Times a read is begun anew because its cursor was lost, before it gives up for now."""

SMALLEST = 50
"""Rows in a page that are not too many for any server."""


class Reader(Struct):
    """One read of one object: its columns and its decoder. Raises SchemaMoved's cause for a column that is gone."""

    session: DynamicsSession
    query: Query
    known: Known
    columns: tuple[Column, ...] = ()
    meter: Meter = field(default_factory=Meter)
    notes: list[str] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)  # ids of rows of this read of changes
    size: int = 0  # rows in a page
    strong: bool = False
    _at: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.columns, self.size = self._columns(), self.session.settings.page_size
        self._at = {one.field.name: at for at, one in enumerate(self.columns)}

    @property
    def client(self) -> Client:
        """The session's client."""
        return self.session.client

    @property
    def object(self) -> str:
        """The object being read."""
        return self.query.object

    @property
    def sees_all(self) -> bool:
        """Whether a record that is not seen is not there, as far as can be told: ids are compared only then."""
        table, held = self.known.table, self.known.held
        return not table.owned or held.depth(table, "Read") in (None, WHOLE)

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
            more += [MASTER, MERGED]
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

    def has(self, name: str) -> bool:
        """Whether a column is read."""
        return name in self._at

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
        """What every page of a read asks for beside its address."""
        parts = ["odata.track-changes"] if tracked else []
        parts.append(f"odata.maxpagesize={self.size}")
        shown = [SHOWN] if any(one.named for one in self.columns) else []
        shown += [REFERS] if any(one.target for one in self.columns) else []
        if shown:
            parts.append(f'odata.include-annotations="{",".join(one[1:] for one in shown)}"')
        return ",".join(parts)

    async def ask(self, path: str, *, tracked: bool) -> Answer:
        """One page; a smaller one where the server has no time for so many rows.

        A column that is lately published is unknown to some servers for half a minute: they are told to look.
        """
        while True:
            try:
                prefer = self.prefer(tracked=tracked)
                return self.meter.add(await self.client.get(path, prefer=prefer, strong=self.strong))
            except Faulty as error:
                if error.policy is Policy.NARROW and self.size > SMALLEST:
                    self.size = max(self.size // 10, SMALLEST)
                elif error.policy is Policy.MOVED and not self.strong and not self.client.features.plain:
                    self.strong = True
                else:
                    raise

    async def _first(self, path: str, *, tracked: bool, link: bool) -> Answer:
        """The page that a query or a link begins with."""
        ask = partial(self.ask, tracked=tracked)
        return await (ask(path) if link else answered(ask, path, self.client.features))

    async def pages(
        self, path: str, *, tracked: bool, link: bool = False
    ) -> AsyncGenerator[tuple[Decoded, Answer], None]:  # fmt: skip
        """The pages of a query, or from a link on, asked for one ahead.

        Raises Faulty, also for links that lead in a circle.
        """
        read = decoder(self.columns, tracked=tracked)
        answer, ahead, followed = await self._first(path, tracked=tracked, link=link), None, {path}
        try:
            while True:
                onward = next_link(answer.body)
                if onward is not None and onward in followed:
                    raise Faulty(Fault("circle", "The server sends the same pages again and again.", 500))
                if onward is not None:
                    followed = {onward}  # a link that comes again comes at once
                    ahead = asyncio.create_task(self.ask(onward, tracked=tracked))
                yield self._filled(read, answer), answer
                if ahead is None:
                    return
                answer, ahead = await ahead, None
        finally:
            await abandon(ahead)

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
        apart = Apart(self, found)
        apart.leave_out()
        merged, gone = await apart.merged(), apart.unneeded()
        converted = await apart.qualified()
        await apart.fill_accounts()
        if self.query.kind is Kind.LOAD:
            merged, gone = [], []
        elif self.query.kind is Kind.CHANGES:
            now = stamp(self.client.now())
            gone += [Gone(one, now) for one in await apart.deleted(self.seen)]
        notes = tuple(self.notes)
        self.notes.clear()
        page = Page(
            columns=tuple(one.name for one in self.query.fields), rows=apart.rows(len(self.query.fields)), gone=gone,
            merged=[*merged, *converted], skipped=found.skipped, resume=resume, mark=mark, gap=gap, notes=notes,
        )  # fmt: skip
        return self.meter.on(page)


def astray(error: Faulty, reader: Reader) -> bool:
    """Whether the place that a read goes on from is lost, so that it has to begin anew."""
    return error.policy is Policy.CURSOR or refuses(error, reader.client.features)


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
