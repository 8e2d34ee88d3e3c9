"""What changed since a mark: by its delta link, or by stamps over an overlapping window where there is none.

A link that is too old, or selects other columns, gives way to reading everything anew; ids are compared then, because
deletions may have been missed.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator

from crmsync.connectors import marks
from crmsync.errors import RetryLater
from crmsync.model import Page
from crmsync_dynamics.errors import Faulty, Policy
from crmsync_dynamics.load import selected, tracked, whole
from crmsync_dynamics.query import literal
from crmsync_dynamics.reading import RESTARTS, Reader, astray, raised
from crmsync_dynamics.resume import Mark, Place
from crmsync_dynamics.routes import STAMP

OLD = "the CRM has forgotten what changed since the last read: all records are read anew, and all ids compared once"
OTHER = "the selected fields have changed: all records are read once"
NOW_TRACKED = "change tracking was switched on: all records are read once"


async def changes(reader: Reader) -> AsyncGenerator[Page, None]:
    """Everything that became visible since the mark, and more. Raises ours."""
    mark = marks.read(reader.query.cursor.mark, Mark)
    if mark is None:
        said = f"{reader.object}: the mark of the last read cannot be read."
        raise RetryLater(said, hint="crmsync refresh", code="mark")
    place = marks.read(reader.query.cursor.resume, Place)
    try:
        async for page in _changes(reader, mark, place):
            yield page
    except Faulty as error:
        raise raised(error, reader) from error


async def _changes(reader: Reader, mark: Mark, place: Place | None) -> AsyncGenerator[Page, None]:
    note = _anew(reader, mark) if place is None else ""
    if note:
        reader.notes.append(note)
    if note or (place is not None and place.whole):
        async for page in whole(reader, place, again=True):
            yield page
    elif mark.delta is not None:
        async for page in _by_link(reader, mark, place):
            yield page
    else:
        async for page in _by_stamp(reader, mark, place):
            yield page


def _anew(reader: Reader, mark: Mark) -> str:
    """Why everything has to be read anew; empty where a mark may be followed."""
    if mark.delta is not None:
        return "" if mark.select == selected(reader) and tracked(reader) else OTHER
    return NOW_TRACKED if tracked(reader) and not mark.lost else ""


async def _by_link(reader: Reader, mark: Mark, place: Place | None) -> AsyncGenerator[Page, None]:
    """The changes behind a delta link; all records where the link is of no use any more."""
    link, upto, tries = place.link if place else None, place.upto if place else "", 0
    while True:
        try:
            async for page in _linked(reader, link or mark.delta or "", upto):
                yield page
        except Faulty as error:
            tries += 1
            if error.policy in (Policy.EXPIRED, Policy.UNTRACKED):
                break
            if error.policy is not Policy.CURSOR or tries > RESTARTS:
                raise
            link = None
        else:
            return
    reader.notes.append(OLD)
    async for page in whole(reader, None, again=True):
        yield page


async def _linked(reader: Reader, link: str, upto: str) -> AsyncGenerator[Page, None]:
    async for found, answer in reader.pages(link, tracked=True, link=True):
        upto = upto or marks.safe(answer.asked_at, reader.session.settings.lag_seconds)
        if found.next is not None:
            yield await reader.page(found, resume=marks.write(Place(upto=upto, link=found.next, delta=True)))
            continue
        lost = found.delta is None
        if lost:
            reader.notes.append(OLD)
        after = Mark(upto=upto, delta=found.delta, select="" if lost else selected(reader), lost=lost)
        yield await reader.page(found, resume=None, mark=marks.write(after), gap=lost and reader.sees_all)


async def _by_stamp(reader: Reader, mark: Mark, place: Place | None) -> AsyncGenerator[Page, None]:
    """Records whose stamp is in the window; deletions are found by comparing ids, which the gap asks for."""
    link, upto, tries = place.link if place else None, place.upto if place else "", 0
    while True:
        try:
            path = link or _window(reader, mark)
            async for found, answer in reader.pages(path, tracked=False, link=link is not None):
                upto = upto or marks.safe(answer.asked_at, reader.session.settings.lag_seconds)
                if found.next is not None:
                    yield await reader.page(found, resume=marks.write(Place(upto=upto, link=found.next)))
                else:
                    after = Mark(upto=upto, lost=mark.lost)
                    yield await reader.page(found, resume=None, mark=marks.write(after), gap=reader.sees_all)
        except Faulty as error:
            tries += 1
            if not astray(error, reader) or tries > RESTARTS:
                raise
            link = None
        else:
            return


def _window(reader: Reader, mark: Mark) -> str:
    """The query for everything that moved since a while before the mark; everything where there are no stamps.

    A plain server pages by an order of its own, and may stamp only what was changed after it was made.
    """
    column = reader.columns[reader.at(STAMP)]
    if not column.wire:
        return str(reader.select(reader.where()))
    since = literal(marks.back(mark.upto, reader.session.settings.overlap_seconds), column)
    moved = f"{column.wire} ge {since}"
    if reader.client.features.plain:
        moved = f"({moved} or {column.wire} eq null)" if column.field.nullable else moved
        return str(reader.select((*reader.where(), moved)))
    return str(reader.select((*reader.where(), moved), (f"{column.wire} asc", f"{reader.known.table.key} asc")))
