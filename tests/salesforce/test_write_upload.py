"""Thousands of updates go up in a job: fewer calls, every row told apart, and nothing claimed that was not seen."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from crmsync.errors import RetryLater
from crmsync.writes import Change, Result, Wish
from crmsync_salesforce import ingest
from crmsync_salesforce.simulator.api.ingested import IngestJob
from salesforce.orgs import Site, site
from salesforce.writes import asked, leads, send, update, value, written
from support.written import all_done, results

ALWAYS = {"bulk": "always"}
MANY = 250


def jobs(one: Site) -> list[IngestJob]:
    return [job for job in one.server.site.jobs.values() if isinstance(job, IngestJob)]


def rows(job: IngestJob) -> list[list[str]]:
    return list(csv.reader(io.StringIO((job.upload or b"").decode())))


def changes(one: Site, count: int = MANY) -> list[Change]:
    return [update(lead, Title=f"T{n}") for n, lead in enumerate(leads(one, count))]


def test_an_upload_costs_fewer_calls() -> None:
    """Ten thousand updates handed over at once leave in one job and some fifteen calls, and arrive."""

    async def main() -> None:
        async with site(5) as one:
            wanted = changes(one, 10_000)
            assert all_done(await send(one, *wanted))
            assert (len(jobs(one)), written(one)) == (1, 0)
            assert one.session.client.calls < ingest.CALLS
            assert value(one, "Lead", str(wanted[-1].crm_id), "Title") == "T9999"

    asyncio.run(main())


def test_few_updates_are_not_uploaded() -> None:
    """Where collections cost no more calls, or uploads are switched off, there is no job."""

    async def main() -> None:
        for settings in ({}, {"bulk": "never"}):
            async with site(5, settings=settings) as one:
                assert all_done(await send(one, *changes(one)))
                assert (len(jobs(one)), written(one)) == (0, 2)

    asyncio.run(main())


def test_what_goes_up() -> None:
    """Row 16 of the sheet: no byte order mark, LF, only what changes; an empty cell leaves alone, #N/A empties."""

    async def main() -> None:
        async with site(5, settings=ALWAYS) as one:
            wanted = changes(one)
            first, second = str(wanted[0].crm_id), str(wanted[1].crm_id)
            one.org.update("Lead", first, {"Phone": "1", "Fax": "2"})
            wanted[0] = update(first, Phone=None, Title='a "b",\r\nc')
            wanted[1] = update(second, HasOptedOutOfEmail=True, NumberOfEmployees=7)
            assert all_done(await send(one, *wanted))
            (job,) = jobs(one)
            assert (job.upload or b"").startswith(b"Id,HasOptedOutOfEmail,NumberOfEmployees,Phone,Title\n")
            assert rows(job)[1] == [first, "", "", "#N/A", 'a "b",\r\nc']
            assert rows(job)[2] == [second, "true", "7", "", ""]
            assert [value(one, "Lead", first, name) for name in ("Phone", "Fax")] == [None, "2"]

    asyncio.run(main())


def test_every_row_has_its_own_outcome() -> None:
    """Results come in any order and are told apart by the id: refused with reason and fields, gone, or done."""

    async def main() -> None:
        async with site(5, settings=ALWAYS) as one:
            wanted = changes(one)
            gone = str(wanted[3].crm_id)
            wanted[7] = update(str(wanted[7].crm_id), Title="x" * 500)
            wanted[9] = update(str(wanted[9].crm_id), Email="a:b --")
            one.org.delete("Lead", gone)
            found = await send(one, *wanted)
            odd = {n: outcome.result for n, outcome in enumerate(found) if outcome.result is not Result.DONE}
            assert odd == {3: Result.GONE, 7: Result.REFUSED, 9: Result.REFUSED}
            assert (found[7].code, found[7].fields) == ("STRING_TOO_LONG", ("Title",))
            assert (found[9].code, found[9].fields) == ("INVALID_EMAIL_ADDRESS", ("Email",))
            assert "a:b --" in found[9].message

    asyncio.run(main())


def test_what_a_csv_cannot_hold_goes_by_collection() -> None:
    """The text #N/A, a record named twice, a wish for duplicates and a locked row are written in a collection after."""

    async def main() -> None:
        async with site(5, settings=ALWAYS) as one:
            wanted = changes(one)
            ids = [str(change.crm_id) for change in wanted]
            wanted[0] = update(ids[0], Title="#N/A")
            wanted[1] = update(ids[1], Title="wished", wish=Wish(duplicates=True))
            wanted.append(update(ids[2], Title="later"))
            one.org.state.automation.plant({"locks": [{"id": ids[3], "times": 1}]})
            assert all_done(await send(one, *wanted))
            assert [value(one, "Lead", ids[n], "Title") for n in (0, 1, 2, 3)] == ["#N/A", "wished", "later", "T3"]
            assert written(one) == 2

    asyncio.run(main())


def test_a_job_that_fails_half_way() -> None:
    """Row 22 of the sheet: what ran is done, what did not run may come later, and nothing is sent twice."""

    async def main() -> None:
        async with site(5, settings=ALWAYS) as one:
            wanted = changes(one)
            one.plant("ingest_partial", rows=100, method="GET", path="jobs/ingest")
            found = await send(one, *wanted)
            assert results(found) == ["done"] * 100 + ["retry"] * 150
            assert written(one) == 0

    asyncio.run(main())


