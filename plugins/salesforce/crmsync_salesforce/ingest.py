"""Thousands of updates by upload: a CSV, a job that runs it, and three sets of results that must add up."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

from msgspec import Struct, field

from crmsync.connectors.concluding import Lost
from crmsync.errors import CrmError
from crmsync_salesforce import outcomes, wire
from crmsync_salesforce.bulk import NOT_IN_BULK
from crmsync_salesforce.client import Answer, Client
from crmsync_salesforce.delivery import Batch
from crmsync_salesforce.errors import Fault, Faulty, Policy
from crmsync_salesforce.items import Item, Written
from crmsync_salesforce.jobs import COMPLETE, Job, read_job, until_ended
from crmsync_salesforce.query import whole_id

MOST_BYTES = 99_000_000
"""An upload's size; the vendor takes 100 MB."""
CALLS = 15
"""What a job costs, about: opened, filled, closed, asked for until it has ended, its results read."""

_REREADS = 2
_COLLECTION = 200
_GOING_ON = frozenset({Policy.QUOTA, Policy.LOGIN})
_ERROR = re.compile(r"([A-Z][A-Z0-9_]*):(.*?)(?::([^:]*?) --)?\s*\Z", re.DOTALL)
_JOB = {"operation": "update", "contentType": "CSV", "lineEnding": "LF", "columnDelimiter": "COMMA"}


class _Part(Struct):
    """What goes up in one job."""

    items: dict[str, Item] = field(default_factory=dict)
    body: bytes = b""


def suits(batch: Batch, items: Sequence[Item]) -> bool:
    """Whether an upload of these updates costs fewer calls than collections of them."""
    session = batch.session
    if session.settings.bulk == "never" or batch.object in NOT_IN_BULK or not session.client.features.has("ingest"):
        return False
    least = _COLLECTION if session.settings.bulk == "always" else CALLS * _COLLECTION
    return len(items) > least and f"no ingest of {batch.object}" not in session.asked


async def upload(batch: Batch, items: Sequence[Item]) -> None:
    """Update by upload what can be; what cannot, or met a lock, stays open. Raises Faulty, Lost and ours."""
    for part in _parts(batch, items):
        job = await _open(batch)
        if job is None or not await _fill(batch, job, part):
            return
        try:
            ended = await _run(batch, job, part)
        except asyncio.CancelledError:
            await _abort(batch.session.client, job)
            raise
        except (Faulty, CrmError) as error:
            for one in _missing(part):
                one.outcome = outcomes.unknown("network", f"No answer from job {job}: {error}")
            raise Lost(str(error)) from error
        await _after(batch, part, ended)


def _parts(batch: Batch, items: Sequence[Item]) -> Iterator[_Part]:
    """The updates as uploads of a size the server takes, each record once."""
    fields, names = batch.known.fields, sorted({name for one in items for name in one.values})
    text = io.StringIO()
    writer, part = csv.writer(text, lineterminator="\n"), _Part()
    header = ",".join(("Id", *names)).encode() + b"\n"
    seen: set[str] = set()
    chunks, size = [header], len(header)
    for one in items:
        with suppress(wire.Unfit):
            cells = wire.cells(one.values, fields)
            if one.id in seen:
                continue
            seen.add(one.id)
            writer.writerow((one.id, *(cells.get(name, "") for name in names)))
            row = text.getvalue().encode()
            text.seek(0)
            text.truncate()
            if size + len(row) > MOST_BYTES and part.items:
                yield _Part(part.items, b"".join(chunks))
                part, chunks, size = _Part(), [header], len(header)
            part.items[one.id] = one
            chunks.append(row)
            size += len(row)
    if part.items:
        yield _Part(part.items, b"".join(chunks))


async def _open(batch: Batch) -> str | None:
    """A new job; None where the server, or the object, has none today."""
    client = batch.session.client
    try:
        return read_job(await client.call("POST", "jobs/ingest", body={"object": batch.object, **_JOB})).id
    except Faulty as error:
        if error.policy in _GOING_ON or error.fault.status >= 500:  # noqa: PLR2004 - the server's own trouble
            raise
        if error.policy is Policy.ABSENT or error.fault.code == "METHOD_NOT_ALLOWED":
            client.features.miss("ingest", error.fault.code)
        batch.session.asked[f"no ingest of {batch.object}"] = error.fault.code
        return None


