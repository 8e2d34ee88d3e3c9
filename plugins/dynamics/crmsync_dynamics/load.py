"""Whole tables, page by page: where there is change tracking, by a read that ends with a delta link.

The mark of the last page is that link, or else the moment the load began, less the lag.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from msgspec import Struct

from crmsync.connectors import marks
from crmsync.model import Page
from crmsync_dynamics.errors import Faulty, Policy
from crmsync_dynamics.query import encoded
from crmsync_dynamics.reading import RESTARTS, Reader, astray, raised
from crmsync_dynamics.resume import Mark, Place
from crmsync_dynamics.routes import STAMP

UNTRACKED = "its change tracking could not be used, so that changes are found by their stamps"


async def load(reader: Reader) -> AsyncGenerator[Page, None]:
    """All records. Raises ours."""
    try:
        async for page in whole(reader, marks.read(reader.query.cursor.resume, Place)):
            yield page
    except Faulty as error:
        raise raised(error, reader) from error


def tracked(reader: Reader) -> bool:
    """Whether the object's changes are told by the server: a filter by stamps has to be the server's own."""
    windowed = any(one.field == STAMP for one in reader.query.where)
    wanted = reader.session.settings.change_tracking == "auto" and reader.client.features.has("tracking")
    return wanted and reader.known.table.tracked and not windowed


async def whole(reader: Reader, place: Place | None, *, again: bool = False) -> AsyncGenerator[Page, None]:
    """All pages of a table from a place on; `again` in the place of changes that the server has forgotten.

    A read whose cursor is lost begins anew, and one that may not be tracked goes on without. Raises Faulty and ours.
    """
    follow, tries = place.delta if place else tracked(reader), 0
    lost = place.lost if place else False
    while True:
        try:
            async for page in _read(reader, Start(place, tracked=follow, again=again, lost=lost)):
                yield page
        except Faulty as error:
            tries += 1
            if follow and error.policy in (Policy.UNTRACKED, Policy.PRIVILEGE):
                follow, lost = False, True
                reader.notes.append(UNTRACKED)
            elif not (error.policy is Policy.EXPIRED or astray(error, reader)) or tries > RESTARTS:
                raise
            place = None
        else:
            return


class Start(Struct, frozen=True):
    """How a whole read begins: at a place, with tracking or without, and whether tracking was lost on the way."""

    place: Place | None
    tracked: bool
    again: bool
    lost: bool


async def _read(reader: Reader, start: Start) -> AsyncGenerator[Page, None]:
    place = start.place
    upto = place.upto if place else ""
    link = place.link if place else None
    path = link or _first(reader, tracked=start.tracked)
    async for found, answer in reader.pages(path, tracked=start.tracked, link=link is not None):
        upto = upto or marks.safe(answer.asked_at, reader.session.settings.lag_seconds)
        if found.next is not None:
            resume = Place(upto=upto, link=found.next, whole=start.again, delta=start.tracked, lost=start.lost)
            yield await reader.page(found, resume=marks.write(resume))
            continue
        lost = start.tracked and found.delta is None
        if lost:
            reader.notes.append(UNTRACKED)
        select = selected(reader) if found.delta else ""
        mark = Mark(upto=upto, delta=found.delta, select=select, lost=lost or start.lost)
        yield await reader.page(found, resume=None, mark=marks.write(mark), gap=start.again and reader.sees_all)


def _first(reader: Reader, *, tracked: bool) -> str:
    if tracked:
        return str(reader.select())
    return str(reader.select(reader.where(), () if reader.client.features.plain else (reader.known.table.key,)))


def selected(reader: Reader) -> str:
    """What a delta link of this read selects, to see whether it is still what is wanted."""
    return encoded(",".join(sorted(reader.wires)))