@pytest.mark.parametrize("fault", ["bulk_failed", "bulk_aborted"])
def test_a_job_that_ends_before_it_ran(fault: str) -> None:
    """A job that failed or was aborted before it did anything leaves all its rows for later."""

    async def main() -> None:
        async with site(5, settings=ALWAYS) as one:
            one.plant(fault, method="GET", path="jobs/ingest")
            assert set(results(await send(one, *changes(one)))) == {"retry"}

    asyncio.run(main())


def test_rows_in_no_result_set_are_unknown() -> None:
    """Row 22 of the sheet: rows of which the server tells nothing are asked for again, then nobody claims to know."""

    async def main() -> None:
        async with site(5, settings=ALWAYS) as one:
            one.plant("ingest_missing", rows=3, method="GET", path="jobs/ingest")
            found = await send(one, *changes(one))
            assert results(found).count("unknown") == 3
            assert results(found).count("done") == MANY - 3
            assert asked(one, "GET", "successfulResults") == 3

    asyncio.run(main())


def test_a_job_that_takes_too_long_is_aborted() -> None:
    """Rows 14 and 47 of the sheet: a job has a deadline of its own; past it, it is stopped and its rows come later."""

    async def main() -> None:
        async with site(5, settings={**ALWAYS, "bulk_deadline_seconds": 0.01}) as one:
            one.plant("bulk_stuck", method="GET", path="jobs/ingest")
            assert set(results(await send(one, *changes(one)))) == {"retry"}
            assert [job.state for job in jobs(one)] == ["Aborted"]

    asyncio.run(main())


def test_a_cancelled_upload_is_aborted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever stops waiting takes the job back, so that it does not run when nobody looks any more."""

    async def main() -> None:
        begun = asyncio.Event()

        async def for_ever(settings: object, ask: Callable[[], Awaitable[object]]) -> None:
            begun.set()
            await asyncio.Event().wait()

        monkeypatch.setattr(ingest, "until_ended", for_ever)
        async with site(5, settings=ALWAYS) as one:
            work = asyncio.create_task(send(one, *changes(one)))
            await begun.wait()
            work.cancel()
            with pytest.raises(asyncio.CancelledError):
                await work
            assert [job.state for job in jobs(one)] == ["Aborted"]

    asyncio.run(main())


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("POST", "jobs/ingest", {"status": 404, "body": [{"errorCode": "NOT_FOUND", "message": "no"}]}),
        ("POST", "jobs/ingest", {"status": 400, "body": [{"errorCode": "INVALIDENTITY", "message": "unsupported"}]}),
        ("PUT", "batches", {"status": 413, "body": "too large"}),
        ("GET", "jobs/ingest/7", {"name": "bulk_failed", "message": "InvalidBatch : Field name not found : Title"}),
    ],
)
def test_where_uploads_do_not_work_collections_do(method: str, path: str, action: dict[str, Any]) -> None:
    """Rows 10 and 23 of the sheet: a server, an object or a file that a job is not for is written by collections."""

    async def main() -> None:
        async with site(5, settings=ALWAYS) as one:
            one.plant(method=method, path=path, **action)
            assert all_done(await send(one, *changes(one)))
            assert written(one) == 2
            if method != "PUT":
                assert all_done(await send(one, *changes(one)))
                assert len(jobs(one)) == (1 if method == "GET" else 0)  # no other job is tried

    asyncio.run(main())


def test_an_answer_lost_while_closing_a_job() -> None:
    """Whether a job was closed is asked of the job itself, so a lost answer costs one more call."""

    async def main() -> None:
        async with site(5, settings=ALWAYS) as one:
            one.plant(drop=True, method="PATCH", path="jobs/ingest")
            one.plant(status=503, body="busy", method="PATCH", path="jobs/ingest", nth=2)
            for _ in range(2):
                assert all_done(await send(one, *changes(one)))
            assert [job.state for job in jobs(one)] == ["JobComplete"] * 2

    asyncio.run(main())


def test_a_lost_upload_has_done_nothing() -> None:
    """A job that was never closed does not run, so a lost upload leaves no doubt: the call raises, the job ends."""

    async def main() -> None:
        async with site(5, settings=ALWAYS) as one:
            one.plant(drop=True, method="PUT", path="batches", times=None)
            wanted = changes(one)
            with pytest.raises(RetryLater):
                await send(one, *wanted)
            assert [job.state for job in jobs(one)] == ["Aborted"]
            assert value(one, "Lead", str(wanted[0].crm_id), "Title") != "T0"

    asyncio.run(main())


def test_results_that_never_come_leave_the_rows_unknown() -> None:
    """When the results cannot be read, what was uploaded is in doubt, and nothing more is sent."""

    async def main() -> None:
        async with site(5, settings=ALWAYS) as one:
            one.plant(drop=True, path="successfulResults", times=None)
            wanted = [*changes(one), update(leads(one, 1)[0], Title="after")]
            found = await send(one, *wanted)
            assert results(found) == ["unknown"] * MANY + ["retry"]

    asyncio.run(main())


def test_large_uploads_are_split(monkeypatch: pytest.MonkeyPatch) -> None:
    """No upload passes the vendor's size: what does not fit goes up in a job of its own."""

    async def main() -> None:
        monkeypatch.setattr(ingest, "MOST_BYTES", 4000)
        async with site(5, settings=ALWAYS) as one:
            assert all_done(await send(one, *changes(one)))
            assert len(jobs(one)) > 1
            assert max(len(job.upload or b"") for job in jobs(one)) <= 4000
            assert sum(len(rows(job)) - 1 for job in jobs(one)) == MANY

    asyncio.run(main())
