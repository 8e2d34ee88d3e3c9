"""What a create made whose answer was lost is found: by our key, else by what was sent, and never told too early."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import force_setattr, replace

from crmsync.clock import SetClock, stamp
from crmsync.model import Alike, Kind, Page, Sent
from crmsync.writes import Change
from crmsync_salesforce.simulator import Org
from salesforce.orgs import NOON, Site, ids, later, site
from salesforce.writes import KEY, contacts, create, send, task
from support.written import results

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


def rule(one: Site, field: str, obj: str = "Lead", **how: Any) -> None:
    """Have the org change a field on every save."""
    one.org.state.automation.plant({"updates": [{"object": obj, "field": field, **how}]})


def alike(pages: list[Page]) -> list[Alike]:
    return [found for page in pages for found in page.alike]


def only(one: Site, **values: Any) -> str:
    """The lead that has these values."""
    (found,) = [row["Id"] for row in one.org.records("Lead") if all(row[key] == value for key, value in values.items())]
    return str(found)


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
                force_setattr(one.context, "clock", ours)
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


def test_what_is_only_like_it_and_was_deleted_says_so() -> None:
    """A person who deleted it has said that it is not it."""

    async def main() -> None:
        async with site(5) as one:
            rule(one, "Company", value="Other")
            sent = await lost(one, create(LastName="Noor", Company="Ingen", Email="a@b.example"))
            made = only(one, Email="a@b.example")
            later(one, minutes=5)
            (before,) = alike(await look(one, sent))
            one.org.delete("Lead", made)
            assert alike(await look(one, sent)) == [replace(before, gone=True)]
            assert not before.gone

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


@pytest.mark.parametrize("formula", ["UPPER", "LOWER", "TRIM"])
def test_another_spelling_is_the_same(formula: str) -> None:
    """Capitals and blanks that a rule of the org changes on the way in tell no record from another."""

    async def main() -> None:
        async with site(5) as one:
            for field in ("LastName", "Company", "Email"):
                rule(one, field, formula=formula)
            sent = await lost(one, create(LastName=" Van  Noor", Company="InGen", Email="A@b.example"))
            later(one, minutes=5)
            pages = await look(one, sent)
            assert (len(ids(pages)), alike(pages)) == (1, [])

    asyncio.run(main())


@pytest.mark.parametrize(
    ("field", "strong"), [("LastName", True), ("Company", True), ("FirstName", True), ("Email", False)]
)
def test_one_value_that_the_org_changed_does_not_hide_it(field: str, *, strong: bool) -> None:
    """It is told as alike, with what differs; strong while the address agrees, which tells people apart."""

    async def main() -> None:
        async with site(5) as one:
            rule(one, field, value="other@b.example" if field == "Email" else "Other")
            sent = await lost(one, create(FirstName="Ann", LastName="Noor", Company="Ingen", Email="a@b.example"))
            later(one, minutes=5)
            pages = await look(one, sent)
            made = only(one, **{field: "other@b.example" if field == "Email" else "Other"})
            assert (ids(pages), alike(pages)) == ([], [Alike(made, f"other {field}", strong)])

    asyncio.run(main())


@pytest.mark.parametrize(
    ("changed", "strong"), [(["LastName", "Company"], True), (["LastName", "Company", "City"], False)]
)
def test_the_address_finds_it_whatever_else_was_changed(changed: list[str], *, strong: bool) -> None:
    """Where most is other it may be another's: a flow that runs as our user makes records, too."""

    async def main() -> None:
        async with site(5) as one:
            for field in changed:
                rule(one, field, value="Other")
            sent = await lost(one, create(LastName="Noor", Company="Ingen", City="Oslo", Email="a@b.example"))
            later(one, minutes=5)
            (found,) = alike(await look(one, sent))
            assert (found.id, found.strong) == (only(one, Email="a@b.example"), strong)

    asyncio.run(main())


def test_what_was_made_when_the_call_was_long_over_is_not_taken_for_it() -> None:
    """A flow that runs as our user made a lead of the same values: a person has to look, and reads when it was made."""

    async def main() -> None:
        async with site(5) as one:
            sent = Sent(key="", at=stamp(one.context.clock.now()), values=create(Email="a@b.example").values)
            later(one, minutes=20)
            await send(one, create(Email="a@b.example"))
            later(one, minutes=5)
            pages = await look(one, sent)
            (found,) = alike(pages)
            assert (ids(pages), found.strong) == ([], False)
            assert found.differs.startswith("made only at 2026-05-06T12:20")

    asyncio.run(main())


