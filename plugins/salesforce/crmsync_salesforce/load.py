"""Whole objects: page by page in the order of ids, in several streams when there is much, or by a bulk job.

The mark of the last page is the moment the load began, less the lag: what changed since comes with the first read of
changes. A load goes on at its page in another process, by id; locators are used only as long as they live.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from itertools import pairwise

import msgspec
from msgspec.structs import replace

from crmsync.connectors import marks
from crmsync.errors import RetryLater
from crmsync.model import Condition, Page
from crmsync_salesforce import bulk
from crmsync_salesforce.decoded import Decoded
from crmsync_salesforce.errors import Faulty, Policy
from crmsync_salesforce.query import Select, id_range
from crmsync_salesforce.reading import RESTARTS, Reader, raised
from crmsync_salesforce.resume import Partition, Place, write_mark

STREAMS = 2  # the database takes one page at a time: more streams would only fill memory
SMALLEST = 200
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_ID, _PREFIX = 15, 3

LIVE = Condition(field="IsDeleted", op="=", value=False)


async def load(reader: Reader) -> AsyncGenerator[Page, None]:
    """All records that are not deleted. Raises ours."""
    place = marks.read(reader.query.cursor.resume, Place)
    if reader.facts.archived and reader.facts.deleted:
        # Archived records leave plain queries without being deleted, so the bin is read and left out instead.
        reader.query = replace(reader.query, where=(*reader.query.where, LIVE))
    reader.prepare(life=False)
    try:
        if (place is not None and place.job) or (place is None and bulk.prefers_bulk(reader, reader.query.expected)):
            async for page in _by_any_job(reader, place):
                yield page
                if page.mark is not None:
                    return
            place = None
        async for page in _by_page(reader, place):
            yield page
    except Faulty as error:
        raise raised(error, reader) from error


async def _by_any_job(reader: Reader, place: Place | None) -> AsyncGenerator[Page, None]:
    """By the job of `place`, or by a new one where that is gone; ends without a mark where jobs are of no use."""
    for start in (place, None) if place is not None else (None,):
        try:
            select = Select(fields=("Id",), object=reader.object, where=reader.where())
            async for page in bulk.read(reader, select, start, everything=_whole(reader)):
                yield page
        except Faulty as error:
            if not bulk.unusable(error):
                raise
            if start is not None:
                continue
            if bulk.lacks_bulk(error):
                reader.client.features.miss("bulk", str(error)[:200])
            reader.notes.append(f"the bulk job was of no use, so it is read page by page: {error}")
        else:
            return


def _whole(reader: Reader) -> bool:
    return reader.facts.archived and reader.facts.deleted


async def _by_page(reader: Reader, place: Place | None) -> AsyncGenerator[Page, None]:
    if place is None or not place.parts:
        parts = await _partitions(reader)
        place = Place(upto="", parts=parts) if place is None else Place(upto=place.upto, parts=parts)
    left = [part for part in place.parts if not part.done]
    begun = marks.safe(reader.client.now(), reader.session.settings.lag_seconds)
    total = reader.query.expected
    if not left:
        yield Page(columns=tuple(f.name for f in reader.query.fields), mark=write_mark(place.upto))
        return
    async for part, found, asked, ends in _merge(reader, left):
        place.upto = place.upto or min(asked, begun)
        place.sent += found.count
        part.done = ends
        if found.count:
            part.last = str(found.rows[-1][reader.at("Id")])
        if total is None:
            total = found.total
        last = all(one.done for one in place.parts)
        yield reader.page(
            found,
            resume=None if last else marks.write(place),
            mark=write_mark(place.upto) if last else None,
            total=total,
        )


_Item = tuple[Partition, Decoded, str, bool]


async def _merge(reader: Reader, parts: list[Partition]) -> AsyncGenerator[_Item, None]:
    if len(parts) == 1:
        async for item in _stream(reader, parts[0]):
            yield item
        return
    reader.ahead = False
    queue: asyncio.Queue[_Item | BaseException] = asyncio.Queue(maxsize=1)

    async def feed(part: Partition) -> None:
        try:
            async for item in _stream(reader, part):
                await queue.put(item)
        except Exception as error:  # noqa: BLE001 - raised again where the queue is read
            await queue.put(error)

    tasks = [asyncio.create_task(feed(part)) for part in parts]
    try:
        open_parts = len(parts)
        while open_parts:
            arrived = await queue.get()
            if isinstance(arrived, BaseException):
                raise arrived
            open_parts -= arrived[3]
            yield arrived
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _stream(reader: Reader, part: Partition) -> AsyncGenerator[_Item, None]:
    """One partition to its end; a lost cursor costs a new query behind the last row, a slow one smaller queries."""
    last, tries, limit = part.last, 0, None
    while True:
        select = reader.select(id_range(part.low, part.high, last), ("Id",), limit)
        try:
            count = 0
            async for found, answer in reader.pages(reader.ask(select, everything=_whole(reader))):
                count += found.count + len(found.skipped)
                ends = found.done and (limit is None or count < limit)
                asked = marks.safe(answer.asked_at, reader.session.settings.lag_seconds)
                if found.count:
                    last, tries = str(found.rows[-1][reader.at("Id")]), 0
                yield part, found, asked, ends
                if ends:
                    return
        except Faulty as error:
            tries += 1
            if error.policy is Policy.NARROW and tries <= RESTARTS:
                limit = max(SMALLEST, (limit or 2 * reader.session.settings.page_size) // 2)
            elif error.policy is not Policy.CURSOR or tries > RESTARTS:
                raise
        else:
            if limit is None and not count:
                raise RetryLater(f"{reader.object}: the server's answer ended before its last page.", code="incomplete")


async def _partitions(reader: Reader) -> list[Partition]:
    expected = reader.query.expected or 0
    plain = reader.client.features.plain
    if plain or expected < reader.session.settings.partition_threshold:
        return [Partition()]
    first, last = await _edge(reader, "ASC"), await _edge(reader, "DESC")
    streams = min(STREAMS, reader.session.settings.concurrency)
    if first is None or last is None or first[:_PREFIX] != last[:_PREFIX]:
        return [Partition()]
    cuts = [first[:_PREFIX] + cut for cut in between(first[_PREFIX:_ID], last[_PREFIX:_ID], streams)]
    # The stretches fit together whatever the server's order of ids is: each ends where the next begins.
    edges = [None, *cuts, None]
    return [Partition(low=low, high=high) for low, high in pairwise(edges)]


async def _edge(reader: Reader, direction: str) -> str | None:
    select = Select(fields=("Id",), object=reader.object, where=reader.where())
    answer = await reader.ask(f"{select} ORDER BY Id {direction} LIMIT 1", everything=_whole(reader))
    try:
        return str(msgspec.json.decode(answer.body)["records"][0]["Id"])
    except (msgspec.MsgspecError, LookupError, TypeError):
        return None


def between(low: str, high: str, count: int) -> list[str]:
    """Texts, one less than `count`, that cut the stretch from `low` to `high` evenly, counting in the digits of ids."""
    if not set(low + high) <= set(_DIGITS) or len(low) != len(high):
        return []
    start, end, base = _number(low), _number(high), len(_DIGITS)
    cuts = []
    for step in range(1, count):
        value, text = start + (end - start) * step // count, ""
        for _ in low:
            value, digit = divmod(value, base)
            text = _DIGITS[digit] + text
        cuts.append(text)
    return sorted(set(cuts) - {low}) if end > start else []


def _number(text: str) -> int:
    value = 0
    for char in text:
        value = value * len(_DIGITS) + _DIGITS.index(char)
    return value
