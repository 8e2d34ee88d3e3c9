"""What changed since a mark: one query over an overlapping window, ended records told apart, resumed by (stamp, id)."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta

from msgspec import Struct

from crmsync.clock import moment, stamp
from crmsync.connectors import marks
from crmsync.errors import RetryLater
from crmsync.model import Page
from crmsync_salesforce import bulk
from crmsync_salesforce.errors import Faulty, Policy
from crmsync_salesforce.query import Select, after_row, at_least, before
from crmsync_salesforce.reading import RESTARTS, Reader, raised
from crmsync_salesforce.resume import Place, read_mark, write_mark

NARROWEST = timedelta(minutes=1)


class _Window(Struct):
    """What a query asks for: stamps from `since` on, behind a row, and (only after a time-out) before `until`."""

    since: str
    until: str | None = None


async def changes(reader: Reader) -> AsyncGenerator[Page, None]:
    """Everything that became visible since the mark, and more. Raises ours."""
    mark = read_mark(reader.query.cursor.mark)
    if mark is None:
        raise RetryLater(
            f"{reader.object}: the mark of the last read cannot be read.", hint="crmsync refresh", code="mark"
        )
    place = marks.read(reader.query.cursor.resume, Place)
    reader.prepare(life=True)
    since = marks.back(mark, reader.session.settings.overlap_seconds)
    try:
        if place is not None and place.job:
            async for page in _by_job(reader, since, place):
                yield page
            return
        async for page in _by_page(reader, since, place):
            yield page
    except Faulty as error:
        raise raised(error, reader) from error


async def _by_page(reader: Reader, since: str, place: Place | None) -> AsyncGenerator[Page, None]:
    place = place or Place(upto="")
    window, tries = _Window(place.stamp or since), 0
    while True:
        try:
            async for page in _query(reader, window, place):
                tries = 0
                yield page
                if page.mark is not None:
                    return
        except _Much:
            async for page in _by_job(reader, since, None):
                yield page
            return
        except Faulty as error:
            tries += 1
            if error.policy is Policy.NARROW and not reader.client.features.plain:
                _narrow(reader, window, error)
            elif error.policy is not Policy.CURSOR or tries > RESTARTS:
                raise
            window.since = place.stamp or window.since
        else:
            assert window.until is not None
            window.since, window.until = window.until, None
            place.stamp = place.id = None


class _Much(Exception):
    """The window holds so much that a bulk job should read it."""


async def _query(reader: Reader, window: _Window, place: Place) -> AsyncGenerator[Page, None]:
    select, stamp_field = _select(reader, window, place), reader.facts.stamp
    together = not place.stamp and window.until is None
    first = reader.ask(select, everything=reader.facts.deleted, together=together)
    async for found, answer in reader.pages(first):
        if not place.upto:
            place.upto = marks.safe(answer.asked_at, reader.session.settings.lag_seconds)
        if found.total is not None and not place.sent and _too_much(reader, found.total):
            raise _Much
        place.sent += found.count
        if found.count:
            place.stamp = str(found.rows[-1][reader.at(stamp_field)])
            place.id = str(found.rows[-1][reader.at("Id")])
        last = found.done and window.until is None
        total = found.total if window.until is None else None
        if last or found.count or found.skipped:
            mark = write_mark(place.upto) if last else None
            yield reader.page(found, resume=None if last else marks.write(place), mark=mark, total=total)


def _too_much(reader: Reader, total: int) -> bool:
    settings = reader.session.settings
    return settings.bulk == "auto" and total >= max(settings.bulk_threshold, 1) and bulk.may_bulk(reader)


def _select(reader: Reader, window: _Window, place: Place) -> Select:
    field, plain = reader.facts.stamp, reader.client.features.plain
    if place.stamp is None:
        tests = [at_least(field, window.since)]
    elif plain or place.id is None:
        tests = [at_least(field, place.stamp)]
    else:
        tests = [after_row(field, place.stamp, place.id)]
    if window.until is not None:
        tests.append(before(field, window.until))
    return reader.select(tests, (field,) if plain else (field, "Id"))


def _narrow(reader: Reader, window: _Window, error: Faulty) -> None:
    start = moment(window.since)
    end = moment(window.until) if window.until is not None else reader.client.now()
    if end - start <= NARROWEST:
        raise error
    window.until = stamp((start + (end - start) / 2).replace(microsecond=0))
    if moment(window.until) <= start:
        raise error


async def _by_job(reader: Reader, since: str, place: Place | None) -> AsyncGenerator[Page, None]:
    everything = reader.facts.deleted and reader.client.features.has("queryAll")
    select = Select(fields=("Id",), object=reader.object, where=(*reader.where(), at_least(reader.facts.stamp, since)))
    try:
        async for page in bulk.read(reader, select, place, everything=everything):
            yield page
    except Faulty as error:
        if not bulk.unusable(error):
            raise
        if place is None:  # a job of a former process may be gone; that tells nothing of the server
            reader.client.features.miss("bulk", str(error)[:200])
        async for page in _by_page(reader, since, None):
            yield page
