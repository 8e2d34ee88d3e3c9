"""Changes reach the org two hundred a call, with one outcome each, in order; a bad one never holds up the others."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from crmsync.errors import QuotaSpent, RouteStopped, SchemaMoved
from crmsync.model import Kind
from crmsync.writes import Result, Wish
from crmsync_salesforce import plugin
from salesforce.orgs import Site, later, site
from salesforce.writes import KEY, asked, create, delete, leads, send, update, value, written
from support.written import all_done, results

LONG = "x" * 5000


def test_ten_thousand_updates_in_fifty_calls() -> None:
    """Handed over in two hundreds, 10,000 updates cost exactly 50 calls, and every value arrives."""

    async def main() -> None:
        async with site(5) as one:
            ids = leads(one, 10_000)
            for start in range(0, len(ids), 200):
                changes = [update(ids[n], Title=f"T{n}") for n in range(start, start + 200)]
                assert all_done(await send(one, *changes))
            assert written(one) == 50
            assert asked(one, "PATCH", "") == 50
            assert [value(one, "Lead", ids[n], "Title") for n in (0, 9_999)] == ["T0", "T9999"]

    asyncio.run(main())


def test_outcomes_come_in_order_and_one_bad_record_blocks_nobody() -> None:
    """Each change has its outcome at its place: written, refused with the reason, or gone."""

    async def main() -> None:
        async with site(5) as one:
            good, long, gone, again = leads(one, 4)
            one.org.delete("Lead", gone)
            titles = {good: "a", long: LONG, gone: "b", again: "c"}
            found = await send(one, *(update(lead, Title=title) for lead, title in titles.items()))
            assert results(found) == ["done", "refused", "gone", "done"]
            assert (found[1].code, found[1].fields) == ("STRING_TOO_LONG", ("Title",))
            assert found[1].hint
            assert len(found[1].message) <= 400
            assert found[0].crm_id == good
            assert value(one, "Lead", again, "Title") == "c"

    asyncio.run(main())


def test_two_changes_of_one_record_go_in_two_calls() -> None:
    """A call that names a record twice is refused for it; so the later change follows in a call of its own."""

    async def main() -> None:
        async with site(5) as one:
            (lead,) = leads(one, 1)
            found = await send(one, update(lead, Title="first"), update(lead[:15], Title="second"))
            assert all_done(found)
            assert value(one, "Lead", lead, "Title") == "second"
            assert written(one) == 2

    asyncio.run(main())


@pytest.mark.rule("R-115")
def test_owners_stay_with_whoever_has_them() -> None:
    """Row 51 of the sheet: an update never starts the org's assignment rules, whatever is wished, and names owners."""

    async def main() -> None:
        async with site(5) as one:
            (lead,) = leads(one, 1)
            owner = one.org.user("full").user_id
            one.org.update("Lead", lead, {"OwnerId": owner})
            await send(one, update(lead, Title="x", wish=Wish(assign=True)))
            assert value(one, "Lead", lead, "OwnerId") == owner
            queue = str(next(one.org.records("Group"))["Id"])
            assert all_done(await send(one, update(lead, OwnerId=queue)))
            assert value(one, "Lead", lead, "OwnerId") == queue

    asyncio.run(main())


def test_new_records_are_assigned_only_when_asked() -> None:
    """A create says FALSE to the assignment rules; with the wish to assign, the rules choose; a named owner has it."""

    async def main() -> None:
        async with site(5) as one:
            rules, us = one.org.state.people.lead_owner, one.session.identity.user
            named = one.org.user("minimum").user_id
            plain, assigned, owned = await send(
                one, create(), create(wish=Wish(assign=True)), create(wish=Wish(owner=named))
            )
            owners = [value(one, "Lead", str(made.crm_id), "OwnerId") for made in (plain, assigned, owned)]
            assert owners == [us, rules, named]

    asyncio.run(main())


