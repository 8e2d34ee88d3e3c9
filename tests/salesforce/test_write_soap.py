"""What only SOAP does, with the session of REST: conversions, merges, and creates that mail the new owner."""

from __future__ import annotations

import asyncio

import pytest

from crmsync.writes import Result, Wish
from salesforce.orgs import Site, later, site
from salesforce.writes import KEY, asked, contacts, convert, create, leads, merge, send, task, update, value, written
from support.written import all_done, results

SOAP = "/services/Soap"


@pytest.mark.rule("R-101", "R-278")
def test_a_conversion_makes_new_records_for_the_chosen_owner() -> None:
    """A lead becomes a new contact, account and opportunity, owned and named as wished, and the status is set."""

    async def main() -> None:
        async with site(5) as one:
            (lead,) = leads(one, 1)
            owner = one.org.user("minimum").user_id
            (found,) = await send(one, convert(lead, owner=owner, status="Closed - Converted", opportunity="Big & new"))
            assert found.result is Result.DONE
            assert found.crm_id == found.made["Contact"] == value(one, "Lead", lead, "ConvertedContactId")
            assert [value(one, name, crm_id, "OwnerId") for name, crm_id in found.made.items()] == [owner] * 3
            assert value(one, "Opportunity", found.made["Opportunity"], "Name") == "Big & new"
            assert one.org.state.mails == []

    asyncio.run(main())


@pytest.mark.rule("R-279")
def test_a_conversion_never_takes_an_account_that_is_there() -> None:
    """A company that has an account already gets another one, and no opportunity where none is wished."""

    async def main() -> None:
        async with site(5) as one:
            account = one.org.create("Account", {"Name": "Globex"})
            lead = one.org.create("Lead", {"LastName": "A", "Company": "Globex"})
            before = one.org.count("Opportunity")
            (found,) = await send(one, convert(lead, opportunity=None))
            assert set(found.made) == {"Account", "Contact"}
            assert found.made["Account"] != account
            assert one.org.count("Opportunity") == before

    asyncio.run(main())


def test_the_status_of_a_conversion_is_asked_once_a_session() -> None:
    """Without a wish the org's first converted status is taken; the org is asked for it once."""

    async def main() -> None:
        async with site(5) as one:
            first, second = leads(one, 2)
            for lead in (first, second):
                assert all_done(await send(one, convert(lead)))
            assert asked(one, "GET", "query") == 1
            assert value(one, "Lead", second, "Status") == "Closed - Converted"

    asyncio.run(main())


def test_two_hundred_conversions_go_in_two_calls() -> None:
    """The vendor converts at most a hundred leads a call; one that cannot be converted holds up none."""

    async def main() -> None:
        async with site(5) as one:
            ids = leads(one, 150)
            one.org.delete("Lead", ids[120])
            found = await send(one, *(convert(lead, opportunity=None) for lead in ids))
            assert asked(one, "POST", SOAP) == 2
            assert [n for n, outcome in enumerate(found) if outcome.result is not Result.DONE] == [120]
            assert found[120].result is Result.GONE

    asyncio.run(main())


def test_a_lead_that_is_converted_already_is_done() -> None:
    """A lead that was converted before, by anybody, is done, and the outcome says into what."""

    async def main() -> None:
        async with site(5) as one:
            (lead,) = leads(one, 1)
            became = one.org.convert_lead(lead)
            (found,) = await send(one, convert(lead))
            assert (found.result, found.crm_id, found.code) == (Result.DONE, became["contactId"], "converted")
            assert found.made["Account"] == became["accountId"]

    asyncio.run(main())


def test_a_conversion_whose_answer_is_lost_is_asked_for_again() -> None:
    """A lead is converted once however often it is sent; when no answer comes at all, nobody claims to know."""

    async def main() -> None:
        async with site(5) as one:
            first, second = leads(one, 2)
            one.plant(drop=True, path=SOAP)
            (found,) = await send(one, convert(first))
            assert (found.result, found.crm_id) == (Result.DONE, value(one, "Lead", first, "ConvertedContactId"))
            one.plant(drop=True, path=SOAP, times=None)
            (found,) = await send(one, convert(second))
            assert found.result is Result.UNKNOWN

    asyncio.run(main())


