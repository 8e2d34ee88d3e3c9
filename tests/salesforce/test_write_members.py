"""People in campaigns: added once, found by campaign and person, with a status the campaign has."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from crmsync.writes import Result
from salesforce.orgs import Site, site
from salesforce.writes import asked, campaign, contacts, leads, member, send, written
from support.written import all_done, results


def members(one: Site, made: str) -> dict[str, Any]:
    """The members of a campaign: person to status."""
    found = [row for row in one.org.records("CampaignMember") if row["CampaignId"] == made]
    return {row["LeadId"] or row["ContactId"]: row["Status"] for row in found}


def test_leads_and_contacts_are_added_with_their_status() -> None:
    """New members have the status wished, in the campaign's own spelling, or the campaign's default."""

    async def main() -> None:
        async with site(5) as one:
            made = campaign(one, "Invited", "Attended")
            (lead,), (first, second) = leads(one, 1), contacts(one, 2)
            found = await send(
                one, member(made, lead, "attended"), member(made, first, "Invited"), member(made, second)
            )
            assert all_done(found)
            assert [outcome.code for outcome in found] == ["", "", ""]
            assert members(one, made) == {lead: "Attended", first: "Invited", second: "Invited"}
            assert written(one, "POST") == 1

    asyncio.run(main())


def test_already_a_member_is_found_by_campaign_and_person() -> None:
    """Rows 37 and 38 of the sheet: who is a member already is done with the id of this campaign's membership."""

    async def main() -> None:
        async with site(5) as one:
            other, made = campaign(one), campaign(one, "Invited", "Attended")
            people = [*leads(one, 2), *contacts(one, 2)]
            await send(one, *(member(other, person) for person in people))
            before = await send(one, *(member(made, person, "Attended") for person in people[1:]))
            found = await send(one, *(member(made, person, "Invited") for person in people))
            assert all_done(found)
            assert [outcome.code for outcome in found] == ["", "already", "already", "already"]
            assert [outcome.crm_id for outcome in found[1:]] == [outcome.crm_id for outcome in before]
            assert members(one, made)[people[1]] == "Attended"

    asyncio.run(main())


def test_one_pair_twice_in_a_batch_is_one_member() -> None:
    """The same person added twice at once is one member, and both changes are done with its id."""

    async def main() -> None:
        async with site(5) as one:
            made, (lead,) = campaign(one, "Invited", "Attended"), leads(one, 1)
            found = await send(one, member(made, lead, "Attended"), member(made, lead[:15], "Invited"))
            assert all_done(found)
            assert found[0].crm_id == found[1].crm_id
            assert [outcome.code for outcome in found] == ["", "already"]
            assert members(one, made) == {lead: "Attended"}

    asyncio.run(main())


def test_an_addition_whose_answer_is_lost_adds_nobody_twice() -> None:
    """An addition may be sent again: the second time finds the member of the first."""

    async def main() -> None:
        async with site(5) as one:
            made, (lead,) = campaign(one), leads(one, 1)
            one.plant(drop=True, method="POST", path="composite/sobjects")
            (found,) = await send(one, member(made, lead, "Responded"))
            assert (found.result, members(one, made)) == (Result.DONE, {lead: "Responded"})

    asyncio.run(main())


def test_the_status_of_a_known_member_is_changed() -> None:
    """A change of a member that is known sets the status; one that has gone meanwhile says so."""

    async def main() -> None:
        async with site(5) as one:
            made, (first, second) = campaign(one, "Invited", "Attended"), leads(one, 2)
            known = await send(one, member(made, first), member(made, second))
            one.org.delete("CampaignMember", str(known[1].crm_id))
            found = await send(
                one,
                member(made, first, "Attended", crm_id=known[0].crm_id),
                member(made, second, "Attended", crm_id=known[1].crm_id),
            )
            assert results(found) == ["done", "gone"]
            assert members(one, made) == {first: "Attended"}

    asyncio.run(main())


