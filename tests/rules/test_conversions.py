"""A lead becomes a contact: one person, before and after."""

from __future__ import annotations

from typing import Any

import pytest

from support.records import ids, kinds, person, step, value
from support.simulated import Simulated


def lead(sim: Simulated, **values: Any) -> str:
    """A lead that a user owns, synced."""
    given = {"LastName": "Roe", "Company": "Roe Ltd", "OwnerId": ids(sim, "User")[-1], **values}
    crm_id = sim.org.create("Lead", given)
    sim.sync()
    return crm_id


def one_contact(sim: Simulated, row: int, lead_id: str, done: dict[str, Any]) -> None:
    """The row is the contact now, both ids lead to it, and both sides agree."""
    sql = "SELECT id, crm_type, crm_id, account_crm_id FROM person WHERE last_name = 'Roe'"
    assert sim.sql(sql) == [(row, "contact", done["contactId"], done["accountId"])]
    assert person(sim, lead_id) == person(sim, done["contactId"]) == row
    assert sim.one("SELECT role FROM crmsync_link WHERE crm_id = ?", lead_id) == "converted"
    found = sim.verify()
    assert (found.ok, found.different) == (True, [])


@pytest.mark.rule("R-274", "R-277")
@pytest.mark.parametrize("opportunity", [True, False])
def test_converted_into_a_new_contact_and_account(sim: Simulated, *, opportunity: bool) -> None:
    """One person, now a contact of the new account; one activity; one update under pull conversions."""
    crm_id = lead(sim)
    row = person(sim, crm_id)
    sim.later()
    done = sim.org.convert_lead(crm_id, opportunity=opportunity)
    summary = sim.sync()
    one_contact(sim, row, crm_id, done)
    assert value(sim, "company", done["contactId"], "person_full") == "Roe Ltd"
    assert step(summary, "Lead", "pull conversions")["updated"] == 1
    assert step(summary, "Contact")["new"] == 0
    assert kinds(sim, summary.run)["Lead Converted"] == 1
    sql = "SELECT person_id, old_value, new_value, object FROM activity WHERE kind = 'Lead Converted'"
    assert sim.sql(sql) == [(row, crm_id, done["contactId"], "Contact")]


@pytest.mark.rule("R-275")
def test_converted_into_a_new_contact_of_an_account_that_was_there(sim: Simulated) -> None:
    """The same; the person shows the account's values now."""
    crm_id = lead(sim)
    row, account = person(sim, crm_id), ids(sim, "Account")[0]
    sim.later()
    done = sim.org.convert_lead(crm_id, account_id=account)
    sim.sync()
    one_contact(sim, row, crm_id, done)
    assert value(sim, "company", done["contactId"], "person_full") == value(sim, "name", account, "account")
    assert sim.one("SELECT COUNT(*) FROM account") == 4


@pytest.mark.rule("R-276")
@pytest.mark.parametrize("objects", [None, ["Contact"], ["Lead"]])
def test_converted_into_a_contact_that_was_there(sim: Simulated, objects: list[str] | None) -> None:
    """Two persons become one in whichever order the feeds bring it; nothing that hung on them is lost."""
    sim.sync()
    contact = sim.org.create("Contact", {"LastName": "Doe", "Title": "CTO", "AccountId": ids(sim, "Account")[0]})
    crm_id = lead(sim)
    for one in (contact, crm_id):
        sim.sql("INSERT INTO activity (person_id, kind, at, source, reason) VALUES (?, 'Visited', '2026', 'x', 'x')",
                person(sim, one))  # fmt: skip
    row = person(sim, crm_id)
    sim.later()
    done = sim.org.convert_lead(crm_id, account_id=ids(sim, "Account")[0], contact_id=contact)
    if objects:
        sim.sync(objects=objects)
    sim.sync()
    sql = "SELECT id, crm_type, crm_id, last_name, title FROM person WHERE crm_id IN (?, ?)"
    assert sim.sql(sql, contact, crm_id) == [(row, "contact", contact, "Doe", "CTO")]
    assert person(sim, crm_id) == person(sim, contact) == row
    assert sim.one("SELECT COUNT(*) FROM activity WHERE kind = 'Visited' AND person_id = ?", row) == 2
    assert done["contactId"] == contact
    found = sim.verify()
    assert (found.ok, found.different) == (True, [])
    sim.later()
    sim.org.update("Contact", contact, {"Title": "CEO"})
    sim.sync()
    assert sim.sql("SELECT id FROM person WHERE title = 'CEO' AND crm_id = ?", contact) == [(row,)]


@pytest.mark.rule("R-237")
def test_a_leads_own_field_survives_the_conversion(sim: Simulated) -> None:
    """The contact has no such field: the person keeps what the lead had."""
    sim.org.add_field("Lead", {"name": "Campaign_Note__c", "type": "string", "length": 80})
    crm_id = lead(sim, Campaign_Note__c="met in Ghent", Rating="Hot")
    sim.later()
    done = sim.org.convert_lead(crm_id)
    sim.sync()
    sql = "SELECT crm_type, campaign_note__c, rating FROM person WHERE crm_id = ?"
    assert sim.sql(sql, done["contactId"]) == [("contact", "met in Ghent", "Hot")]


@pytest.mark.rule("R-274")
def test_a_lead_that_was_converted_before_the_first_sync_is_only_a_contact(sim: Simulated) -> None:
    """One person comes of it, whichever object is loaded first."""
    crm_id = sim.org.create("Lead", {"LastName": "Roe", "Company": "Roe Ltd", "OwnerId": ids(sim, "User")[-1]})
    done = sim.org.convert_lead(crm_id)
    sim.sync()
    sim.sync()
    assert sim.sql("SELECT crm_type, crm_id FROM person WHERE last_name = 'Roe'") == [("contact", done["contactId"])]
    assert sim.verify().ok