def test_a_create_under_our_key_makes_one_record() -> None:
    """Where the org has the key field, in any spelling, a create sent twice finds the record of the first time."""

    async def main() -> None:
        async with site(5) as one:
            one.org.add_field("Lead", {**KEY, "name": "CRMSync_Key__c"})
            before = one.org.count("Lead")
            (first,) = await send(one, create(key="k/1"))
            (second,) = await send(one, create(key="k/1"))
            assert first.crm_id == second.crm_id
            assert one.org.count("Lead") == before + 1
            assert value(one, "Lead", str(first.crm_id), "CRMSync_Key__c") == "k/1"
            assert written(one) == 2
            (keyless,) = await send(one, create(key=""))
            assert keyless.result is Result.DONE

    asyncio.run(main())


def test_a_create_that_cannot_be_repeated_finds_what_it_made() -> None:
    """A second create whose values could not be written twice is done all the same: the record is there."""

    async def main() -> None:
        async with site(5) as one:
            one.org.add_field("Lead", KEY)
            (first,) = await send(one, create(key="k1", Title="a"))
            one.org.state.automation.plant({"validations": [{"object": "Lead", "field": "Title", "value": "a"}]})
            (again,) = await send(one, create(key="k1", Title="a"))
            assert (again.result, again.crm_id) == (Result.DONE, first.crm_id)
            (other,) = await send(one, create(key="k2", Title="a"))
            assert other.result is Result.REFUSED

    asyncio.run(main())


def test_deletes_of_what_is_gone_are_done() -> None:
    """Deleting a record that is in the bin, or that nobody knows any more, is done already."""

    async def main() -> None:
        async with site(5) as one:
            there, binned, purged = leads(one, 3)
            one.org.delete("Lead", binned)
            one.org.hard_delete("Lead", purged)
            found = await send(one, delete(there), delete(binned), delete(purged), delete(there))
            assert all_done(found)
            assert [outcome.code for outcome in found] == ["", "absent", "absent", "absent"]
            assert value(one, "Lead", there, "IsDeleted")

    asyncio.run(main())


@pytest.mark.parametrize("operation", ["update", "create", "keyed", "delete"])
def test_a_server_without_collections_is_written_record_by_record(operation: str) -> None:
    """Row 46 of the sheet: where there are no collections every record has its call, and 204 without a body is good."""

    async def main() -> None:
        async with site(5, disable=["collections"]) as one:
            if operation == "keyed":
                one.org.add_field("Lead", KEY)
            gone, first, second = leads(one, 3)
            one.org.delete("Lead", gone)
            if operation == "update":
                found = await send(one, update(first, Title="a"), update(gone, Title="b"), update(second, Title=LONG))
                assert results(found) == ["done", "gone", "refused"]
            elif operation == "delete":
                assert all_done(await send(one, delete(first), delete(gone)))
                assert value(one, "Lead", first, "IsDeleted")
            else:
                key = "a/b c" if operation == "keyed" else ""
                found = await send(one, create(key=key, Title="new"), create(key="", Title=LONG))
                assert results(found) == ["done", "refused"]
                assert value(one, "Lead", str(found[0].crm_id), "Title") == "new"
            assert sum("collections" in warning for warning in one.warnings) == 1

    asyncio.run(main())


def test_a_lead_that_was_converted_is_gone() -> None:
    """Row 34 of the sheet: an update or a task for a converted lead says that it is gone, and fails nothing else."""

    async def main() -> None:
        async with site(5) as one:
            lead, other = leads(one, 2)
            one.org.convert_lead(lead)
            found = await send(one, update(lead, Title="x"), update(other, Title="y"))
            assert results(found) == ["gone", "done"]
            assert found[0].code == "CANNOT_UPDATE_CONVERTED_LEAD"

    asyncio.run(main())


def test_the_read_before_a_write_knows_converted_leads() -> None:
    """Row 35 of the sheet: an org may let converted leads be written, without a word; the read by id tells first."""

    async def main() -> None:
        async with site(5, edit_converted=True) as one:
            (lead,) = leads(one, 1)
            became = one.org.convert_lead(lead)["contactId"]
            assert all_done(await send(one, update(lead, Title="to nobody")))
            pages = await one.read(await one.query("Lead", Kind.IDS, ["Id", "Title"], ids=(lead,)))
            assert [(ended.id, ended.into, ended.reason) for ended in pages[0].merged] == [(lead, became, "converted")]

    asyncio.run(main())