async def _fill(batch: Batch, job: str, part: _Part) -> bool:
    """Upload the rows; False where they were not taken. Nothing runs before the job is closed, so nothing is lost."""
    client, kind = batch.session.client, {"Content-Type": "text/csv; charset=UTF-8"}
    try:
        await client.call("PUT", f"jobs/ingest/{job}/batches", headers=kind, body=part.body, repeatable=False)
    except (Faulty, CrmError) as error:
        await _abort(client, job)
        if isinstance(error, CrmError) or error.policy in _GOING_ON or error.fault.status >= 500:  # noqa: PLR2004
            raise
        return False
    return True


async def _run(batch: Batch, job: str, part: _Part) -> Job | None:
    """Close the job, wait for its end (None: it took too long), and tell what became of every row."""
    client, settings = batch.session.client, batch.session.settings

    async def ask() -> Job:
        return read_job(await client.get(f"jobs/ingest/{job}"))

    await _close(client, job)
    ended = await until_ended(settings, ask)
    if ended is None:
        await _abort(client, job)
    whole = ended is not None and ended.state == COMPLETE
    for attempt in range(1, _REREADS + 2):
        await _results(batch, job, part, whole=whole)
        if not _missing(part) or attempt > _REREADS:
            break
        await asyncio.sleep(client.backoff.delay(attempt))
    for one in _missing(part):
        one.outcome = outcomes.unknown("missing", f"Job {job} told nothing of this record.")
    return ended


async def _close(client: Client, job: str) -> None:
    """Let the job run. Where the answer is lost, the job itself tells whether it was closed."""
    for attempt in range(1, client.backoff.attempts + 1):
        try:
            await client.call("PATCH", f"jobs/ingest/{job}", body={"state": "UploadComplete"}, repeatable=False)
        except (Faulty, CrmError):
            if read_job(await client.get(f"jobs/ingest/{job}")).state != "Open":
                return
            if not client.backoff.left(attempt):
                raise
            await asyncio.sleep(client.backoff.delay(attempt))
        else:
            return


async def _results(batch: Batch, job: str, part: _Part, *, whole: bool) -> None:
    for row in await _set(batch, job, "successfulResults"):
        _settle(batch, part, row, Written())
    for row in await _set(batch, job, "failedResults"):
        _settle(batch, part, row, Written(faults=(_fault(row.get("sf__error", "")),)))
    if whole and not _missing(part):
        return
    for row in await _set(batch, job, "unprocessedrecords"):
        _settle(batch, part, row, Written(faults=(Fault("PROCESSING_HALTED", "The job ended before this record."),)))


async def _set(batch: Batch, job: str, which: str) -> list[dict[str, str]]:
    answer: Answer = await batch.session.client.get(f"jobs/ingest/{job}/{which}", headers={"Accept": "text/csv"})
    lines = csv.reader(io.StringIO(answer.body.decode("utf-8-sig", "replace"), newline=""))
    header = [name.lower() for name in next(lines, [])]
    return [dict(zip(header, row, strict=False)) for row in lines]


def _settle(batch: Batch, part: _Part, row: dict[str, str], written: Written) -> None:
    item = part.items.get(whole_id(row.get("id") or row.get("sf__id") or ""))
    if item is not None and item.outcome is None:
        batch.settle(item, written)


def _fault(error: str) -> Fault:
    """A row's error: CODE:message:fields, the latter often empty."""
    found = _ERROR.match(error.strip())
    if found is None:
        return Fault("UNKNOWN", error or "no reason was given")
    fields = tuple(name.strip() for name in (found[3] or "").split(",") if name.strip())
    return Fault(found[1], found[2], fields)


def _missing(part: _Part) -> list[Item]:
    return [one for one in part.items.values() if one.outcome is None]


async def _after(batch: Batch, part: _Part, ended: Job | None) -> None:
    """What met a lock is sent once more in a collection, as is all of a job whose columns the org would not have."""
    said = (ended.errorMessage or "") if ended is not None else ""
    misread = "field name not found" in said.lower()
    for one in part.items.values():
        if one.fault is not None and (misread or outcomes.crowded(one.fault)):
            one.outcome = one.fault = None
    if misread:
        batch.session.asked[f"no ingest of {batch.object}"] = said
        batch.known = await batch.session.describes.fresh(batch.object)
        for one in batch.open:
            batch.prepare(one, one.values)


async def _abort(client: Client, job: str) -> None:
    """Stop a job that nobody waits for; whether that works does not matter."""
    with suppress(Faulty, CrmError, TimeoutError):
        call = client.call("PATCH", f"jobs/ingest/{job}", body={"state": "Aborted"})
        await asyncio.wait_for(asyncio.shield(call), timeout=10)
