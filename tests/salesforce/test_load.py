"""Whole objects: complete, resumable at the page, the same by REST and by bulk, whatever happens on the way."""

import asyncio
from typing import Any

import pytest

from crmsync.errors import CrmsyncError, QuotaSpent, RetryLater, RouteStopped
from crmsync.model import Kind, Page, Type, Value
from crmsync_salesforce import plugin
from crmsync_salesforce.load import between
from crmsync_salesforce.resume import read_mark
from crmsync_salesforce.routes import ROUTES
from salesforce.orgs import Site, column, ids, resumed, site

NAMES = ["Id", "SystemModstamp", "LastName", "Email", "AccountId"]
REST, BULK = {"bulk": "never", "page_size": 200}, {"bulk": "always", "bulk_page_size": 100}


ODD = {
    "Description": 'a "quoted"\r\nline, with\ttab', "Birthdate": "1700-01-01", "Budget__c": 1234567890123456.0,
    "Interests__c": "B;A", "Last_Webinar__c": "4000-12-31T23:59:59.000+0000", "FirstName": "Łukasz 🎉",
}  # fmt: skip
PROXY = {"status": 200, "body": "<html>proxy</html>", "content_type": "text/html"}


async def live(one: Site, obj: str) -> list[str]:
    return sorted(str(record["Id"]) for record in one.org.records(obj))


@pytest.mark.rule("R-017")
@pytest.mark.parametrize("settings", [REST, BULK])
def test_everything_once(settings: dict[str, Any]) -> None:
    """Rows 12 and 20 of the sheet: every live record comes once, page by page; only the last page has a mark."""

    async def main() -> None:
        async with site(450, settings=settings) as one:
            gone = str(next(one.org.records("Contact"))["Id"])
            one.org.delete("Contact", gone)
            pages = await one.load("Contact", NAMES)
            assert sorted(ids(pages)) == await live(one, "Contact")
            assert len(pages) > 2
            assert [page.mark is None for page in pages] == [True] * (len(pages) - 1) + [False]
            assert all(page.resume for page in pages[:-1])
            assert pages[-1].mark is not None
            mark = read_mark(pages[-1].mark)
            assert mark in ("2026-05-06T11:59:00.000Z", "2026-05-06T11:58:59.000Z")

    asyncio.run(main())


@pytest.mark.parametrize("settings", [REST, BULK])
def test_any_process_goes_on_at_the_page(settings: dict[str, Any]) -> None:
    """A read that begins at a page's resume, with a session of its own, yields all that follows and the same mark."""

    async def main() -> None:
        async with site(450, settings=settings) as one:
            query = await one.query("Contact", Kind.LOAD, NAMES)
            pages = await one.read(query)
            for at, page in enumerate(pages[:-1]):
                one.org.sessions.expire()
                rest = await one.read(resumed(query, page))
                assert sorted({*ids(pages[: at + 1]), *ids(rest)}) == sorted(ids(pages))
                assert len(ids(rest)) == len(ids(pages[at + 1 :]))
                assert rest[-1].mark == pages[-1].mark

    asyncio.run(main())


def test_both_ways_bring_the_same() -> None:
    """REST and bulk bring the same values of the same types, field by field, for every object and every type."""

    async def main() -> None:
        async with site(60, person_accounts=3) as one:
            contact = str(next(one.org.records("Contact"))["Id"])
            one.org.update("Contact", contact, ODD)
            seen: set[Type] = set()
            for obj in (route.object for route in ROUTES):
                fields = await plugin.fields(one.session, obj)
                seen |= {field.type for field in fields.values()}
                found = {}
                for bulk in ("never", "always"):
                    one.session.settings.bulk = bulk
                    found[bulk] = await one.load(obj, list(fields))
                for name in fields:
                    assert typed(column(found["never"], name)) == typed(column(found["always"], name)), (obj, name)
            assert not one.warnings
            assert seen >= set(Type) - {Type.TIME}

    asyncio.run(main())