def test_a_value_taken_by_a_converted_lead_names_it() -> None:
    """Row 36 of the sheet: a unique value may sit on a converted lead, which the refusal names."""

    async def main() -> None:
        async with site(5) as one:
            lead, other = leads(one, 2)
            one.org.update("Lead", lead, {"External_Id__c": "taken"})
            one.org.convert_lead(lead, opportunity=False)
            (found,) = await send(one, update(other, External_Id__c="taken"))
            assert (found.result, found.code) == (Result.REFUSED, "DUPLICATE_VALUE")
            assert lead[:15] in found.message
            assert "link or merge" in found.hint

    asyncio.run(main())


@pytest.mark.parametrize(("rule", "hint"), [("alert", "allow duplicates"), ("block", "blocks")])
def test_duplicate_rules(rule: str, hint: str) -> None:
    """A rule that warns refuses until duplicates are allowed; one that blocks refuses always; both say what to do."""

    async def main() -> None:
        async with site(5, duplicate_rule=rule) as one:
            made = one.org.create("Lead", {"LastName": "A", "Company": "B", "Email": "a@b.example"})
            (found,) = await send(one, create(Email="a@b.example"))
            assert (found.result, found.code) == (Result.REFUSED, "DUPLICATES_DETECTED")
            assert found.hint
            (found,) = await send(one, create(Email="a@b.example", wish=Wish(duplicates=True)))
            assert found.result is (Result.DONE if rule == "alert" else Result.REFUSED)
            (other,) = leads(one, 1)
            for duplicates, expected in ((False, "refused"), (True, "done" if rule == "alert" else "refused")):
                change = update(other, Email="a@b.example", wish=Wish(duplicates=duplicates))
                assert results(await send(one, change)) == [expected]
            await _alone(one, made, hint)

    async def _alone(one: Site, made: str, hint: str) -> None:
        one.session.client.features.miss("collections")
        (found,) = await send(one, create(Email="a@b.example"))
        assert made in found.message  # a call for one record tells which
        assert hint in found.hint

    asyncio.run(main())


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"OwnerId": "inactive"}, "INACTIVE_OWNER_OR_USER"),
        ({"OwnerId": "queue"}, "FIELD_INTEGRITY_EXCEPTION"),
        ({"AccountId": "nobody"}, "INVALID_CROSS_REFERENCE_KEY"),
        ({"Email": "no address"}, "INVALID_EMAIL_ADDRESS"),
        ({"LastName": None}, "REQUIRED_FIELD_MISSING"),
        ({"Title": "forbidden"}, "FIELD_CUSTOM_VALIDATION_EXCEPTION"),
    ],
)
def test_refusals_say_what_to_do(values: dict[str, str | None], code: str) -> None:
    """Owners that may not own, ids of nobody, bad values and the org's rules: the CRM's words, and a way out."""

    async def main() -> None:
        async with site(5) as one:
            rule = {"object": "Contact", "field": "Title", "value": "forbidden"}
            one.org.state.automation.plant({"validations": [rule]})
            contact = one.org.create("Contact", {"LastName": "K"})
            sales = one.org.user("minimum").user_id
            one.org.update("User", sales, {"IsActive": False})
            gone = one.org.create("Account", {"Name": "Gone"})
            one.org.delete("Account", gone)
            named = {"inactive": sales, "queue": str(next(one.org.records("Group"))["Id"]), "nobody": gone}
            given: dict[str, Any] = {name: named.get(str(value), value) for name, value in values.items()}
            (found,) = await send(one, update(contact, "Contact", **given))
            assert (found.result, found.code) == (Result.REFUSED, code)
            assert found.message
            assert found.hint.endswith(".")

    asyncio.run(main())


