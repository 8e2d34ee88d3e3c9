"""The feed of deletions: windows that leave nothing out, a memory of days, and servers that have none."""

import asyncio

import pytest

from crmsync.errors import RetryLater
from crmsync.model import Cursor, Kind, Page
from crmsync_salesforce.resume import read_mark, write_mark
from salesforce.orgs import NAMES, Site, ids, later, loaded, mark_of, site

DELETES = ["Id"]


async def feed(one: Site, mark: str, obj: str = "Contact") -> list[Page]:
    return await one.read(await one.query(obj, Kind.DELETES, DELETES, cursor=Cursor(mark=mark)))


@pytest.mark.rule("R-140")
def test_deleted_for_good() -> None:
    """Row 24 of the sheet: what left the bin is known from the feed of deletions, once its minute is over or before."""

    async def main() -> None:
        async with site(10) as one:
            mark = await loaded(one)
            contact = str(next(one.org.records("Contact"))["Id"])
            one.org.hard_delete("Contact", contact)
            pages = await feed(one, mark)
            assert [gone.id for page in pages for gone in page.gone] == [contact]
            assert ids(await one.changes("Contact", mark, NAMES)) == []
            again = await feed(one, mark_of(pages))
            assert read_mark(mark_of(again)) is not None

    asyncio.run(main())


def test_the_feed_waits_for_transactions() -> None:
    """The mark of the feed never passes what the server says it has covered."""

    async def main() -> None:
        async with site(10, commit_lag=600) as one:
            mark = await loaded(one)
            contact = str(next(one.org.records("Contact"))["Id"])
            one.org.delete("Contact", contact)
            later(one, minutes=5)
            first = await feed(one, mark)
            assert not [gone for page in first for gone in page.gone]
            later(one, minutes=30)
            second = await feed(one, mark_of(first))
            assert [gone.id for page in second for gone in page.gone] == [contact]

    asyncio.run(main())


def test_a_pause_longer_than_the_feeds_memory() -> None:
    """After a pause of weeks the feed is read as far back as it goes, and the read says that there is a gap."""

    async def main() -> None:
        async with site(10) as one:
            mark = await loaded(one)
            later(one, days=20)
            contact = str(next(one.org.records("Contact"))["Id"])
            one.org.delete("Contact", contact)
            pages = await feed(one, mark)
            assert [gone.id for page in pages for gone in page.gone] == [contact]
            assert any(page.gap and page.notes for page in pages)

    asyncio.run(main())


def test_too_many_deletions_for_one_answer() -> None:
    """A window with too many ids is halved until it is answered, and the windows together are whole."""

    async def main() -> None:
        async with site(10) as one:
            mark = await loaded(one)
            moved = []
            for contact in [str(record["Id"]) for record in one.org.records("Contact")][:4]:
                later(one, hours=1)
                one.org.delete("Contact", contact)
                moved.append(contact)
            body = [{"errorCode": "EXCEEDED_ID_LIMIT", "message": "too many"}]
            one.plant(status=400, body=body, path="deleted|composite", times=2)
            pages = await feed(one, mark)
            assert sorted(gone.id for page in pages for gone in page.gone) == sorted(moved)
            assert len(pages) > 1
            assert [page.mark is None for page in pages] == [True] * (len(pages) - 1) + [False]

    asyncio.run(main())


def test_a_purged_feed() -> None:
    """A feed that has forgotten the window says so; the read goes on with what there is."""

    async def main() -> None:
        async with site(10) as one:
            mark = await loaded(one)
            body = [{"errorCode": "INVALID_REPLICATION_DATE", "message": "purged"}]
            one.plant(status=400, body=body, path="deleted|composite", times=2)
            pages = await feed(one, mark)
            assert pages[-1].mark is not None
            assert any(page.gap and page.notes for page in pages)
            one.plant(status=400, body=body, path="deleted|composite", times=None)
            with pytest.raises(RetryLater):
                await feed(one, mark)

    asyncio.run(main())


def test_marks_serve_both_feeds() -> None:
    """The mark of a load begins the reads of changes and of deletions alike."""

    async def main() -> None:
        async with site(5) as one:
            mark = write_mark("2026-05-06T11:00:00.000Z")
            assert mark_of(await feed(one, mark))
            assert mark_of(await one.changes("Contact", mark, NAMES))

    asyncio.run(main())