def typed(values: dict[str, Value]) -> dict[str, tuple[Value, type]]:
    return {key: (value, type(value)) for key, value in values.items()}


def test_a_lost_cursor_costs_nothing() -> None:
    """Rows 3 and 4 of the sheet: a cursor that expired, or died with its session, is replaced behind the last row."""

    async def main() -> None:
        async with site(900, settings=REST) as one:
            for fault in ("expire_locators", "expire_session"):
                one.plant(fault, path=r"query/0r8", nth=2)
                pages = await one.load("Contact", NAMES)
                assert sorted(ids(pages)) == await live(one, "Contact")

    asyncio.run(main())


def test_a_cursor_that_always_expires() -> None:
    """A server whose cursors never live is still read to the end, since every query begins behind the last row."""

    async def main() -> None:
        async with site(900, settings=REST, disable=["locators"]) as one:
            assert sorted(ids(await one.load("Contact", NAMES))) == await live(one, "Contact")

    asyncio.run(main())


def test_more_without_a_place() -> None:
    """Row 5 of the sheet: "not done" without the place of the next page is an error, never the end."""

    async def main() -> None:
        async with site(450, settings=REST) as one:
            one.plant("drop_next_url", path="query", times=None)
            with pytest.raises(RetryLater, match="more"):
                await one.load("Contact", NAMES)

    asyncio.run(main())


def test_the_same_page_again() -> None:
    """A server that sends a page twice does no harm, and one that never stops doing so is left."""

    async def main() -> None:
        async with site(900, settings=REST) as one:
            one.plant("repeat_page", path="query/0r8", nth=2)
            assert sorted(set(ids(await one.load("Contact", NAMES)))) == await live(one, "Contact")
            one.server.faults.clear()
            one.plant("repeat_page", path="query/0r8", times=None)
            with pytest.raises(RetryLater, match="again and again"):
                await one.load("Contact", NAMES)

    asyncio.run(main())


def test_a_slow_server_gets_smaller_questions() -> None:
    """Row 33 of the sheet: a query that takes too long is asked in parts; one that always does comes back later."""

    async def main() -> None:
        async with site(450, settings=REST) as one:
            one.plant("query_timeout", path="query", times=2)
            assert sorted(ids(await one.load("Contact", NAMES))) == await live(one, "Contact")
            one.plant("query_timeout", path="query", times=None)
            with pytest.raises(RetryLater):
                await one.load("Contact", NAMES)

    asyncio.run(main())


@pytest.mark.parametrize(
    "fault",
    [{"name": "server_error"}, {"name": "maintenance"}, {"cut": 2000}, {"name": "not_acceptable"}, {"drop": True},
     {"name": "concurrent_limit"}, PROXY],
)  # fmt: skip
def test_passing_trouble(fault: dict[str, Any]) -> None:
    """Trouble that passes is waited out: a 500, maintenance, a cut page, a proxy's page, too many calls at once."""

    async def main() -> None:
        async with site(450, settings=REST) as one:
            one.plant(**fault, path="query", nth=2)
            assert sorted(ids(await one.load("Contact", NAMES))) == await live(one, "Contact")

    asyncio.run(main())


@pytest.mark.parametrize(
    ("fault", "kind", "code"),
    [
        ({"name": "server_error"}, RetryLater, 6),
        ({"name": "maintenance"}, RetryLater, 6),
        ({"name": "daily_limit"}, QuotaSpent, 7),
        (PROXY, RetryLater, 6),
        ({"cut": 500}, RetryLater, 6),
    ],
)
def test_lasting_trouble(fault: dict[str, Any], kind: type[CrmsyncError], code: int) -> None:
    """Trouble that lasts ends with the error that says when to come back, and what was read can be gone on from."""

    async def main() -> None:
        async with site(450, settings=REST) as one:
            query = await one.query("Contact", Kind.LOAD, NAMES)
            pages: list[Page] = []
            one.plant(**fault, path="query", nth=2, times=None)
            with pytest.raises(kind) as caught:  # noqa: PT012 - what came before the error matters
                async for page in plugin.fetch(one.session, query):
                    pages.append(page)  # noqa: PERF401
            assert caught.value.exit_code == code
            one.server.faults.clear()
            rest = await one.read(resumed(query, pages[-1]))
            assert sorted({*ids(pages), *ids(rest)}) == await live(one, "Contact")

    asyncio.run(main())


