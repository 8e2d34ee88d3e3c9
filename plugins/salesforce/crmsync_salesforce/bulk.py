"""Bulk API 2.0 query jobs: create, poll, page through results. A job outlives sessions and processes for days."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import suppress
from urllib.parse import urlencode

from msgspec import Struct

from crmsync.connectors import marks
from crmsync.model import Page
from crmsync_salesforce.client import Answer
from crmsync_salesforce.decode_csv import CsvDecoder
from crmsync_salesforce.decoded import Decoded
from crmsync_salesforce.errors import Fault, Faulty, Policy
from crmsync_salesforce.jobs import COMPLETE, Job, read_job, until_ended
from crmsync_salesforce.query import Select
from crmsync_salesforce.reading import Reader
from crmsync_salesforce.resume import Place, write_mark

NOT_IN_BULK = frozenset(
    [
        "AcceptedEventRelation",
        "AssetTokenEvent",
        "AttachedContentNote",
        "CaseStatus",
        "ContractStatus",
        "DeclinedEventRelation",
        "EventWhoRelation",
        "OrderStatus",
        "PartnerRole",
        "QuoteTemplateRichTextData",
        "RecentlyViewed",
        "SolutionStatus",
        "TaskPriority",
        "TaskStatus",
        "TaskWhoRelation",
        "UndecidedEventRelation",
    ]
)
LONG_TEXT, MOST_LONG_TEXTS = 255, 2
_NO_MORE = frozenset({"", "null"})


class BulkPage(Struct):
    """A part of a page of results, and where to go on behind it: so many rows into the page of `locator`."""

    found: Decoded
    locator: str | None
    within: int = 0
    last: bool = False


def may_bulk(reader: Reader) -> bool:
    """Whether the object and the server leave the choice."""
    settings = reader.session.settings
    return settings.bulk != "never" and reader.object not in NOT_IN_BULK and reader.client.features.has("bulk")


def prefers_bulk(reader: Reader, expected: int | None) -> bool:
    """Whether a read of so many records is one for a bulk job."""
    if not may_bulk(reader):
        return False
    settings = reader.session.settings
    if settings.bulk == "always":
        return True
    # Two long texts cut the server's pages to a tenth, so bulk is worth it for a tenth of the records.
    enough = settings.bulk_threshold // (1 if _long_texts(reader) < MOST_LONG_TEXTS else 10)
    return reader.wide or (expected is not None and expected >= enough)


def _long_texts(reader: Reader) -> int:
    return sum(1 for one in reader.columns if one.custom and one.native == "textarea" and one.length > LONG_TEXT)


async def create(reader: Reader, select: Select, *, everything: bool) -> tuple[Job, Answer]:
    """Begin a job. Raises Faulty. Order and limit would make the server slow, so there are none."""
    columns = tuple(one.name for one in reader.columns)
    soql = str(Select(fields=columns, object=select.object, where=select.where))
    body = {
        "operation": "queryAll" if everything else "query", "query": soql, "contentType": "CSV",
        "columnDelimiter": "COMMA", "lineEnding": "LF",
    }  # fmt: skip
    answer = reader.meter.add(await reader.client.call("POST", "jobs/query", body=body, repeatable=False))
    return read_job(answer), answer


async def read(reader: Reader, select: Select, place: Place | None, *, everything: bool) -> AsyncGenerator[Page, None]:
    """A whole read by one job: by that of `place`, from there on, or by a new one. Raises Faulty."""
    if place is None:
        job, answer = await create(reader, select, everything=everything)
        place = Place(upto=marks.safe(answer.asked_at, reader.session.settings.lag_seconds), job=job.id)
    assert place.job is not None
    done = await finished(reader, place.job)
    async for found in results(reader, done, place):
        place.sent += found.found.count + len(found.found.skipped)
        place.locator, place.within, last = found.locator, found.within, found.last
        yield reader.page(
            found.found,
            resume=None if last else marks.write(place),
            mark=write_mark(place.upto) if last else None,
            total=done.numberRecordsProcessed,
        )


async def finished(reader: Reader, job: str) -> Job:
    """Wait until a job is complete. Raises Faulty for one that failed, was aborted, is gone or takes too long."""

    async def ask() -> Job:
        found = read_job(reader.meter.add(await reader.client.get(f"jobs/query/{job}")))
        if found.object and found.object.lower() != reader.object.lower():
            raise Faulty(Fault("BULK_FAILED", f"job {job} reads {found.object}, not {reader.object}"))
        return found

    found = await until_ended(reader.session.settings, ask)
    if found is None:
        await abort(reader, job)
        raise Faulty(Fault("BULK_FAILED", f"job {job} did not end in time and was aborted"))
    if found.state != COMPLETE:
        raise Faulty(
            Fault("BULK_FAILED", f"job {job} {found.state.lower()}: {found.errorMessage or 'no reason given'}")
        )
    return found


async def results(reader: Reader, job: Job, place: Place) -> AsyncGenerator[BulkPage, None]:
    """The pages of a complete job from `place` on in parts, asked for one page ahead. Raises Faulty.

    The end is believed only when as many rows came as the job counted: headers may have been stripped on the way.
    """
    decoder, seen, ahead = CsvDecoder(reader.columns), place.sent, None
    locator, within = place.locator, place.within
    answer = await _results(reader, job.id, locator)
    try:
        while True:
            following = answer.headers.get("Sforce-Locator")
            more = following is not None and following not in _NO_MORE and following != locator
            if more:
                ahead = asyncio.create_task(_results(reader, job.id, following))
            for found, done, ends in _behind(decoder.parts(answer.body), within):
                seen += found.count + len(found.skipped)
                if ends and not more:
                    _complete(job, seen, stripped=following is None)
                    yield BulkPage(found, None, last=True)
                    return
                yield BulkPage(found, following) if ends else BulkPage(found, locator, done)
            assert ahead is not None
            locator, within, answer, ahead = following, 0, await ahead, None
    finally:
        if ahead is not None:
            ahead.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await ahead


def _behind(parts: Iterator[Decoded], within: int) -> Iterator[tuple[Decoded, int, bool]]:
    """The parts of a page behind its first rows: each with the rows up to its end, and whether it is the last."""
    done, part = 0, next(parts)
    while True:
        done += part.count + len(part.skipped)
        following = next(parts, None)
        if done > within or following is None:
            yield (part if done > within else Decoded([])), done, following is None
        if following is None:
            return
        part = following


def _complete(job: Job, seen: int, *, stripped: bool) -> None:
    counted = job.numberRecordsProcessed
    if counted is not None and seen < counted and (stripped or not seen):
        said = f"job {job.id} has {counted:,} records, only {seen:,} came; a proxy may have cut off headers or the body"
        raise Faulty(Fault("BULK_FAILED", said))


async def _results(reader: Reader, job: str, locator: str | None) -> Answer:
    asked = {"maxRecords": str(reader.session.settings.bulk_page_size)}
    if locator:
        asked["locator"] = locator
    tail = f"jobs/query/{job}/results?{urlencode(asked)}"
    return reader.meter.add(await reader.client.get(tail, headers={"Accept": "text/csv"}))


async def abort(reader: Reader, job: str) -> None:
    """Stop a job that nobody waits for; whether that works does not matter."""
    with suppress(Faulty):
        await reader.client.call("PATCH", f"jobs/query/{job}", body={"state": "Aborted"})


def unusable(error: Faulty) -> bool:
    """Whether an error says that this read should go page by page instead."""
    if error.policy in (Policy.QUOTA, Policy.LOGIN, Policy.STOP, Policy.MOVED, Policy.OBJECT):
        return False
    return error.fault.code.startswith("BULK_") or error.policy in (Policy.ABSENT, Policy.MISTAKE, Policy.NARROW)


def lacks_bulk(error: Faulty) -> bool:
    """Whether an error says that the server has no bulk queries at all, or none that can be trusted."""
    return error.policy is Policy.ABSENT or error.fault.code in ("BULK_COLUMNS", "METHOD_NOT_ALLOWED")
