"""What changed since a mark: nothing is missed, ended records are told apart, faults cost nothing."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import force_setattr

from crmsync.clock import SetClock
from crmsync.errors import RetryLater, RouteStopped, SchemaMoved
from crmsync.model import Cursor, Kind
from crmsync_salesforce import plugin
from crmsync_salesforce.resume import read_mark
from crmsync_salesforce.simulator import Org
from salesforce.orgs import NAMES, NOON, column, ids, later, loaded, mark_of, resumed, site

REST = {"bulk": "never", "page_size": 200}


@pytest.mark.rule("R-006")
def test_only_what_moved() -> None:
    """A record whose stamp moved is read, whatever was touched; the others are not."""

    async def main() -> None:
        async with site(60) as one:
            mark = await loaded(one)
            contact = str(next(one.org.records("Contact"))["Id"])
            one.org.update("Contact", contact, {"HomePhone": "1"})
            pages = await one.changes("Contact", mark, NAMES)
            assert ids(pages) == [contact]

    asyncio.run(main())


def test_windows_overlap() -> None:
    """Rows 1, 2 and 40 of the sheet: what became visible late, its stamp below the mark, is found by the next read."""

    async def main() -> None:
        async with site(20, commit_lag=45) as one:
            contact = str(next(one.org.records("Contact"))["Id"])
            mark = await loaded(one)
            one.org.update("Contact", contact, {"Title": "late"})
            later(one, seconds=5)
            first = await one.changes("Contact", mark, NAMES)
            assert ids(first) == []
            later(one, seconds=60)
            assert ids(await one.changes("Contact", mark_of(first), NAMES)) == [contact]

    asyncio.run(main())


def test_an_empty_read_moves_the_mark() -> None:
    """The mark is the server's time at the question, less the lag, also when nothing changed."""

    async def main() -> None:
        async with site(5) as one:
            mark = await loaded(one)
            again = await one.changes("Contact", mark, NAMES)
            assert read_mark(mark) != read_mark(mark_of(again))
            assert (read_mark(mark_of(again)) or "")[:16] in ("2026-05-06T14:58", "2026-05-06T14:59")

    asyncio.run(main())


def test_the_servers_clock_counts() -> None:
    """A wrong clock on this machine moves no mark: the server's is taken."""

    async def main() -> None:
        org = Org(5, 7, clock=SetClock(NOON))
        async with site(org=org) as one:
            force_setattr(one.context, "clock", SetClock(NOON + timedelta(days=40)))
            pages = await one.load("Contact", NAMES)
            assert (read_mark(mark_of(pages)) or "").startswith("2026-05-06T11:5")

    asyncio.run(main())


def test_ended_records() -> None:
    """Row 24 of the sheet: deleted and merged records and converted leads are told apart, with time and successor."""

    async def main() -> None:
        async with site(30) as one:
            mark, leads = await loaded(one), await loaded(one, "Lead")
            winner, loser, gone = [str(record["Id"]) for record in one.org.records("Contact")][:3]
            one.org.merge("Contact", winner, [loser])
            one.org.delete("Contact", gone)
            lead = str(next(record["Id"] for record in one.org.records("Lead") if not record["IsConverted"]))
            made = one.org.convert_lead(lead, owner_id=one.org.user("full").user_id)
            pages = await one.changes("Contact", mark, NAMES)
            (merged,) = [found for page in pages for found in page.merged]
            assert (merged.id, merged.into, merged.into_object, merged.reason) == (loser, winner, "Contact", "merged")
            (deleted,) = [found for page in pages for found in page.gone]
            assert deleted.id == gone
            assert deleted.at is not None
            assert deleted.at.startswith("2026-05-06T18:00")
            assert not {loser, gone} & set(ids(pages))
            assert winner in ids(pages)
            (converted,) = [found for page in await one.changes("Lead", leads) for found in page.merged]
            assert (converted.id, converted.into, converted.reason) == (lead, made["contactId"], "converted")

    asyncio.run(main())