@pytest.mark.parametrize("fault", ["bulk_failed", "bulk_aborted"])
def test_jobs_that_fail(fault: str) -> None:
    """Row 14 of the sheet: a job that failed or was aborted has an end, and the object is read page by page."""

    async def main() -> None:
        async with site(60, settings=BULK) as one:
            one.plant(fault, path=r"jobs/query/\w+$", times=1)
            pages = await one.load("Contact", NAMES)
            assert sorted(ids(pages)) == await live(one, "Contact")
            assert any("page by page" in note for page in pages for note in page.notes)

    asyncio.run(main())


def test_a_job_that_never_ends() -> None:
    """Row 47 of the sheet: waiting for a job has a deadline of its own; then it is aborted and read another way."""

    async def main() -> None:
        async with site(60, settings={**BULK, "bulk_deadline_seconds": 0.2}) as one:
            one.plant("bulk_stuck", path=r"jobs/query/\w+$", times=None)
            assert sorted(ids(await one.load("Contact", NAMES))) == await live(one, "Contact")

    asyncio.run(main())


def test_a_job_that_is_gone() -> None:
    """A process that finds its job deleted begins a new one and loses nothing."""

    async def main() -> None:
        async with site(250, settings=BULK) as one:
            query = await one.query("Contact", Kind.LOAD, NAMES)
            first = (await one.read(query))[0]
            one.server.site.jobs.clear()
            assert sorted(ids(await one.read(resumed(query, first)))) == await live(one, "Contact")
            assert one.session.client.features.has("bulk")

    asyncio.run(main())


def test_stripped_headers() -> None:
    """Rows 12 and 13 of the sheet: without the locator header the end is not believed until the count is right."""

    async def main() -> None:
        async with site(250, settings=BULK) as one:
            one.plant(path="results", strip=["Sforce-Locator", "Sforce-NumberOfRecords"], times=None)
            assert sorted(set(ids(await one.load("Contact", NAMES)))) == await live(one, "Contact")

    asyncio.run(main())


def test_objects_without_bulk() -> None:
    """Rows 9, 10 and 44 of the sheet: an object that bulk refuses is read page by page; compounds never are."""

    async def main() -> None:
        async with site(20, settings=BULK) as one:
            body = [{"errorCode": "INVALIDENTITY", "message": "Entity 'Campaign' is not supported by the Bulk API."}]
            one.plant(status=400, body=body, path="jobs/query$", method="POST")
            assert sorted(ids(await one.load("Campaign", ["Id", "Name"]))) == await live(one, "Campaign")
            assert not [
                name
                for name in await plugin.fields(one.session, "Contact")
                if name in ("MailingAddress", "OtherAddress")
            ]

    asyncio.run(main())


def test_more_fields_than_an_address_holds() -> None:
    """Rows 7 and 11 of the sheet: fields that do not fit one address are read in several queries and joined."""

    async def main() -> None:
        async with site(30, settings=REST) as one:
            for number in range(420):
                one.org.add_field(
                    "Contact", {"name": f"A_Rather_Long_Name_Of_A_Field_{number:03d}__c", "type": "string"}
                )
            wanted = str(next(one.org.records("Contact"))["Id"])
            one.org.update("Contact", wanted, {"A_Rather_Long_Name_Of_A_Field_419__c": "last", "Title": "first"})
            names = list(await plugin.fields(one.session, "Contact"))
            pages = await one.load("Contact", names)
            assert sorted(ids(pages)) == await live(one, "Contact")
            assert column(pages, "A_Rather_Long_Name_Of_A_Field_419__c")[wanted] == "last"
            assert column(pages, "Title")[wanted] == "first"

    asyncio.run(main())


