"""What a create made whose answer was lost is found: by our key, else by what was sent, and never told too early."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

from crmsync.clock import SetClock, stamp
from crmsync.model import Kind, Page, Sent
from crmsync.writes import Change
from crmsync_salesforce.simulator import Org
from salesforce.orgs import NOON, Site, ids, later, site
from salesforce.writes import KEY, contacts, create, results, send, task

NAMES = ["Id", "LastName", "Email"]


async def lost(one: Site, change: Change) -> Sent:
    """A create that the org does, and whose answer never comes."""
    sent = Sent(key=change.key, at=stamp(one.context.clock.now()), values=change.values)
    one.plant(drop=True, path="composite/sobjects", times=3)
    assert results(await send(one, change)) == ["unknown"]
    one.server.faults.clear()
    return sent


async def look(one: Site, sent: Sent, obj: str = "Lead", names: list[str] = NAMES) -> list[Page]:
    return await one.read(await one.query(obj, Kind.SENT, names, sent=sent))


def test_by_our_key() -> None:
    """Where the org keeps our key, one row answers, whatever became of its values."""

    async def main() -> None:
        async with site(5) as one:
            one.org.add_field("Lead", KEY)
            sent = await lost(one, create(key="k'1", Email="a@b.example"))
            made = next(row for row in one.org.records("Lead") if row["crmsync_key__c"] == "k'1")
            one.org.update("Lead", made["Id"], {"LastName": "Changed"})
            later(one, minutes=5)
            pages = await look(one, sent)
            assert (ids(pages), [page.gap for page in pages]) == ([made["Id"]], [False])

    asyncio.run(main())


def test_by_what_was_sent() -> None:
    """Without a key, the record made by us since then with the values that were sent is found, and no other."""

    async def main() -> None:
        async with site(20) as one:
            before = {str(row["Id"]) for row in one.org.records("Lead")}
            same = {"LastName": "O'Noor", "Company": "Initech", "Email": "a@b.example", "NumberOfEmployees": 5}
            before.add(one.org.create("Lead", same))  # by somebody else, just now
            wanted = create(LastName="O'Noor ", NumberOfEmployees=5, Status="Open - Not Contacted", Email="a@b.example")
            await send(one, replace(wanted, values={**wanted.values, "Email": "other@b.example"}))
            sent = await lost(one, wanted)
            later(one, minutes=5)
            (found,) = ids(await look(one, sent))
            assert found not in before
            assert (one.org.get("Lead", found) or {})["Email"] == "a@b.example"

    asyncio.run(main())


def test_rules_of_the_org_do_not_hide_it() -> None:
    """What the org's rules set on the way in, owner, picklists and flags, is not what the record is found by."""

    async def main() -> None:
        async with site(5) as one:
            one.org.state.automation.plant(
                {"updates": [{"object": "Lead", "field": "Rating", "value": "Hot"},
                             {"object": "Lead", "field": "DoNotCall", "value": True}]}
            )  # fmt: skip
            sent = await lost(one, create(Rating="Cold", DoNotCall=False, Email="a@b.example"))
            later(one, minutes=5)
            assert len(ids(await look(one, sent))) == 1

    asyncio.run(main())


def test_nothing_found_is_believed_only_after_the_lag() -> None:
    """A record may become visible late: until the server's clock has passed the lag, the page says so by its gap."""

    async def main() -> None:
        async with site(5, commit_lag=50) as one:
            sent = await lost(one, create(Email="a@b.example"))
            later(one, seconds=30)
            early = await look(one, sent)
            assert (ids(early), early[-1].gap) == ([], True)
            later(one, seconds=31)
            pages = await look(one, sent)
            assert (len(ids(pages)), pages[-1].gap) == (1, False)

    asyncio.run(main())


def test_the_server_s_clock_counts() -> None:
    """A server whose clock is minutes off is asked by its own time: what it made is found, and not told too early."""

    async def main() -> None:
        for offset in (timedelta(minutes=-7), timedelta(minutes=7)):
            theirs = SetClock(NOON + offset)
            async with site(org=Org(5, 7, clock=theirs)) as one:
                ours = SetClock(NOON)
                object.__setattr__(one.context, "clock", ours)
                await send(one, create(Email="first@b.example"))  # any answer tells the server's time
                sent = await lost(one, create(Email="a@b.example"))
                assert (await look(one, sent))[-1].gap
                for clock in (ours, theirs):
                    clock.advance(timedelta(minutes=2))
                pages = await look(one, sent)
                assert (len(ids(pages)), pages[-1].gap) == (1, False)

    asyncio.run(main())


def test_what_was_deleted_meanwhile_is_told_as_gone() -> None:
    """A record that was made and deleted before anybody looked was made all the same."""

    async def main() -> None:
        async with site(5) as one:
            sent = await lost(one, create(Email="a@b.example"))
            made = next(row["Id"] for row in one.org.records("Lead") if row["Email"] == "a@b.example")
            one.org.delete("Lead", made)
            later(one, minutes=5)
            pages = await look(one, sent)
            assert (ids(pages), [gone.id for page in pages for gone in page.gone]) == ([], [made])

    asyncio.run(main())


def test_tasks_are_told_apart_by_their_person() -> None:
    """Two tasks of one subject made at once: the person among the values sent tells which is which."""

    async def main() -> None:
        async with site(5) as one:
            first, second = contacts(one, 2)
            await send(one, task(first, Subject="Opened mail"))
            wanted = task(second, Subject="Opened mail")
            sent = await lost(one, wanted)
            later(one, minutes=5)
            names = ["Id", "WhoId", "Subject"]
            assert len(ids(await look(one, sent, "Task", names))) == 2
            told = replace(sent, person=second)
            pages = await look(one, told, "Task", names)
            assert [row[1] for page in pages for row in page.rows] == [second]

    asyncio.run(main())