def test_an_undeleted_record_is_an_ordinary_one() -> None:
    """A record that came back from the bin is read like any change."""

    async def main() -> None:
        async with site(10) as one:
            mark = await loaded(one)
            contact = str(next(one.org.records("Contact"))["Id"])
            one.org.delete("Contact", contact)
            later(one, minutes=1)
            one.org.undelete("Contact", contact)
            pages = await one.changes("Contact", mark, NAMES)
            assert ids(pages) == [contact]
            assert not [gone for page in pages for gone in page.gone]

    asyncio.run(main())


@pytest.mark.parametrize("fault", [None, "expire_locators", "expire_session"])
def test_many_with_one_stamp(fault: str | None) -> None:
    """Row 2 of the sheet: hundreds of records of one second are all read, also when the cursor is lost among them."""

    async def main() -> None:
        async with site(700, settings=REST) as one:
            mark = await loaded(one)
            contacts = sorted(str(record["Id"]) for record in one.org.records("Contact"))
            for contact in contacts:
                one.org.update("Contact", contact, {"Title": "all at once"})
            if fault:
                one.plant(fault, path="query/0r8", nth=2)
            one.org.settings.batch_size = 200
            assert sorted(set(ids(await one.changes("Contact", mark, NAMES)))) == contacts

    asyncio.run(main())


def test_any_process_goes_on_at_the_page() -> None:
    """A read of changes goes on behind any of its pages and ends with the same mark."""

    async def main() -> None:
        async with site(700, settings=REST) as one:
            mark = await loaded(one)
            contacts = sorted(str(record["Id"]) for record in one.org.records("Contact"))
            for contact in contacts:
                one.org.update("Contact", contact, {"Title": "x"})
            one.org.settings.batch_size = 200
            query = await one.query("Contact", Kind.CHANGES, NAMES, cursor=Cursor(mark=mark))
            pages = await one.read(query)
            assert len(pages) > 2
            for at, page in enumerate(pages[:-1]):
                rest = await one.read(resumed(query, page))
                assert sorted({*ids(pages[: at + 1]), *ids(rest)}) == contacts
                assert len(ids(rest)) < len(contacts)
                assert rest[-1].mark == pages[-1].mark

    asyncio.run(main())


def test_a_slow_server_gets_smaller_windows() -> None:
    """Row 33 of the sheet: a window that takes too long is halved by time; nothing in it is lost."""

    async def main() -> None:
        async with site(40, settings=REST) as one:
            mark = await loaded(one)
            moved = []
            for contact in [str(record["Id"]) for record in one.org.records("Contact")][:20]:
                later(one, minutes=7)
                one.org.update("Contact", contact, {"Title": "x"})
                moved.append(contact)
            one.plant("query_timeout", path="quer|composite", times=3)
            assert sorted(set(ids(await one.changes("Contact", mark, NAMES)))) == sorted(moved)
            one.plant("query_timeout", path="quer|composite", times=None)
            with pytest.raises(RetryLater):
                await one.changes("Contact", mark, NAMES)

    asyncio.run(main())


def test_very_many_changes_go_by_bulk() -> None:
    """Row 6 of the sheet: a flood of changes is read by a bulk job, deletions and merges told apart as ever."""

    async def main() -> None:
        async with site(300, settings={"bulk_threshold": 100, "bulk_page_size": 100}) as one:
            mark = await loaded(one)
            contacts = [str(record["Id"]) for record in one.org.records("Contact")]
            for contact in contacts:
                one.org.update("Contact", contact, {"Title": "x"})
            one.org.delete("Contact", contacts[0])
            query = await one.query("Contact", Kind.CHANGES, NAMES, cursor=Cursor(mark=mark))
            pages = await one.read(query)
            assert one.server.site.jobs
            assert sorted(ids(pages)) == sorted(contacts[1:])
            assert [gone.id for page in pages for gone in page.gone] == contacts[:1]
            rest = await one.read(resumed(query, pages[0]))
            assert sorted({*ids(pages[:1]), *ids(rest)}) == sorted(contacts[1:])
            one.server.site.jobs.clear()  # a job that is gone is made anew, and says nothing of the server
            assert sorted(ids(await one.read(resumed(query, pages[0])))) == sorted(contacts[1:])
            assert one.session.client.features.has("bulk")
            one.plant("bulk_failed", path=r"jobs/query/\w+$")
            assert sorted(set(ids(await one.read(query)))) == sorted(contacts[1:])

    asyncio.run(main())


