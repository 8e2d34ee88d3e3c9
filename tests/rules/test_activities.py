"""Tasks and events of people, and the activities that every change leaves on a person."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from support.records import everything, ids, kinds, person, step
from support.simulated import Simulated

ROOT = Path(__file__).parents[2]
START = {"StartDateTime": "2026-04-01T10:00:00.000Z", "DurationInMinutes": 30}
ENTRY = """SELECT kind, person_id, field, old_value, new_value, object, crm_id, source, reason FROM activity
           WHERE run = (SELECT MAX(id) FROM crmsync_run) ORDER BY id"""


def log(sim: Simulated, name: str, who: str, **values: Any) -> str:
    """Somebody in sales writes down a task or an event."""
    return sim.org.create(name, {"WhoId": who, "Subject": "Call", **(START if name == "Event" else {}), **values})


@pytest.mark.rule("R-172")
def test_tasks_and_events_come_from_the_crm_and_are_never_sent(sim: Simulated) -> None:
    """A task of a lead, an event of a contact: rows that join the person; what is edited here stays here."""
    lead, contact = ids(sim, "Lead")[0], ids(sim, "Contact")[0]
    task, event = log(sim, "Task", lead, Subject="Mail"), log(sim, "Event", contact, Location="Ghent")
    sim.sync()
    sql = """SELECT a.crm_id, a.subject, a.location, l.row_id FROM crm_activity a
             JOIN crmsync_link l ON l.crm_id = a.who_crm_id WHERE a.crm_id IN (?, ?) ORDER BY a.crm_id"""
    assert (
        sim.sql(sql, task, event)
        == [
            (event, "Call", "Ghent", person(sim, contact)),
            (task, "Mail", None, person(sim, lead)),
        ][:: 1 if event < task else -1]
    )
    sim.sql("UPDATE crm_activity SET subject = 'mine', description = 'mine'")
    before = everything(sim)
    sim.sync()
    sim.sync()
    assert everything(sim) == before
    assert sim.sql("SELECT DISTINCT state FROM crmsync_edit") == [("local",)]


@pytest.mark.rule("R-336")
@pytest.mark.parametrize("name", ["Task", "Event"])
def test_logged_and_updated_are_activities(sim: Simulated, name: str) -> None:
    """One for each, on the person it is with; a record that moved without a difference writes none."""
    sim.sync()
    lead = ids(sim, "Lead")[0]
    sim.later()
    one = log(sim, name, lead)
    sim.sync()
    rest = (name, one, "crm", f"pulled from {name}")
    assert sim.sql(ENTRY) == [("Activity Logged", person(sim, lead), None, None, None, *rest)]
    sim.later()
    sim.org.update(name, one, {"Subject": "Mail"})
    sim.sync()
    assert sim.sql(ENTRY) == [("Activity Updated", person(sim, lead), "subject", "Call", "Mail", *rest)]
    sim.later()
    sim.org.update(name, one, {"Subject": "Mail"})
    assert step(sim.sync(), name)["skipped"] == 1
    assert sim.sql(ENTRY) == []


def story(sim: Simulated) -> int:
    """A cycle in which everything happens; the first run after which activities are written."""
    lead = sim.org.create("Lead", {"LastName": "Roe", "Company": "Roe", "OwnerId": ids(sim, "User")[-1]})
    contacts, deal, campaign = ids(sim, "Contact"), ids(sim, "Opportunity")[0], ids(sim, "Campaign")[0]
    doomed = sim.org.create("OpportunityContactRole", {"OpportunityId": deal, "ContactId": contacts[0]})
    who = sim.org.create("Contact", {"LastName": "Doe"})
    left = sim.org.create("CampaignMember", {"CampaignId": campaign, "ContactId": who, "Status": "Sent"})
    task = log(sim, "Task", contacts[0])
    sim.sync()
    sim.later()
    sim.org.update("Contact", contacts[3], {"Title": "CTO"})
    sim.org.update("Account", ids(sim, "Account")[0], {"Industry": "Shipping"})
    sim.org.create("Lead", {"LastName": "New", "Company": "New"})
    sim.org.update("Opportunity", deal, {"NextStep": "Call"})
    sim.org.create("OpportunityContactRole", {"OpportunityId": deal, "ContactId": contacts[4]})
    sim.org.update("CampaignMember", left, {"Status": "Responded"})
    sim.org.update("Task", task, {"Subject": "Mail"})
    log(sim, "Event", contacts[0])
    sim.sync()
    sim.later()
    sim.org.delete("OpportunityContactRole", doomed)
    sim.org.delete("CampaignMember", left)
    sim.org.create("CampaignMember", {"CampaignId": campaign, "ContactId": who, "Status": "Sent"})
    sim.org.convert_lead(lead, opportunity=False)
    sim.org.merge("Contact", contacts[5], [contacts[6]])
    sim.org.delete("Contact", contacts[7])
    return sim.sync().run


@pytest.mark.rule("R-333", "R-338")
def test_every_activity_has_what_the_documented_table_says(sim: Simulated) -> None:
    """All kinds of the page occur; ids are unique and grow; person, time, source and run are never missing."""
    story(sim)
    page = (ROOT / "docs/operate.md").read_text("utf-8")
    section = page[page.index("## Activities") : page.index("## Actions")]
    columns = re.findall(r"`(\w+)`", section[: section.index("| kind |")])
    documented = [kind for kind in re.findall(r"`([A-Z][\w ]+)`", section) if kind not in columns]
    assert sorted(kinds(sim)) == sorted(documented)
    have = [row[1] for row in sim.sql("PRAGMA table_info(activity)")]
    assert set(columns) - {"crm", "activity"} <= set(have)
    rows = [dict(zip(have, row, strict=True)) for row in sim.sql("SELECT * FROM activity ORDER BY id")]
    assert [one["id"] for one in rows] == sorted({one["id"] for one in rows})
    persons = {row for (row,) in sim.sql("SELECT id FROM person")}
    with_values = {"Change Data Value", "Opportunity Updated", "Status Changed in Campaign", "Activity Updated"}
    for one in rows:
        assert one["person_id"] in persons, one
        assert all(one[name] for name in ("at", "run", "object", "crm_id")), one
        assert (one["source"], one["reason"][:12]) == ("crm", "pulled from "), one
        assert (one["field"] is not None) is (one["kind"] in with_values), one


@pytest.mark.rule("R-333")
def test_activities_are_never_purged(sim: Simulated) -> None:
    """A year of cycles later those of the first day are there; ids that were used do not come again."""
    story(sim)
    before = sim.sql("SELECT * FROM activity")
    sim.later(365 * 86_400)
    sim.sync()
    assert sim.sql("SELECT * FROM activity") == before
    sim.sql("DELETE FROM activity")
    sim.later()
    sim.org.update("Contact", ids(sim, "Contact")[0], {"Title": "again"})
    sim.sync()
    assert sim.one("SELECT MIN(id) FROM activity") > max(row[0] for row in before)