@pytest.mark.parametrize("known", [False, True])
def test_a_status_the_campaign_does_not_have_is_refused_before_the_call(known: bool) -> None:
    """The org would take the default instead and say nothing, so the statuses are read first; the others go on."""

    async def main() -> None:
        async with site(5) as one:
            made, (first, second) = campaign(one, "Invited", "Attended"), leads(one, 2)
            crm_id = (await send(one, member(made, first)))[0].crm_id if known else None
            found = await send(one, member(made, first, "Bought", crm_id=crm_id), member(made, second, "Attended"))
            assert results(found) == ["refused", "done"]
            assert found[0].code == "INVALID_STATUS"
            assert "Invited, Attended" in found[0].message
            assert found[0].fields == ("Status",)
            assert asked(one, "GET", "query") == 1

    asyncio.run(main())


def test_statuses_that_cannot_be_read_are_left_to_the_org() -> None:
    """Where the statuses are hidden from the user, the org decides."""

    async def main() -> None:
        async with site(5) as one:
            made, (lead,) = campaign(one), leads(one, 1)
            one.org.hide_object(None, "CampaignMemberStatus")
            assert all_done(await send(one, member(made, lead, "Responded")))
            assert members(one, made) == {lead: "Responded"}

    asyncio.run(main())


def test_people_are_removed_from_this_campaign_alone() -> None:
    """Row 38 of the sheet: a removal ends the membership of this campaign; who is no member is done, as absent."""

    async def main() -> None:
        async with site(5) as one:
            other, made = campaign(one), campaign(one)
            (lead, stranger), (contact,) = leads(one, 2), contacts(one, 1)
            for each in (other, made):
                await send(one, member(each, lead), member(each, contact))
            found = await send(one, *(member(made, person, remove=True) for person in (lead, stranger, contact, lead)))
            assert all_done(found)
            assert [outcome.code for outcome in found] == ["", "absent", "", "absent"]
            assert members(one, made) == {}
            assert set(members(one, other)) == {lead, contact}

    asyncio.run(main())


def test_a_stale_id_does_not_keep_anybody_in() -> None:
    """Who was removed and added again has another id; a removal finds it by campaign and person."""

    async def main() -> None:
        async with site(5) as one:
            made, (lead,) = campaign(one), leads(one, 1)
            stale = (await send(one, member(made, lead)))[0].crm_id
            one.org.delete("CampaignMember", str(stale))
            await send(one, member(made, lead))
            (found,) = await send(one, member(made, lead, crm_id=stale, remove=True))
            assert (found.result, members(one, made)) == (Result.DONE, {})

    asyncio.run(main())


def test_converted_leads_cannot_be_added_but_removed() -> None:
    """A converted lead is gone as a person to add; its membership can still be ended."""

    async def main() -> None:
        async with site(5) as one:
            made, (lead, other) = campaign(one), leads(one, 2)
            await send(one, member(made, other))
            for one_lead in (lead, other):
                one.org.convert_lead(one_lead, opportunity=False)
            found = await send(one, member(made, lead))
            assert results(found) == ["gone"]
            assert all_done(await send(one, member(made, other, remove=True)))
            assert members(one, made) == {}

    asyncio.run(main())


def test_two_hundred_members_in_few_calls() -> None:
    """Two hundred additions cost one question for the statuses and one write."""

    async def main() -> None:
        async with site(5) as one:
            made, people = campaign(one), [*leads(one, 120), *contacts(one, 80)]
            before = one.session.client.calls
            assert all_done(await send(one, *(member(made, person, "Responded") for person in people)))
            assert one.session.client.calls - before == 3  # with the describe
            before = one.session.client.calls
            found = await send(one, *(member(made, person, "Responded") for person in people))
            assert {outcome.code for outcome in found} == {"already"}
            assert one.session.client.calls - before == 4  # statuses, the write, and who of both kinds is there

    asyncio.run(main())
