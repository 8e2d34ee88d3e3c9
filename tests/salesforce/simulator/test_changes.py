"""What moves a stamp, what getUpdated and getDeleted say, and how records leave, merge and convert."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from crmsync.clock import SetClock
from crmsync_salesforce.simulator import Org, Refusal
from salesforce.simulator.running import Client

WINDOW = "?start=2026-03-01T11:00:00%2B00:00&end=2026-03-01T14:00:00%2B00:00"


@pytest.fixture
def org(clock: SetClock) -> Org:
    return Org(20, clock=clock)


def test_a_row_is_seen_only_when_its_transaction_commits(site: Callable[..., Client], clock: SetClock) -> None:
    client = site(commit_lag=60)
    contact = next(client.org.records("Contact"))
    client.org.update("Contact", contact["Id"], {"Title": "New"})
    made = client.org.create("Contact", {"LastName": "Late"})
    text = f"SELECT Id, Title FROM Contact WHERE Id IN ('{contact['Id']}', '{made}')"
    stamped = "SELECT Id FROM Contact WHERE SystemModstamp >= 2026-03-01T12:00:00Z ORDER BY SystemModstamp, Id"
    assert client.names(text, "Title") == [contact["Title"]]
    assert client.names(stamped, "Id") == []
    clock.advance(timedelta(seconds=30))
    assert client.rest("GET", f"/sobjects/Contact/updated{WINDOW}").json == {
        "ids": [],
        "latestDateCovered": "2026-03-01T12:00:00.000+0000",
    }
    clock.advance(timedelta(seconds=31))
    assert client.names(text, "Title") == ["New", None]
    assert client.names(stamped, "Id") == [contact["Id"], made]
    assert client.rest("GET", f"/sobjects/Contact/updated{WINDOW}").json["ids"] == [contact["Id"], made]


def test_deletes_are_told_whether_the_bin_was_emptied_or_not(client: Client) -> None:
    first, second, third = [one["Id"] for one in client.org.records("Lead")][:3]
    client.org.delete("Lead", first)
    client.org.hard_delete("Lead", second)
    client.org.delete("Lead", third)
    client.org.undelete("Lead", third)
    body = client.rest("GET", f"/sobjects/Lead/deleted{WINDOW}").json
    assert {one["id"] for one in body["deletedRecords"]} == {first, second}
    assert client.query(f"SELECT Id FROM Lead WHERE Id = '{second}'", "queryAll")["totalSize"] == 0
    assert client.query(f"SELECT Id FROM Lead WHERE Id = '{first}'", "queryAll")["totalSize"] == 1


@pytest.mark.parametrize(
    ("kind", "window"),
    [
        ("updated", "?start=2026-01-01T00:00:00Z&end=2026-03-01T00:00:00Z"),
        ("deleted", "?start=2026-02-10T00:00:00Z&end=2026-03-01T00:00:00Z"),
        ("updated", "?start=2026-03-01T11:00:00Z&end=2026-03-01T11:00:30Z"),
        ("deleted", "?start=2026-03-01T11:00:00Z&end=2026-03-01T11:01:00Z"),
    ],
)
def test_a_window_too_old_or_too_short_is_refused(client: Client, kind: str, window: str) -> None:
    assert client.rest("GET", f"/sobjects/Lead/{kind}{window}").code == "INVALID_REPLICATION_DATE"


def test_a_delete_takes_its_children_and_undelete_brings_them_back(org: Org, clock: SetClock) -> None:
    account = org.create("Account", {"Name": "A"})
    contact = org.create("Contact", {"LastName": "C", "AccountId": account})
    task = org.create("Task", {"WhoId": contact, "Subject": "Call"})
    clock.advance(timedelta(minutes=1))
    org.delete("Account", account)
    for name, one in (("Account", account), ("Contact", contact), ("Task", task)):
        record = org.get(name, one)
        assert record is not None
        assert (record["IsDeleted"], record["SystemModstamp"]) == (True, "2026-03-01T12:01:00.000+0000")
    org.undelete("Account", account)
    task_again = org.get("Task", task)
    assert task_again is not None
    assert task_again["IsDeleted"] is False


def test_a_merge_marks_the_loser_and_moves_its_children(org: Org, clock: SetClock) -> None:
    master, loser, chained = (org.create("Contact", {"LastName": name}) for name in ("M", "L", "X"))
    task = org.create("Task", {"WhoId": loser, "Subject": "Call"})
    campaign = next(org.records("Campaign"))["Id"]
    members = [org.create("CampaignMember", {"CampaignId": campaign, "ContactId": one}) for one in (master, loser)]
    clock.advance(timedelta(minutes=1))
    org.merge("Contact", loser, [chained])
    assert org.merge("Contact", master, [loser]) == [task]
    lost, last = org.get("Contact", loser), org.get("Contact", chained)
    assert lost is not None
    assert last is not None
    assert (lost["IsDeleted"], lost["MasterRecordId"], last["MasterRecordId"]) == (True, master, loser)
    assert (org.get("Task", task) or {})["WhoId"] == master
    assert [(org.get("CampaignMember", one) or {})["IsDeleted"] for one in members] == [False, True]
    assert (org.get("Contact", master) or {})["SystemModstamp"] == "2026-03-01T12:01:00.000+0000"


def test_a_conversion_makes_three_records_and_moves_what_hung_on_the_lead(org: Org) -> None:
    lead = org.create("Lead", {"LastName": "Doe", "Company": "ACME", "Email": "d@example.com", "Budget__c": 5})
    campaign = next(org.records("Campaign"))["Id"]
    member = org.create("CampaignMember", {"CampaignId": campaign, "LeadId": lead})
    task = org.create("Task", {"WhoId": lead, "Subject": "Call"})
    done = org.convert_lead(lead)
    contact, converted = org.get("Contact", done["contactId"]), org.get("Lead", lead)
    assert contact is not None
    assert converted is not None
    assert (contact["Email"], contact["Budget__c"], contact["AccountId"]) == ("d@example.com", 5.0, done["accountId"])
    assert converted["IsConverted"] is True
    assert [converted[f"Converted{one}Id"] for one in ("Account", "Contact", "Opportunity")] == [
        done["accountId"],
        done["contactId"],
        done["opportunityId"],
    ]
    joined = org.get("CampaignMember", member) or {}
    assert (joined["LeadId"], joined["ContactId"]) == (lead, done["contactId"])
    assert (org.get("Task", task) or {})["WhoId"] == done["contactId"]


def test_a_conversion_into_an_existing_contact_fills_only_what_is_empty(org: Org) -> None:
    account = org.create("Account", {"Name": "A"})
    contact = org.create("Contact", {"LastName": "Old", "AccountId": account, "Title": "Kept"})
    lead = org.create("Lead", {"LastName": "New", "Company": "C", "Title": "Lost", "Phone": "1"})
    org.convert_lead(lead, account, contact, opportunity=False)
    record = org.get("Contact", contact) or {}
    assert (record["LastName"], record["Title"], record["Phone"]) == ("Old", "Kept", "1")


def test_a_converted_lead_is_closed_to_writes_and_campaigns(client: Client) -> None:
    lead = client.org.create("Lead", {"LastName": "Doe", "Company": "ACME"})
    client.org.convert_lead(lead)
    assert client.rest("PATCH", f"/sobjects/Lead/{lead}", {"Title": "x"}).code == "CANNOT_UPDATE_CONVERTED_LEAD"
    campaign = next(client.org.records("Campaign"))["Id"]
    body = {"CampaignId": campaign, "LeadId": lead}
    assert client.rest("POST", "/sobjects/CampaignMember", body).code == "CANNOT_UPDATE_CONVERTED_LEAD"


def test_a_member_is_added_once_and_its_status_decides_the_response(client: Client) -> None:
    campaign = next(client.org.records("Campaign"))["Id"]
    lead = client.org.create("Lead", {"LastName": "Doe", "Company": "ACME"})
    body = {"CampaignId": campaign, "LeadId": lead}
    member = client.rest("POST", "/sobjects/CampaignMember", body).json["id"]
    again = client.rest("POST", "/sobjects/CampaignMember", body)
    assert again.json[0]["message"] == "Already a campaign member."
    record = client.org.get("CampaignMember", member) or {}
    assert (record["Status"], record["HasResponded"], record["LastName"]) == ("Sent", False, "Doe")
    client.rest("PATCH", f"/sobjects/CampaignMember/{member}", {"Status": "Responded"})
    assert (client.org.get("CampaignMember", member) or {})["HasResponded"] is True
    client.org.create("CampaignMemberStatus", {"CampaignId": campaign, "Label": "Came", "HasResponded": True})
    client.rest("PATCH", f"/sobjects/CampaignMember/{member}", {"Status": "Unknown"})
    assert (client.org.get("CampaignMember", member) or {})["Status"] == "Sent"


def test_a_new_primary_role_takes_the_place_of_the_old(org: Org, clock: SetClock) -> None:
    deal = org.create("Opportunity", {"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-04-01"})
    contacts = [one["Id"] for one in org.records("Contact")][:2]
    first, second = (
        org.create("OpportunityContactRole", {"OpportunityId": deal, "ContactId": one, "IsPrimary": True})
        for one in contacts
    )
    assert (org.get("OpportunityContactRole", first) or {})["IsPrimary"] is False
    assert (org.get("OpportunityContactRole", second) or {})["IsPrimary"] is True


def test_a_stage_decides_probability_and_closing(org: Org) -> None:
    deal = org.create("Opportunity", {"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-04-01", "Amount": 10})
    org.update("Opportunity", deal, {"StageName": "Closed Won"})
    record = org.get("Opportunity", deal) or {}
    assert (record["IsWon"], record["Probability"], record["ExpectedRevenue"], record["Fiscal"]) == (
        True,
        100.0,
        10.0,
        "2026 2",
    )


def test_a_lead_in_a_task_excludes_a_related_record(org: Org) -> None:
    lead, account = next(org.records("Lead"))["Id"], next(org.records("Account"))["Id"]
    with pytest.raises(Refusal, match="FIELD_INTEGRITY_EXCEPTION"):
        org.create("Task", {"WhoId": lead, "WhatId": account, "Subject": "Call"})