@pytest.mark.parametrize("cause", ["queue", "required", "validation"])
def test_conversions_that_are_refused_say_what_to_do(cause: str) -> None:
    """Row 49 of the sheet: a queue's lead without an owner, and records that the org refuses, tell so lead by lead."""

    async def main() -> None:
        async with site(5) as one:
            lead, other = leads(one, 2)
            expected = await _prepared(one, lead, cause)
            wished = {} if cause == "queue" else {"owner": one.org.user("full").user_id}
            found = await send(one, convert(lead, **wished), convert(other, **wished))
            assert results(found)[:1] == ["refused"]
            assert expected in found[0].hint
            assert value(one, "Lead", lead, "IsConverted") is False
            assert results(found)[1] == ("done" if cause == "queue" else "refused")

    async def _prepared(one: Site, lead: str, cause: str) -> str:
        if cause == "queue":
            one.org.update("Lead", lead, {"OwnerId": str(next(one.org.records("Group"))["Id"])})
            return "name an owner"
        if cause == "required":
            one.org.add_field("Contact", {"name": "Need__c", "type": "string", "nillable": False})
            return "maps to theirs"
        one.plant(status=200, path=SOAP, body=_refusal("FIELD_CUSTOM_VALIDATION_EXCEPTION"), content_type="text/xml")
        return "maps to theirs"

    asyncio.run(main())


def _refusal(code: str) -> str:
    error = f"<errors><message>no</message><statusCode>{code}</statusCode></errors><success>false</success>"
    return f"<Envelope><Body><r>{f'<result>{error}</result>' * 2}</r></Body></Envelope>"


@pytest.mark.rule("R-122")
def test_the_owner_is_mailed_only_when_asked() -> None:
    """A new lead mails its owner through SOAP when that is wished; otherwise REST makes it, and nobody is mailed."""

    async def main() -> None:
        async with site(5) as one:
            owner = one.org.user("minimum").user_id
            quiet, loud = await send(
                one, create(wish=Wish(owner=owner)), create(Title="a<b>&\r\n c", wish=Wish(owner=owner, mail=True))
            )
            assert one.org.state.mails == [(owner, loud.crm_id)]
            assert value(one, "Lead", str(loud.crm_id), "Title") == "a<b>&\r\n c"
            assert (asked(one, "POST", SOAP), written(one, "POST")) == (1, 1)
            assert quiet.result is Result.DONE
            assert one.server.statistics.show()["calls"]

    asyncio.run(main())


def test_a_mailing_create_obeys_the_other_wishes() -> None:
    """Assignment rules, duplicates and our key hold for a create by SOAP as for one by REST."""

    async def main() -> None:
        async with site(5, duplicate_rule="alert") as one:
            one.org.add_field("Lead", KEY)
            mail = Wish(mail=True)
            (made,) = await send(one, create(key="k1", Email="a@b.example", wish=Wish(mail=True, assign=True)))
            assert value(one, "Lead", str(made.crm_id), "OwnerId") == one.org.state.people.lead_owner
            (found,) = await send(one, create(key="k2", Email="a@b.example", wish=mail))
            assert (found.result, found.code) == (Result.REFUSED, "DUPLICATES_DETECTED")
            assert str(made.crm_id) in found.message
            (again,) = await send(one, create(key="k1", Email="new@b.example", wish=mail))
            assert (again.result, again.crm_id) == (Result.DONE, made.crm_id)
            (both,) = await send(one, create(key="k3", Email="a@b.example", wish=Wish(mail=True, duplicates=True)))
            assert both.result is Result.DONE
            (odd,) = await send(one, create(key="k4", Title="\x0b", wish=mail))
            assert (odd.result, odd.fields) == (Result.REFUSED, ("Title",))

    asyncio.run(main())


def test_a_mailing_create_is_never_sent_twice() -> None:
    """An answer lost by SOAP leaves the create unknown, and an ended session is renewed, for that did nothing."""

    async def main() -> None:
        async with site(5) as one:
            before = one.org.count("Lead")
            one.plant(drop=True, path=SOAP)
            assert results(await send(one, create(wish=Wish(mail=True)))) == ["unknown"]
            assert one.org.count("Lead") == before + 1
            one.org.sessions.expire()
            assert all_done(await send(one, create(wish=Wish(mail=True))))
            assert one.org.count("Lead") == before + 2
            assert len(one.org.state.mails) == 2

    asyncio.run(main())