def test_what_a_trigger_says_is_cut_short() -> None:
    """Row 45 of the sheet: a trigger's page of text is kept short, and concerns its own records alone."""

    async def main() -> None:
        async with site(5) as one:
            message = "LeadTrigger: execution of BeforeUpdate caused by: " + "DUPLICATE_VALUE " * 500
            one.org.state.automation.plant({"triggers": [{"object": "Lead", "message": message}]})
            found = await send(one, *(update(lead, Title="x") for lead in leads(one, 3)))
            assert results(found) == ["refused"] * 3
            assert {len(outcome.message) for outcome in found} == {400}
            assert written(one) == 1

    asyncio.run(main())


def test_a_value_of_the_wrong_type_is_not_sent() -> None:
    """A value that would make the server refuse the whole call is refused before it, without repeating the value."""

    async def main() -> None:
        async with site(5) as one:
            first, second, third = leads(one, 3)
            wrong = update(first, NumberOfEmployees="secret")
            found = await send(one, wrong, update(second, Title="ok"), update(third, Title="\ud800"))
            assert results(found) == ["refused", "done", "refused"]
            assert (found[0].code, found[0].fields) == ("value", ("NumberOfEmployees",))
            assert "secret" not in found[0].message
            assert written(one) == 1

    asyncio.run(main())


def test_a_field_that_went_away_has_the_schema_read_again() -> None:
    """A field removed since it was described raises SchemaMoved while nothing was written, and writes nothing."""

    async def main() -> None:
        async with site(5) as one:
            (lead,) = leads(one, 1)
            assert all_done(await send(one, update(lead, Budget__c=5)))
            one.org.remove_field("Lead", "Budget__c")
            later(one, minutes=1)
            with pytest.raises(SchemaMoved, match="Budget__c"):
                await send(one, update(lead, Budget__c=6))
            one.org.hide_field(None, "Lead", "Phone")
            later(one, minutes=1)
            with pytest.raises(SchemaMoved):
                await send(one, update(lead, Phone="1"))

    asyncio.run(main())


def test_a_field_that_came_since_is_written() -> None:
    """A field added since the object was described is looked up before it is called unknown."""

    async def main() -> None:
        async with site(5) as one:
            (lead,) = leads(one, 1)
            await send(one, update(lead, Title="a"))
            later(one, minutes=1)
            one.org.add_field("Lead", {"name": "New__c", "type": "string"})
            assert all_done(await send(one, update(lead, New__c="b")))
            assert value(one, "Lead", lead, "New__c") == "b"

    asyncio.run(main())


def test_a_field_that_became_read_only_has_the_schema_read_again() -> None:
    """Rights to a field that were taken since the describe raise SchemaMoved as well, with the field's name."""

    async def main() -> None:
        async with site(5) as one:
            (lead,) = leads(one, 1)
            await send(one, update(lead, Title="a"))
            one.org.user("full").fixed_fields.add(("Lead", "Title"))
            one.org.state.touch_schema()
            later(one, minutes=1)
            with pytest.raises(SchemaMoved, match="Title"):
                await send(one, update(lead, Title="b"))

    asyncio.run(main())


def test_the_day_s_limit_in_the_middle_keeps_what_was_written() -> None:
    """What was written before the limit is done; what was not sent may come later; with nothing written it raises."""

    async def main() -> None:
        async with site(5, settings={"bulk": "never"}) as one:
            ids = leads(one, 450)
            one.plant("daily_limit", path="composite/sobjects", nth=3, times=None)
            found = await send(one, *(update(lead, Title="x") for lead in ids))
            assert results(found) == ["done"] * 400 + ["retry"] * 50
            assert found[-1].code == "REQUEST_LIMIT_EXCEEDED"
            with pytest.raises(QuotaSpent):
                await send(one, update(ids[0], Title="y"))

    asyncio.run(main())


def test_an_object_that_cannot_be_written_stops_itself() -> None:
    """An object that is not there raises, with what to grant, before anything is sent."""

    async def main() -> None:
        async with site(5) as one:
            one.org.hide_object(None, "Campaign")
            with pytest.raises(RouteStopped):
                await send(one, replace(update("701000000000001AAA", Name="x"), object="Campaign"))
            assert list(await plugin.apply(one.session, [])) == []

    asyncio.run(main())
