"""What marketers do with persons, by the rules of Dynamics: made at once, changed by the cycle, never deleted there."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crmsync.settings import ObjectSettings
from crmsync_dynamics.simulator import Ref
from dynamics.environment import Environment
from support.marketer import ask

IDLE = ["account", "opportunity", "opportunity_customer", "connection"]


@pytest.fixture
def site(tmp_path: Path) -> Environment:
    found = Environment(tmp_path / "dyn.db", objects=ObjectSettings(disable=IDLE))
    found.sync()
    return found


def person(site: Environment, name: str) -> int:
    """A person whom the CRM does not have."""
    sql = "INSERT INTO person (last_name, email, company) VALUES (?, ?, 'Acme') RETURNING id"
    return int(site.sql(sql, name, f"{name}@example.org")[0][0])


def row(site: Environment, table: str, crm_id: object) -> dict[str, Any]:
    return site.org.get(table, str(crm_id)) or {}


@pytest.mark.rule("R-073", "R-074", "R-075", "R-076", "R-090", "R-125", "R-126", "R-318")
def test_syncing_makes_a_lead_at_once_and_forces_no_update(site: Environment) -> None:
    """A new person becomes a lead of the owner of choice; what waits of one who is there goes with the next cycle."""
    user, team = site.org.user("minimum").user_id, next(site.org.records("team"))
    one, other = person(site, "noor"), person(site, "adler")
    told = ask(site, "sync_person", one, owner=user)
    assert told.ok, told.outcome
    assert row(site, "lead", told.crm_id)["ownerid"] == Ref("systemuser", user)
    site.sql("UPDATE person SET title = 'CTO' WHERE id = ?", one)
    again = ask(site, "sync_person", one, owner=str(team["teamid"]))
    assert (again.ok, again.code) == (True, "skipped")
    lead = row(site, "lead", told.crm_id)
    assert (lead["jobtitle"], lead["ownerid"].id) == (None, user)
    site.sync()
    assert row(site, "lead", told.crm_id)["jobtitle"] == "CTO"
    run = site.sync().run
    assert site.sql("SELECT * FROM crmsync_journal WHERE run = ?", run) == []  # our own change does not come back
    given = [ask(site, "change_owner", who, owner=str(team["name"])) for who in (one, other)]
    assert all(one.ok for one in given), given
    made = site.one("SELECT crm_id FROM person WHERE id = ?", other)
    assert [row(site, "lead", crm_id)["ownerid"].table for crm_id in (told.crm_id, made)] == ["team", "team"]
    site.org.delete("lead", str(told.crm_id))
    site.sync()
    anew = ask(site, "sync_person", one)
    assert anew.ok, anew.outcome
    assert anew.crm_id not in (None, told.crm_id)


@pytest.mark.rule("R-078", "R-312", "R-314")
def test_a_person_is_sent_as_a_contact_and_deleted_here_alone(site: Environment) -> None:
    """A new person becomes a contact of no account, once, though the answer is lost; deleting here leaves it there."""
    one = person(site, "quine")
    contacts, accounts = site.org.count("contact"), site.org.count("account")
    site.faults = lambda server: server.faults.plant({"drop": True}, path="QualifyLead", times=3)

    async def unheard(connection: Any) -> None:
        connection.actions.patience = 0.3
        await connection.actions.sync_person(one, as_contact=True)

    site.use(unheard)
    site.faults = lambda _server: None
    site.later()
    site.sync()
    assert site.sql("SELECT crm_type FROM person WHERE id = ?", one) == [("contact",)]
    assert (site.org.count("contact"), site.org.count("account")) == (contacts + 1, accounts)
    crm_id = site.one("SELECT crm_id FROM person WHERE id = ?", one)
    assert row(site, "contact", crm_id)["parentcustomerid"] is None
    assert ask(site, "delete_person", one).ok
    assert row(site, "contact", crm_id)
    site.sync()
    assert site.sql("SELECT id FROM person WHERE crm_id = ?", crm_id) == []
    site.org.update("contact", crm_id, {"jobtitle": "Back"})
    site.sync()
    ((new, email),) = site.sql("SELECT id, email FROM person WHERE crm_id = ?", crm_id)
    assert (new != one, email) == (True, "quine@example.org")


def test_who_was_made_a_lead_on_the_way_to_a_contact_becomes_one_later(site: Environment) -> None:
    """Where the lead was made and could not be qualified yet, the action goes on there; without it a lead stays one."""
    one, other = person(site, "wu"), person(site, "ada")
    site.faults = lambda server: server.faults.plant({"name": "deadlock"}, path="QualifyLead", times=None)

    async def hindered(connection: Any) -> None:
        connection.actions.patience = 0.3
        await connection.actions.sync_person(one, as_contact=True)

    site.use(hindered)
    site.faults = lambda _server: None
    assert site.sql("SELECT crm_type FROM person WHERE id = ?", one) == [("lead",)]
    site.later()
    assert ask(site, "sync_person", other).ok
    assert ask(site, "sync_person", other, as_contact=True).code == "skipped"
    types = site.sql("SELECT crm_type FROM person WHERE id IN (?, ?) ORDER BY id", one, other)
    assert types == [("contact",), ("lead",)]


@pytest.mark.rule("R-086", "R-087", "R-044", "R-045")
def test_of_two_changes_a_lead_keeps_ours_and_a_contact_theirs(site: Environment) -> None:
    """The same column changed on both sides: marketing wins for leads, the CRM for contacts, column by column."""
    lead, contact = (site.org.create(table, {"lastname": "Both"}) for table in ("lead", "contact"))
    site.sync()
    for table, crm_id in (("lead", lead), ("contact", contact)):
        site.org.update(table, crm_id, {"jobtitle": "Theirs"})
        site.sql("UPDATE person SET title = 'Ours', city = 'Ulm' WHERE crm_id = ?", crm_id)
    site.sync()
    shown = [row(site, "lead", lead), row(site, "contact", contact)]
    assert [(one["jobtitle"], one["address1_city"]) for one in shown] == [("Ours", "Ulm"), ("Theirs", "Ulm")]
    assert site.sql("SELECT DISTINCT title FROM person WHERE crm_id = ?", contact) == [("Theirs",)]
    assert site.verify().ok


@pytest.mark.rule("R-163", "R-165", "R-166", "R-167", "R-168", "R-182", "R-183", "R-184")
def test_persons_join_campaigns_and_get_tasks(site: Environment) -> None:
    """A person whom the CRM lacks is sent first, then added, or given a task due in five days, its reason set."""
    campaign = next(str(one["campaignid"]) for one in site.org.records("campaign"))
    one = person(site, "hopper")
    added = ask(site, "add_to_campaign", one, campaign=campaign)
    assert added.ok, added.outcome
    lead = site.one("SELECT crm_id FROM person WHERE id = ?", one)
    mine = [found for found in site.org.records("listmember") if found["entityid"] == Ref("lead", lead)]
    assert len(mine) == 1
    assert ask(site, "add_to_campaign", one, campaign=campaign).code == "skipped"
    assert ask(site, "remove_from_campaign", one, campaign=campaign).ok
    assert ask(site, "remove_from_campaign", one, campaign=campaign).code == "skipped"
    site.org.create("listmember", {"listid": mine[0]["listid"], "entityid": Ref("lead", lead)})
    site.sync()  # somebody in the CRM adds the person, which is no act of marketing
    assert ask(site, "remove_from_campaign", one, campaign=campaign).code == "skipped"
    acts = "SELECT COUNT(*) FROM activity WHERE person_id = ? AND kind LIKE '%Campaign%' AND kind NOT LIKE '%Refused'"
    assert site.one(acts, one) == 2  # added and removed from here, and nothing else
    other = person(site, "liskov")
    told = ask(site, "change_status", other, campaign=campaign, status="Sent")
    assert (told.code, site.one("SELECT crm_id FROM person WHERE id = ?", other)) == ("status", None)
    task = ask(site, "create_task", one, subject="Call", status="In Progress")
    assert task.ok, task.outcome
    found = row(site, "task", task.crm_id)
    assert (found["regardingobjectid"], found["statuscode"]) == (Ref("lead", lead), 3)
    assert str(found["scheduledend"])[:10] == f"{site.clock.now() + timedelta(days=5):%Y-%m-%d}"


@pytest.mark.rule("R-089", "R-230")
def test_what_the_crm_refuses_is_told_with_both_ids_and_holds_up_nobody(site: Environment) -> None:
    """Too long, or against a rule of the environment: listed, told on the person, and sent once it is corrected."""
    long, ruled, good = (site.org.create("lead", {"lastname": name}) for name in ("Long", "Ruled", "Good"))
    site.sync()
    rule = {"object": "lead", "field": "jobtitle", "value": "Emperor", "message": "Nobody is emperor here."}
    site.org.state.automation.plant({"validations": [rule]})
    for crm_id, title in ((long, "x" * 101), (ruled, "Emperor"), (good, "CTO")):
        site.sql("UPDATE person SET title = ?, city = 'Ulm' WHERE crm_id = ?", title, crm_id)
    site.sync()
    assert [row(site, "lead", one)["jobtitle"] for one in (long, ruled, good)] == [None, None, "CTO"]
    said = {
        crm_id: (row_id, text) for row_id, crm_id, text in site.sql("SELECT row_id, crm_id, message FROM crmsync_error")
    }
    assert said.keys() == {long, ruled}
    assert said[ruled][0] == site.one("SELECT id FROM person WHERE crm_id = ?", ruled)
    assert ("101 characters" in said[long][1], "Nobody is emperor here." in said[ruled][1]) == (True, True)
    told = "SELECT reason FROM activity WHERE person_id = ? AND kind LIKE '%Refused'"
    assert "Nobody is emperor here." in str(site.one(told, said[ruled][0]))
    site.org.state.automation.clear()
    site.sql("UPDATE person SET title = 'CFO' WHERE title IN ('Emperor', ?)", "x" * 101)
    site.sync()
    assert [row(site, "lead", one)["jobtitle"] for one in (long, ruled)] == ["CFO", "CFO"]
    assert site.verify().ok


def test_who_is_sent_and_then_filtered_out_by_the_crm_stays_as_sent(site: Environment) -> None:
    """A workflow of the CRM says no to a lead without an address: it was made once, and is read no more until yes."""
    site.org.state.automation.plant({"workflows": [{"name": "sync_filter"}]})
    site.sql("INSERT INTO person (last_name, company) VALUES ('Silent', 'Acme')")
    one = int(site.sql("SELECT id FROM person WHERE last_name = 'Silent'")[0][0])
    told = ask(site, "sync_person", one)
    assert told.ok, told.outcome
    assert row(site, "lead", told.crm_id)["new_synctomkto"] is False
    site.org.update("lead", str(told.crm_id), {"jobtitle": "Unseen"})
    site.sync()
    assert site.sql("SELECT crm_id, title, crm_is_deleted FROM person WHERE id = ?", one) == [(told.crm_id, None, 0)]
    site.org.update("lead", str(told.crm_id), {"emailaddress1": "s@example.org", "new_synctomkto": True})
    site.sync()
    assert site.sql("SELECT id, title FROM person WHERE crm_id = ?", told.crm_id) == [(one, "Unseen")]


def test_a_secured_column_that_cannot_be_read_is_never_emptied(site: Environment) -> None:
    """What the CRM hides looks empty: it is not read, and no edit of ours, nor the lack of one, writes it."""
    lead = site.org.create("lead", {"lastname": "Vault", "telephone1": "+1 555 0100"})
    site.org.change_column("lead", "telephone1", secured=True)
    site.org.user("full").every_column = False
    site.sync()
    site.sql("UPDATE person SET phone = 'mine', title = 'CTO' WHERE crm_id = ?", lead)
    site.sync()
    found = row(site, "lead", lead)
    assert (found["telephone1"], found["jobtitle"]) == ("+1 555 0100", "CTO")


@pytest.mark.rule("R-307")
def test_a_lead_that_is_merged_into_a_contact_becomes_one_first(site: Environment) -> None:
    """Our decision: the lead is qualified into a contact of no account, which is merged into the other in the CRM."""
    lead = site.org.create("lead", {"lastname": "Twin", "emailaddress1": "twin@example.org", "fax": "1"})
    contact = site.org.create("contact", {"lastname": "Twin"})
    site.sync()
    accounts = site.org.count("account")
    one, other = (site.one("SELECT id FROM person WHERE crm_id = ?", crm_id) for crm_id in (contact, lead))
    told = ask(site, "merge_persons", one, others=[other])
    assert told.ok, told.outcome
    assert (row(site, "lead", lead)["statecode"], site.org.count("account")) == (1, accounts)
    became = row(site, "lead", lead)["parentcontactid"].id
    assert became == contact or row(site, "contact", became)["masterid"] == Ref("contact", contact)
    site.sync()
    assert site.sql("SELECT id, crm_id FROM person WHERE id IN (?, ?)", one, other) == [(one, contact)]
    assert site.one("SELECT email FROM person WHERE id = ?", one) == "twin@example.org"
    assert site.verify().ok