@pytest.mark.rule("R-287")
def test_records_are_merged_two_at_a_time() -> None:
    """Any number of losers ends in the survivor, which keeps the values chosen and empties those that are None."""

    async def main() -> None:
        async with site(5) as one:
            kept, *losers = contacts(one, 6)
            one.org.update("Contact", kept, {"Title": "old", "Phone": "1"})
            (found,) = await send(one, merge(kept, losers, Title=None, Department="Chosen & kept"))
            assert (found.result, found.crm_id) == (Result.DONE, kept)
            assert {value(one, "Contact", loser, "MasterRecordId") for loser in losers} == {kept}
            assert asked(one, "POST", SOAP) == 3
            names = ("Title", "Department", "Phone")
            assert [value(one, "Contact", kept, name) for name in names] == [None, "Chosen & kept", "1"]

    asyncio.run(main())


def test_a_merge_goes_on_where_it_was_interrupted() -> None:
    """What was merged before is not merged again, whether its answer was lost or somebody else did it."""

    async def main() -> None:
        async with site(5) as one:
            kept, *losers = contacts(one, 5)
            one.org.merge("Contact", kept, losers[:1])
            one.plant(drop=True, path=SOAP, nth=2)
            (found,) = await send(one, merge(kept, losers))
            assert found.result is Result.DONE
            assert {value(one, "Contact", loser, "MasterRecordId") for loser in losers} == {kept}
            (again,) = await send(one, merge(kept, losers))
            assert again.result is Result.DONE

    asyncio.run(main())


@pytest.mark.rule("R-325")
def test_merges_that_cannot_be() -> None:
    """A survivor that is gone, records of two objects, nothing to merge, and person accounts: each says so."""

    async def main() -> None:
        async with site(5, person_accounts=2) as one:
            kept, loser, gone = contacts(one, 3)
            one.org.delete("Contact", gone)
            (lead,) = leads(one, 1)
            person = next(str(row["Id"]) for row in one.org.records("Contact") if row["IsPersonAccount"])
            found = await send(one, merge(gone, [loser]), merge(kept, [lead]), merge(kept, []), merge(kept, [person]))
            assert results(found) == ["gone", "refused", "refused", "refused"]
            assert "Convert the lead" in found[1].hint
            assert (found[3].code, "in the CRM" in found[3].hint) == ("INVALID_PERSON_ACCOUNT_OPERATION", True)
            assert not value(one, "Contact", loser, "IsDeleted")

    asyncio.run(main())


def test_a_server_without_soap_says_so_once() -> None:
    """Where there is no SOAP, conversions and merges are refused with a way out, and leads are made without a mail."""

    async def main() -> None:
        async with site(5, disable=["soap"]) as one:
            (lead,) = leads(one, 1)
            kept, loser = contacts(one, 2)
            assert results(await send(one, convert(lead))) == ["refused"]
            (found,) = await send(one, merge(kept, [loser]))
            assert (found.result, found.hint) == (Result.REFUSED, "Do it in the CRM.")
            assert all_done(await send(one, create(wish=Wish(mail=True))))
            assert one.org.state.mails == []
            assert sum("SOAP" in warning for warning in one.warnings) == 1

    asyncio.run(main())


def test_a_session_that_only_rest_takes_is_no_reason_to_stop() -> None:
    """Some tokens are none for SOAP: that is told like a server without SOAP, while REST goes on."""

    async def main() -> None:
        async with site(5) as one:
            (lead,) = leads(one, 1)
            fault = "<faultcode>sf:INVALID_SESSION_ID</faultcode><faultstring>INVALID_SESSION_ID: no</faultstring>"
            one.plant(status=500, path=SOAP, times=None, body=f"<e:Fault>{fault}</e:Fault>", content_type="text/xml")
            assert results(await send(one, convert(lead))) == ["refused"]
            assert all_done(await send(one, update(lead, Title="x")))

    asyncio.run(main())


def test_tasks_hang_on_their_person() -> None:
    """A task has its person and owner; one for a converted lead is gone, and one for nobody is refused."""

    async def main() -> None:
        async with site(5) as one:
            one.org.add_field("Task", KEY)
            (contact,) = contacts(one, 1)
            owner = one.org.user("minimum").user_id
            wanted = task(contact, owner=owner, key="t1", Subject="Call", ActivityDate="2026-06-01", Status="Completed")
            (made,) = await send(one, wanted)
            (again,) = await send(one, wanted)
            assert made.crm_id == again.crm_id
            names = ("WhoId", "OwnerId", "Subject", "ActivityDate", "Status")
            given = [value(one, "Task", str(made.crm_id), name) for name in names]
            assert given == [contact, owner, "Call", "2026-06-01", "Completed"]
            one.org.delete("Contact", contact)
            (lost,) = await send(one, task(contact, key="t2", Subject="Call"))
            assert lost.result is Result.REFUSED
            later(one, minutes=1)

    asyncio.run(main())