@pytest.mark.rule("R-202", "R-204")
def test_a_field_that_is_gone() -> None:
    """A query that names a lost field says that the schema moved; without the field it works."""

    async def main() -> None:
        async with site(5) as one:
            query = await one.query("Contact", Kind.CHANGES, NAMES, cursor=Cursor(mark=await loaded(one)))
            one.org.hide_field(None, "Contact", "Title")
            with pytest.raises(SchemaMoved):
                await one.read(query)
            assert "Title" not in await plugin.fields(one.session, "Contact")
            assert await one.changes("Contact", query.cursor.mark, NAMES)

    asyncio.run(main())


def test_an_object_that_is_gone() -> None:
    """A lost object stops its own read, with what to grant."""

    async def main() -> None:
        async with site(5) as one:
            query = await one.query("Contact", Kind.CHANGES, NAMES, cursor=Cursor(mark=await loaded(one)))
            one.org.hide_object(None, "Contact")
            with pytest.raises(RouteStopped, match="Contact"):
                await one.read(query)

    asyncio.run(main())


@pytest.mark.rule("R-244")
def test_records_out_of_sight() -> None:
    """A record that sharing hides is not read and costs nothing."""

    async def main() -> None:
        async with site(5) as one:
            mark = await loaded(one)
            contact = str(next(one.org.records("Contact"))["Id"])
            one.org.hide_record("full", contact)
            one.org.update("Contact", contact, {"Title": "x"})
            assert ids(await one.changes("Contact", mark, NAMES)) == []

    asyncio.run(main())


@pytest.mark.rule("R-221")
def test_formulas_move_no_stamp() -> None:
    """Row 41 of the sheet: a formula's new result comes with the record's own next change, and it is marked as one."""

    async def main() -> None:
        async with site(30) as one:
            fields = await plugin.fields(one.session, "Contact")
            assert fields["Account_Industry__c"].calculated
            names = ["Id", "SystemModstamp", "Account_Industry__c"]
            mark = await loaded(one, names=names)
            record = next(record for record in one.org.records("Contact") if record["AccountId"])
            one.org.update("Account", str(record["AccountId"]), {"Industry": "Energy"})
            assert ids(await one.changes("Contact", mark, names)) == []
            one.org.update("Contact", str(record["Id"]), {"Title": "x"})
            found = column(await one.changes("Contact", mark, names), "Account_Industry__c")
            assert found[str(record["Id"])] == "Energy"

    asyncio.run(main())


def test_by_id() -> None:
    """Records are read by id, deleted ones told as such; ids that exist nowhere are simply not there."""

    async def main() -> None:
        async with site(900, settings=REST) as one:
            contacts = [str(record["Id"]) for record in one.org.records("Contact")]
            one.org.delete("Contact", contacts[0])
            wanted = (*contacts, "003000000000000AAA", contacts[5][:15])
            pages = await one.read(await one.query("Contact", Kind.IDS, NAMES, ids=wanted))
            assert sorted(ids(pages)) == sorted(contacts[1:])
            assert [gone.id for page in pages for gone in page.gone] == contacts[:1]

    asyncio.run(main())


def test_queues_and_events() -> None:
    """Of groups only queues are read, of events no attendees' copies."""

    async def main() -> None:
        async with site(20) as one:
            one.org.create("Group", {"Name": "All", "DeveloperName": "All", "Type": "Regular"})
            event = next(one.org.records("Event"))
            copy = one.org.create(
                "Event",
                {
                    **{k: event[k] for k in ("Subject", "StartDateTime", "EndDateTime", "DurationInMinutes")},
                    "IsChild": True,
                },
            )
            queues = await one.load("Group")
            assert set(column(queues, "Type").values()) == {"Queue"}
            assert copy not in ids(await one.load("Event"))

    asyncio.run(main())


@pytest.mark.parametrize("mark", [None, "", "{}", "null", '{"upto":"soon"}', "[1]"])
def test_marks_that_cannot_be_read(mark: str | None) -> None:
    """A mark that is none is an error, never a read from the beginning of time or from now."""

    async def main() -> None:
        async with site(3) as one:
            with pytest.raises(RetryLater, match="mark"):
                await one.changes("Contact", mark, NAMES)

    asyncio.run(main())