def test_long_texts_prefer_bulk() -> None:
    """Row 52 of the sheet: where long texts cut the pages to a tenth, bulk begins at a tenth of the records."""

    async def main() -> None:
        async with site(30, settings={"bulk_threshold": 100}) as one:
            for names, jobs in ((["Id", "LastName"], 0), (["Id", "Notes__c", "Web_Activity__c"], 1)):
                one.server.site.jobs.clear()
                await one.load("Contact", names, expected=30)
                assert len(one.server.site.jobs) == jobs

    asyncio.run(main())


def test_many_records_in_several_streams() -> None:
    """A large object is read in parallel stretches of ids that leave nothing out, overlap nowhere, and resume."""

    async def main() -> None:
        async with site(1500, settings={**REST, "partition_threshold": 1000}) as one:
            query = await one.query("Contact", Kind.LOAD, NAMES, expected=1500)
            pages = await one.read(query)
            assert sorted(ids(pages)) == await live(one, "Contact")
            assert len({page.resume for page in pages}) == len(pages)
            middle = len(pages) // 2
            rest = await one.read(resumed(query, pages[middle]))
            assert sorted({*ids(pages[: middle + 1]), *ids(rest)}) == await live(one, "Contact")
            assert sum(page.mark is not None for page in rest) == 1

    asyncio.run(main())


def test_cutting_a_stretch_of_ids() -> None:
    """Cuts lie inside the stretch, in rising order; a stretch of one has none."""
    cuts = between("5e0000000001", "5e0000000zzz", 4)
    assert len(cuts) == 3
    assert cuts == sorted(cuts)
    assert between("000000000001", "000000000001", 4) == []
    assert between("-", "9", 4) == []


def test_an_object_that_is_not_there() -> None:
    """An object without access stops alone, with what to grant."""

    async def main() -> None:
        async with site(5, user="restricted") as one:
            with pytest.raises(RouteStopped) as caught:
                await one.load("Opportunity")
            assert "Opportunity" in str(caught.value)
            assert "Read" in caught.value.hint

    asyncio.run(main())


def test_archived_tasks() -> None:
    """Archived activities leave plain queries without being deleted; they are loaded and counted all the same."""

    async def main() -> None:
        async with site(30) as one:
            tasks = [str(record["Id"]) for record in one.org.records("Task")]
            one.org.update("Task", tasks[0], {"IsArchived": True})
            one.org.delete("Task", tasks[1])
            pages = await one.load("Task")
            assert sorted(ids(pages)) == sorted(tasks[:1] + tasks[2:])
            counted = await one.read(await one.query("Task", Kind.COUNT))
            assert counted[0].rows == [(len(tasks) - 1,)]

    asyncio.run(main())


def test_converted_leads_of_a_first_load() -> None:
    """A converted lead is told as such and is no row; the count agrees with the rows."""

    async def main() -> None:
        async with site(20) as one:
            lead = str(next(record["Id"] for record in one.org.records("Lead") if not record["IsConverted"]))
            made = one.org.convert_lead(lead, owner_id=one.org.user("full").user_id)
            pages = await one.load("Lead")
            assert lead not in ids(pages)
            (found,) = [gone for page in pages for gone in page.merged if gone.id == lead]
            assert (found.into, found.into_object, found.reason) == (made["contactId"], "Contact", "converted")
            counted = await one.read(await one.query("Lead", Kind.COUNT))
            assert counted[0].rows == [(len(ids(pages)),)]

    asyncio.run(main())


def test_leaving_early() -> None:
    """A consumer that leaves in the middle leaves nothing running."""

    async def main() -> None:
        async with site(900, settings=REST) as one:
            pages = plugin.fetch(one.session, await one.query("Contact", Kind.LOAD, NAMES))
            await anext(pages)
            await pages.aclose()  # type: ignore[attr-defined]
            await asyncio.sleep(0.05)
            assert len(asyncio.all_tasks()) < 6

    asyncio.run(main())
