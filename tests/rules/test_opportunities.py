"""Opportunities and their contact roles."""

from __future__ import annotations

from typing import Any

import pytest

from support.records import everything, ids, kinds, person, step, value
from support.simulated import Simulated

PEOPLE_OF = """SELECT l.row_id FROM opportunity o
    JOIN opportunity_role r ON r.opportunity_crm_id = o.crm_id
    JOIN crmsync_link l ON l.crm_id = r.contact_crm_id WHERE o.crm_id = ?"""


def deal(sim: Simulated, **values: Any) -> str:
    """One more opportunity."""
    given = {"Name": "Deal", "StageName": "Prospecting", "CloseDate": "2026-06-30", **values}
    return sim.org.create("Opportunity", given)


@pytest.mark.rule("R-128", "R-139")
def test_opportunities_come_from_the_crm_only(sim: Simulated) -> None:
    """Created, edited, deleted there: followed. Edited here: allowed, never sent, gone with the CRM's next change."""
    sim.sync()
    sim.later()
    crm_id = deal(sim, Amount=100)
    assert step(sim.sync(), "Opportunity")["new"] == 1
    sim.sql("UPDATE opportunity SET name = 'Mine', next_step = 'Call' WHERE crm_id = ?", crm_id)
    sim.sql("UPDATE opportunity_role SET contact_role = 'Mine'")
    before = everything(sim)
    sim.sync()
    sim.sync()
    assert everything(sim) == before
    assert value(sim, "name", crm_id, "opportunity") == "Mine"
    assert sim.verify().ok
    sim.org.update("Opportunity", crm_id, {"Amount": 200})
    sim.sync()
    sql = "SELECT name, next_step, amount FROM opportunity WHERE crm_id = ?"
    assert sim.sql(sql, crm_id) == [("Deal", None, 200)]
    sim.org.delete("Opportunity", crm_id)
    assert step(sim.sync(), "Opportunity", "pull deletes")["deleted"] == 1
    assert sim.sql(sql, crm_id) == []


@pytest.mark.rule("R-129")
def test_a_cycle_by_hand_brings_an_opportunity_at_once(sim: Simulated) -> None:
    """Nobody has to wait for the pause, and it may be asked for alone."""
    sim.sync()
    crm_id = deal(sim)
    summary = sim.use(lambda connection: connection.sync(objects=["Opportunity"]))
    assert {one["object"] for one in summary.steps} == {"Opportunity"}
    assert value(sim, "name", crm_id, "opportunity") == "Deal"


@pytest.mark.rule("R-130")
def test_a_role_attaches_the_opportunity_to_the_person(sim: Simulated) -> None:
    """Two roles, two persons; the role's own words are there."""
    contacts = ids(sim, "Contact")[:2]
    crm_id = deal(sim)
    for contact in contacts:
        sim.org.create("OpportunityContactRole", {"OpportunityId": crm_id, "ContactId": contact, "Role": "Evaluator"})
    sim.sync()
    assert {row for (row,) in sim.sql(PEOPLE_OF, crm_id)} == {person(sim, one) for one in contacts}
    sql = "SELECT DISTINCT contact_role FROM opportunity_role WHERE opportunity_crm_id = ?"
    assert sim.sql(sql, crm_id) == [("Evaluator",)]


@pytest.mark.rule("R-131")
def test_without_a_role_an_opportunity_belongs_to_nobody(sim: Simulated) -> None:
    """Its account does not attach it to the account's contacts, and nobody hears of its changes."""
    sim.sync()
    sim.later()
    crm_id = deal(sim, AccountId=ids(sim, "Account")[0])
    sim.sync()
    sim.later()
    sim.org.update("Opportunity", crm_id, {"StageName": "Closed Won"})
    sim.sync()
    assert value(sim, "stage", crm_id, "opportunity") == "Closed Won"
    assert sim.sql(PEOPLE_OF, crm_id) == []
    assert kinds(sim) == {}


@pytest.mark.rule("R-132")
def test_an_amount_is_copied_to_the_cent_in_any_currency(sim: Simulated) -> None:
    """Nothing is converted; the currency's code stands beside it, where the org has several."""
    sim.org.add_field("Opportunity", {"name": "CurrencyIsoCode", "type": "picklist", "length": 3})
    euros = deal(sim, Amount=1234.56, CurrencyIsoCode="EUR")
    yen = deal(sim, Amount=99999999.99, CurrencyIsoCode="JPY")
    sim.sync()
    found = {crm_id: sim.org.get("Opportunity", crm_id) or {} for crm_id in (euros, yen)}
    sql = "SELECT amount, currency_code FROM opportunity WHERE crm_id = ?"
    for crm_id, record in found.items():
        assert sim.sql(sql, crm_id) == [(record["Amount"], record["CurrencyIsoCode"])]
    assert sim.sql(sql, euros) == [(1234.56, "EUR")]


@pytest.mark.rule("R-133")
def test_a_new_field_of_the_opportunity_becomes_a_column(sim: Simulated) -> None:
    """With the next look at the schema; a record's next change fills it."""
    sim.sync()
    sim.org.add_field("Opportunity", {"name": "Stage_Note__c", "type": "string", "length": 80})
    sim.sync()
    assert sim.sql("SELECT DISTINCT stage_note__c FROM opportunity") == [(None,)]
    crm_id = ids(sim, "Opportunity")[0]
    sim.later()
    sim.org.update("Opportunity", crm_id, {"Stage_Note__c": "waiting"})
    sim.sync()
    assert value(sim, "stage_note__c", crm_id, "opportunity") == "waiting"


@pytest.mark.rule("R-334")
def test_added_updated_and_removed_are_activities_of_each_person(sim: Simulated) -> None:
    """One each on every person concerned, with the record behind it, and nothing on anybody else."""
    sim.sync()
    contacts = ids(sim, "Contact")[:2]
    sim.later()
    crm_id = deal(sim)
    roles = [
        sim.org.create("OpportunityContactRole", {"OpportunityId": crm_id, "ContactId": one, "Role": "Evaluator"})
        for one in contacts
    ]
    sim.sync()
    sql = """SELECT kind, person_id, field, old_value, new_value, object, crm_id FROM activity
             WHERE run = (SELECT MAX(id) FROM crmsync_run) ORDER BY person_id"""
    persons = [person(sim, one) for one in contacts]
    role = "OpportunityContactRole"
    assert sim.sql(sql) == [
        ("Added to Opportunity", row, None, None, None, role, one) for row, one in zip(persons, roles, strict=True)
    ]
    sim.later()
    sim.org.update("Opportunity", crm_id, {"NextStep": "Call"})
    sim.sync()
    told = [row for row in sim.sql(sql) if row[2] == "next_step"]
    assert told == [("Opportunity Updated", row, "next_step", None, "Call", "Opportunity", crm_id) for row in persons]
    sim.later()
    sim.org.delete("OpportunityContactRole", roles[0])
    sim.sync()
    assert sim.sql(sql) == [("Removed from Opportunity", persons[0], None, None, None, role, roles[0])]
