"""What marketers ask for beyond values: leads qualified, records merged, owners, tasks, people in campaigns."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

import pytest

from crmsync.model import Kind, Sent
from crmsync.writes import Change, Operation, Result, Wish
from crmsync_dynamics.simulator.fields import Ref
from dynamics.orgs import Site
from dynamics.writes import NOWHERE, convert, create, made, member, merge, on_a_site, send, task, update, value
from support.written import all_done, results


@on_a_site()
@pytest.mark.rule("R-078")
async def test_a_lead_becomes_a_contact_without_an_account(one: Site) -> None:
    """Qualifying makes a contact that belongs to no account, no account, and a deal only where it is named."""
    first, second, third = made(one, 3, companyname="Acme", emailaddress1=None)
    accounts, deals = one.org.count("account"), one.org.count("opportunity")
    owner = one.org.user("minimum").user_id
    found = await send(one, convert(first), convert(second, opportunity="Renewal", owner=owner), convert(NOWHERE))
    assert results(found) == ["done", "done", "gone"]
    assert value(one, "contact", str(found[0].crm_id), "parentcustomerid") is None
    assert value(one, "lead", first, "statecode") == 1
    assert (one.org.count("account"), one.org.count("opportunity")) == (accounts, deals + 1)
    assert value(one, "opportunity", found[1].made["opportunity"], "name") == "Renewal"
    assert value(one, "contact", str(found[1].crm_id), "ownerid").id == owner
    contacts = one.org.count("contact")
    (again,) = await send(one, convert(first))
    assert (again.crm_id, again.code) == (found[0].crm_id, "converted")
    one.plant(drop=True, path="QualifyLead")
    (lost,) = await send(one, convert(third))
    assert lost.result is Result.DONE
    assert one.org.count("contact") == contacts + 1
    (closed,) = made(one, 1)
    one.org.update("lead", closed, {"statecode": 2, "statuscode": 5})
    (refused,) = await send(one, convert(closed))
    assert (refused.result, refused.code) == (Result.REFUSED, "0x80040519")


@on_a_site()
async def test_losers_go_into_the_record_that_stays(one: Site) -> None:
    """Each loser is merged once, what was merged or deleted before is done, and values that were chosen stay."""
    kept, *losers = made(one, 5, "contact")
    one.plant(drop=True, path="Merge")
    assert all_done(await send(one, merge(kept, losers[:2], jobtitle="Chosen")))
    assert [value(one, "contact", loser, "masterid") for loser in losers[:2]] == [Ref("contact", kept)] * 2
    assert value(one, "contact", kept, "jobtitle") == "Chosen"
    one.org.delete("contact", losers[2])
    assert all_done(await send(one, merge(kept, losers)))
    assert value(one, "contact", losers[3], "merged") is True
    (other,) = made(one, 1, "contact")
    found = [*await send(one, merge(other, [losers[0]])), *await send(one, merge(other, [other]))]
    assert [(one.result, one.code) for one in found] == [(Result.REFUSED, "0x80045304"), (Result.REFUSED, "0x80045305")]
    assert results(await send(one, merge(NOWHERE, [other]))) == ["gone"]
    assert results(await send(one, merge(other, []), merge(other, ["never-was"]))) == ["refused", "refused"]


@on_a_site()
@pytest.mark.rule("R-125")
async def test_records_are_given_to_users_and_teams(one: Site) -> None:
    """An owner is a user or a team; whoever is neither is refused by name."""
    user = one.org.user("minimum").user_id
    team = next(str(row["teamid"]) for row in one.org.records("team") if not row.get("isdefault"))
    ids = made(one, 3)
    owners = (user, team, NOWHERE)
    found = await send(one, *(update(crm_id, ownerid=owner) for crm_id, owner in zip(ids, owners, strict=True)))
    assert results(found) == ["done", "done", "refused"]
    assert [value(one, "lead", crm_id, "ownerid").table for crm_id in ids[:2]] == ["systemuser", "team"]
    assert found[2].fields == ("ownerid",)
    (new,) = await send(one, create("contact", wish=Wish(owner=team)))
    assert value(one, "contact", str(new.crm_id), "ownerid") == Ref("team", team)


@on_a_site()
@pytest.mark.rule("R-182", "R-184")
async def test_a_task_is_made_for_a_person_once(one: Site) -> None:
    """A task regards its lead or contact, is due on its day, may be over already, and is found after a lost answer."""
    (lead,), (contact,) = made(one, 1), made(one, 1, "contact")
    key = uuid4().hex
    one.plant(drop=True, method="PATCH")
    found = [
        *await send(one, task(lead, key=key, subject="Call", scheduledend_day="2026-06-01", statuscode="In Progress")),
        *await send(one, task(contact, "contact", subject="Done", statecode="1")),
    ]
    assert all_done(found)
    first, second = (one.org.get("task", str(outcome.crm_id)) or {} for outcome in found)
    assert (first["regardingobjectid"], str(first["scheduledend"])[:10]) == (Ref("lead", lead), "2026-06-01")
    assert (first["statecode"], first["statuscode"]) == (0, 3)
    assert (second["regardingobjectid"], second["statecode"]) == (Ref("contact", contact), 1)
    query = await one.query(
        "task", Kind.SENT, ["activityid"], where=(), sent=Sent(key=key, at="2026-05-06T12:00:00.000Z")
    )
    (page,) = await one.read(query)
    assert [row[0] for row in page.rows] == [found[0].crm_id]
    (nobody,) = await send(one, task(NOWHERE, subject="Ghost"))
    assert nobody.result in (Result.REFUSED, Result.GONE)


def lists(one: Site) -> dict[str, dict[str, Any]]:
    return {str(row["listname"]): row for row in one.org.records("list") if str(row["listname"]).startswith("Mkto-")}


@on_a_site()
@pytest.mark.rule("R-163", "R-164", "R-166")
async def test_people_join_campaigns_by_lists_and_only_ours_leave(one: Site) -> None:
    """One list of leads and one of contacts is made for a campaign and used again; who was added by others stays."""
    campaign = one.org.create("campaign", {"name": "Autumn"})
    leads, (contact,) = made(one, 3), made(one, 1, "contact")
    before = one.org.count("listmember")
    found = await send(one, *(member(campaign, lead) for lead in leads[:2]), member(campaign, contact, "contact"))
    assert all_done(found)
    assert lists(one).keys() == {f"Mkto-leads-{campaign}", f"Mkto-contacts-{campaign}"}
    assert one.org.count("listmember") == before + 3
    assert len(one.org.state.pairs["campaignlist_association"]) >= 2
    one.session.tied.clear()
    again = await send(one, member(campaign, leads[0]), member(campaign, leads[2]))
    assert [(one.result, one.code) for one in again] == [(Result.DONE, "already"), (Result.DONE, "")]
    assert again[0].crm_id == found[0].crm_id
    ours = lists(one)[f"Mkto-leads-{campaign}"]["listid"]
    (stranger,) = made(one, 1)
    one.org.create("listmember", {"listid": ours, "entityid": Ref("lead", stranger)})
    gone = await send(one, *(member(campaign, lead, remove=True) for lead in (leads[0], stranger, NOWHERE)))
    assert [(one.result, one.code) for one in gone] == [
        (Result.DONE, ""), (Result.DONE, "absent"), (Result.DONE, "absent"),
    ]  # fmt: skip
    still = {row["entityid"].id for row in one.org.records("listmember") if row["listid"].id == ours}
    assert still == {leads[1], leads[2], stranger}
    told = [*await send(one, member(campaign, leads[0], status="Sent")), *await send(one, member(NOWHERE, leads[0]))]
    assert results(told) == ["refused", "refused"]


@on_a_site()
async def test_states_change_by_their_legal_path(one: Site) -> None:
    """A reason brings its state along, a closed lead goes by way of open, and what does not go together is refused."""
    first, second, third = made(one, 3)
    found = await send(one, update(first, statuscode="Cannot Contact"), update(second, statecode="Qualified"))
    assert all_done(found)
    assert (value(one, "lead", first, "statecode"), value(one, "lead", second, "statuscode")) == (2, 3)
    assert all_done(await send(one, update(first, statecode="Qualified"), update(second, statuscode="Lost")))
    assert [value(one, "lead", crm_id, "statecode") for crm_id in (first, second)] == [1, 2]
    (refused,) = await send(one, update(third, statecode="Open", statuscode="Lost"))
    assert (refused.result, refused.fields) == (Result.REFUSED, ("statuscode",))
    (closed,) = await send(one, create(statecode="Disqualified", statuscode="Canceled", jobtitle="x"))
    assert value(one, "lead", str(closed.crm_id), "statuscode") == 7


@on_a_site()
async def test_values_reach_the_crm_as_it_keeps_them(one: Site) -> None:
    """Labels become numbers, several of them too, money keeps every digit, look-ups are bound by their own names."""
    campaign = one.org.create("campaign", {"name": "Autumn"})
    account = one.org.create("account", {"name": "Acme"})
    (lead,) = made(one, 1)
    values: dict[str, Any] = {
        "leadqualitycode": "Hot", "revenue": "12345678901234.57", "estimatedclosedate": "2026-02-28",
        "donotemail": True, "campaignid": campaign, "customerid": account, "description": "one\ntwo — é 中",
    }  # fmt: skip
    assert all_done(await send(one, update(lead, **values)))
    row = one.org.get("lead", lead) or {}
    assert (row["leadqualitycode"], str(row["revenue"])[:17]) == (1, "12345678901234.57")
    assert (row["campaignid"], row["customerid"]) == (Ref("campaign", campaign), Ref("account", account))
    assert (row["estimatedclosedate"], row["description"]) == ("2026-02-28", "one\ntwo — é 中")
    empty: dict[str, Any] = dict.fromkeys(values)
    assert all_done(await send(one, update(lead, **empty)))
    row = one.org.get("lead", lead) or {}
    assert {name for name in values if row[name] is not None} <= {"donotemail"}
    wrong: list[dict[str, Any]] = [
        {"leadqualitycode": "Boiling"}, {"campaignid": "nobody"}, {"jobtitle": "half \ud800"}, {"revenue": True},
    ]  # fmt: skip
    found = await send(one, *(update(lead, **one) for one in wrong))
    assert [one.fields for one in found] == [tuple(one) for one in wrong]
    (dangling,) = await send(one, update(lead, campaignid=NOWHERE, jobtitle="x"))
    assert (dangling.result, dangling.fields) == (Result.REFUSED, ("campaignid",))


@on_a_site()
async def test_the_filter_column_is_never_written(one: Site) -> None:
    """`new_synctomkto` is the CRM's alone: it is offered to nobody as a field to write."""
    known = await one.session.describes.fresh("lead")
    field = known.fields["new_synctomkto"]
    assert not field.createable
    assert not field.updateable
    (lead,) = made(one, 1)
    change = Change(operation=Operation.UPDATE, object="lead", row=1, crm_id=lead, values={"new_synctomkto": False})
    (found,) = await send(one, change)
    assert found.result is Result.REFUSED


@pytest.mark.parametrize("count", [1, 2])
def test_without_the_sales_app_each_lead_is_refused_and_the_others_go_on(count: int) -> None:
    """What qualifies leads is not there: the person's error says what to install, and leads are written as ever."""

    @on_a_site()
    async def main(one: Site) -> None:
        said = "Resource not found for the segment 'Microsoft.Dynamics.CRM.QualifyLead'."
        one.plant(status=404, path="QualifyLead", times=None, body={"error": {"code": "0x8006088a", "message": said}})
        leads = made(one, count)
        found = await send(one, *(convert(lead) for lead in leads))
        assert results(found) == ["refused"] * count
        assert all("Sales app" in outcome.hint and "QualifyLead" in outcome.message for outcome in found)
        assert results(await send(one, update(leads[0], jobtitle="CTO"))) == ["done"]

    main()
