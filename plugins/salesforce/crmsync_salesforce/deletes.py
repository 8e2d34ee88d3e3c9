"""The feed of deletions, which also knows what left the recycle bin. It remembers fifteen days."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from urllib.parse import quote

import msgspec

from crmsync.clock import moment, stamp
from crmsync.connectors import marks
from crmsync.errors import RetryLater
from crmsync.model import Gone, Page
from crmsync.values import moment as canonical
from crmsync_salesforce.client import Answer
from crmsync_salesforce.errors import Faulty, Policy
from crmsync_salesforce.query import whole_id
from crmsync_salesforce.reading import Reader, raised
from crmsync_salesforce.resume import read_mark, write_mark

MEMORY = timedelta(days=15)
SHORTEST = timedelta(minutes=2)
_MINUTE = timedelta(minutes=1)


class _Deleted(msgspec.Struct):
    id: str
    deletedDate: str | None = None  # noqa: N815 - the vendor's spelling, here and below


class _Feed(msgspec.Struct):
    deletedRecords: list[_Deleted] = []  # noqa: N815
    latestDateCovered: str | None = None  # noqa: N815
    earliestDateAvailable: str | None = None  # noqa: N815


async def deletes(reader: Reader) -> AsyncGenerator[Page, None]:
    """Ids deleted since the mark, oldest window first. Where there is no feed: one empty page, told once."""
    mark = read_mark(reader.query.cursor.mark)
    if mark is None:
        raise RetryLater(f"{reader.object}: the mark of the last read of deletions cannot be read.", code="mark")
    if not reader.facts.feed or not reader.client.features.has("getDeleted"):
        yield Page(mark=_now_mark(reader), gap=reader.facts.feed and _blind(reader))
        return
    try:
        async for page in _windows(reader, moment(mark)):
            yield page
    except Faulty as error:
        if error.policy not in (Policy.ABSENT, Policy.MISTAKE, Policy.OBJECT):
            raise raised(error, reader) from error
        await reader.session.describes.fresh(reader.object)  # raises where it is the object that is missing
        if error.policy is Policy.OBJECT:
            reader.session.context.warn(f"{reader.object} has no feed of deletions: those are not noticed.")
        else:
            reader.client.features.miss("getDeleted", error.fault.code)
        yield reader.meter.on(Page(mark=_now_mark(reader), notes=tuple(reader.notes), gap=_blind(reader)))


def _blind(reader: Reader) -> bool:
    """Whether no read of this server tells of deletions at all."""
    return not (reader.facts.deleted and reader.client.features.has("queryAll"))


def _now_mark(reader: Reader) -> str:
    return write_mark(marks.safe(reader.client.now(), reader.session.settings.lag_seconds))


async def _windows(reader: Reader, start: datetime) -> AsyncGenerator[Page, None]:
    now = reader.client.now()
    oldest = now - MEMORY + 10 * _MINUTE
    if start < oldest:
        reader.notes.append(
            "the last read of deletions is longer ago than the CRM remembers them: all ids are compared once"
        )
        start = oldest
    start = _minute(min(start, now - SHORTEST))
    end = _minute(now) + _MINUTE
    stop = end
    while True:
        try:
            answer = await _ask(reader, start, stop)
        except Faulty as error:
            stop = _smaller(reader, error, start, stop, now)
            if error.policy is Policy.CLAMP and stop == start:
                start, stop = _minute(now) - SHORTEST, _minute(now)
            continue
        feed = _read(answer, reader)
        last = stop >= _minute(now)
        upto = _covered(reader, feed, answer, stop) if last else stamp(stop)
        yield _page(reader, feed, upto, last=last)
        if last:
            return
        start, stop = stop, end


async def _ask(reader: Reader, start: datetime, stop: datetime) -> Answer:
    tail = f"sobjects/{reader.object}/deleted/?start={_spell(start)}&end={_spell(stop)}"
    return reader.meter.add(await reader.session.bundler.get(tail))


def _smaller(reader: Reader, error: Faulty, start: datetime, stop: datetime, now: datetime) -> datetime:
    """The end of a window that may be answered; the start itself where the memory does not reach back that far."""
    if error.policy is Policy.NARROW and stop - start > 2 * SHORTEST:
        return _minute(start + (stop - start) / 2)
    if error.policy is not Policy.CLAMP:
        raise error
    if stop > _minute(now) and _minute(now) - start > _MINUTE:
        return _minute(now)  # a server that wants no end in the future
    if start >= _minute(now) - SHORTEST:
        raise error
    reader.notes.append("the CRM has forgotten some of the deletions since the last read: all ids are compared once")
    return start


def _covered(reader: Reader, feed: _Feed, answer: Answer, stop: datetime) -> str:
    ours = moment(marks.safe(answer.asked_at, reader.session.settings.lag_seconds))
    theirs = moment(canonical(feed.latestDateCovered) or stamp(stop)) if feed.latestDateCovered else stop
    return stamp(min(ours, theirs, stop))


def _page(reader: Reader, feed: _Feed, upto: str, *, last: bool) -> Page:
    gone = [
        Gone(whole_id(one.id), canonical(one.deletedDate) if one.deletedDate else None) for one in feed.deletedRecords
    ]
    notes, reader.notes = tuple(reader.notes), []
    mark = write_mark(upto)
    # An unfinished read goes on from the mark of what it has covered: a resume of a feed is a mark.
    page = Page(gone=gone, notes=notes, gap=bool(notes), mark=mark if last else None, resume=None if last else mark)
    return reader.meter.on(page)


def _read(answer: Answer, reader: Reader) -> _Feed:
    try:
        return msgspec.json.decode(answer.body, type=_Feed)
    except msgspec.MsgspecError as error:
        raise RetryLater(f"{reader.object}: the feed of deletions cannot be read: {error}.", code="not_json") from error


def _minute(when: datetime) -> datetime:
    return when.replace(second=0, microsecond=0)


def _spell(when: datetime) -> str:
    return quote(when.strftime("%Y-%m-%dT%H:%M:%S+00:00"), safe="")