def test_without_an_address_a_name_and_a_company_tell() -> None:
    """Unless first names differ: those are two people."""

    async def main() -> None:
        async with site(5) as one:
            rule(one, "Title", value="Other")
            named: dict[str, Any] = {"FirstName": "Ann", "LastName": "Noor", "Company": "Ingen", "Title": "CTO"}
            await send(one, create(**{**named, "FirstName": "Bob"}))
            sent = await lost(one, create(**named))
            later(one, minutes=5)
            assert alike(await look(one, sent)) == [Alike(only(one, FirstName="Ann"), "other Title", strong=True)]

    asyncio.run(main())


def test_others_are_not_alike() -> None:
    """One who shares the name of few values, one of our own from long before, and one that somebody else made."""

    async def main() -> None:
        async with site(5) as one:
            wanted: dict[str, Any] = {
                "FirstName": "Ann",
                "LastName": "Noor",
                "Company": "Ingen",
                "Email": "a@b.example",
            }
            await send(one, create(**wanted))
            later(one, minutes=5)
            one.org.create("Lead", wanted)
            await send(one, create(**{**wanted, "FirstName": "Bob", "Email": "b@b.example"}))
            sent = Sent(key="", at=stamp(one.context.clock.now()), values=wanted)
            later(one, minutes=5)
            pages = await look(one, sent)
            assert (ids(pages), alike(pages)) == ([], [])

    asyncio.run(main())


def test_where_nobody_knows_who_we_are_nothing_is_strong() -> None:
    """Records of everybody come into question then: what only resembles it is never taken for it."""

    async def main() -> None:
        async with site(5) as one:
            one.session.identity = replace(one.session.identity, user="")
            rule(one, "Company", value="Other")
            sent = await lost(one, create(LastName="Noor", Company="Ingen", Email="a@b.example"))
            later(one, minutes=5)
            (found,) = alike(await look(one, sent))
            assert (found.id, found.strong) == (only(one, Email="a@b.example"), False)

    asyncio.run(main())


def test_all_there_is_to_know_may_have_been_changed() -> None:
    """A record of which only a name was sent: any of ours of that moment may be it, and a person has to say."""

    async def main() -> None:
        async with site(5) as one:
            rule(one, "Name", "Campaign", value="2026-05 Autumn")
            sent = await lost(one, create("Campaign", Name="Autumn"))
            later(one, minutes=5)
            pages = await look(one, sent, "Campaign", ["Id", "Name"])
            assert (ids(pages), [(one.differs, one.strong) for one in alike(pages)]) == ([], [("other Name", False)])

    asyncio.run(main())


def test_a_task_whose_subject_was_changed_is_known_by_person_and_day() -> None:
    async def main() -> None:
        async with site(5) as one:
            rule(one, "Subject", "Task", formula="SUBSTITUTE")
            first, second = contacts(one, 2)
            await send(one, task(first, Subject="Opened mail", ActivityDate="2026-05-06"))
            sent = await lost(one, task(second, Subject="Opened mail", ActivityDate="2026-05-06"))
            later(one, minutes=5)
            pages = await look(one, replace(sent, person=second), "Task", ["Id", "WhoId", "Subject"])
            made = next(str(row["Id"]) for row in one.org.records("Task") if row["WhoId"] == second)
            assert (ids(pages), alike(pages)) == ([], [Alike(made, "other Subject", strong=True)])

    asyncio.run(main())


def test_what_was_converted_at_once_was_made_all_the_same() -> None:
    """It is told as merged, as every read tells it."""

    async def main() -> None:
        async with site(5) as one:
            sent = await lost(one, create(Email="a@b.example"))
            made = only(one, Email="a@b.example")
            one.org.convert_lead(made)
            later(one, minutes=5)
            pages = await look(one, sent)
            assert (ids(pages), [merged.id for page in pages for merged in page.merged]) == ([], [made])

    asyncio.run(main())


def test_many_values_of_many_scripts_fit_into_the_question() -> None:
    async def main() -> None:
        async with site(5) as one:
            long: dict[str, Any] = {
                "Street": "街\n" * 60,
                "Title": "長" * 120,
                "Website": "https://ingen.example/" + "x" * 200,
            }
            words: dict[str, Any] = dict.fromkeys(("City", "State", "Country", "FirstName"), "市" * 30)
            rule(one, "City", value="Oslo")
            sent = await lost(one, create(LastName="名" * 70, Company="社" * 200, **long, **words))
            later(one, minutes=5)
            assert [one.differs for one in alike(await look(one, sent))] == ["other City"]

    asyncio.run(main())
