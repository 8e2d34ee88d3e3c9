"""Leads converted, and tasks made, at a marketer's wish."""

from __future__ import annotations

import pytest

from support.marketer import ask, local
from support.records import everything, ids, kinds, person, there
from support.simulated import Simulated


@pytest.fixture
def synced(sim: Simulated) -> Simulated:
    """After the first load."""
    sim.sync()
    return sim


def made(sim: Simulated, before: dict[str, list[object]]) -> dict[str, list[str]]:
    """Ids of what came into being."""
    known = {name: {one["Id"] for one in rows} for name, rows in before.items()}  # type: ignore[index]
    return {name: new for name in known if (new := [one for one in ids(sim, name) if one not in known[name]])}


@pytest.mark.rule("R-080", "R-101")
def test_a_lead_becomes_a_contact_an_account_and_an_opportunity(synced: Simulated) -> None:
    """All new; the person keeps its row and is the contact at once."""
    lead, before = ids(synced, "Lead")[0], everything(synced)
    row = person(synced, lead)
    told = ask(synced, "convert_person", row, confirmed=True)
    assert told.ok, told
    new = made(synced, before)
    assert {name: len(new[name]) for name in ("Account", "Contact", "Opportunity")} == {
        "Account": 1, "Contact": 1, "Opportunity": 1,
    }  # fmt: skip
    assert told.crm_id == new["Contact"][0]
    assert all(new[name][0] in told.outcome for name in ("Account", "Contact", "Opportunity"))
    assert synced.sql("SELECT crm_id, crm_type FROM person WHERE id = ?", row) == [(told.crm_id, "contact")]
    assert person(synced, lead) == row
    synced.sync()
    assert kinds(synced)["Lead Converted"] == 1
    assert synced.verify().ok


def test_nothing_else_makes_an_account_or_an_opportunity(synced: Simulated) -> None:
    """Rows written into the tables stay here, whatever is asked for."""
    before = everything(synced)
    synced.sql("INSERT INTO account (name) VALUES ('Mine')")
    synced.sql("INSERT INTO opportunity (name) VALUES ('Mine')")
    ask(synced, "sync_person", person(synced, ids(synced, "Lead")[0]))
    synced.sync()
    assert made(synced, before) == {}


@pytest.mark.rule("R-278")
@pytest.mark.parametrize("mail", [False, True])
def test_owner_status_opportunity_and_mail_are_chosen(synced: Simulated, mail: bool) -> None:
    """The owner gets all three, the lead the status, and a mail goes out only where it is wanted."""
    lead, owner, before = ids(synced, "Lead")[0], ids(synced, "User")[-2], everything(synced)
    wish = {"owner": owner, "status": "Closed - Converted", "opportunity": "Big one", "mail": mail}
    told = ask(synced, "convert_person", person(synced, lead), confirmed=True, **wish)
    assert told.ok, told
    new = made(synced, before)
    for name in ("Account", "Contact", "Opportunity"):
        assert there(synced, name, new[name][0], "OwnerId") == owner
    assert there(synced, "Opportunity", new["Opportunity"][0], "Name") == "Big one"
    assert [one for one, _ in synced.org.state.mails] == ([owner] if mail else [])


def test_the_opportunity_may_be_left_out(synced: Simulated) -> None:
    """A contact and an account, no more."""
    before = everything(synced)
    row = person(synced, ids(synced, "Lead")[0])
    assert ask(synced, "convert_person", row, confirmed=True, opportunity=None).ok
    assert "Opportunity" not in made(synced, before)


@pytest.mark.rule("R-279")
def test_an_account_that_is_there_is_not_used(synced: Simulated) -> None:
    """A company that the CRM knows gets a second account."""
    name = next(one["Name"] for one in synced.org.records("Account"))
    row = local(synced, last_name="Roe", company=name)
    ask(synced, "sync_person", row)
    assert ask(synced, "convert_person", row, confirmed=True).ok
    assert sum(one["Name"] == name for one in synced.org.records("Account")) == 2


@pytest.mark.rule("R-068")
def test_a_person_whom_the_crm_lacks_is_sent_first(synced: Simulated) -> None:
    """A lead, and then a contact."""
    row = local(synced, last_name="Roe", company="Roe")
    told = ask(synced, "convert_person", row, confirmed=True)
    assert told.ok, told
    assert synced.sql("SELECT crm_id, crm_type FROM person WHERE id = ?", row) == [(told.crm_id, "contact")]
    roles = synced.sql("SELECT role FROM crmsync_link WHERE row_id = ? AND entity = 'person' ORDER BY role", row)
    assert roles == [("converted",), ("current",)]


def test_what_cannot_be_converted_is_refused(synced: Simulated) -> None:
    """Without a confirmation; a contact; a queue as the owner."""
    lead, contact, before = ids(synced, "Lead")[0], ids(synced, "Contact")[0], everything(synced)
    told = ask(synced, "convert_person", person(synced, lead), confirmed=False)
    assert (told.state, told.code) == ("refused", "confirm")
    assert ask(synced, "convert_person", person(synced, contact), confirmed=True).code == "contact"
    told = ask(synced, "convert_person", person(synced, lead), confirmed=True, owner="Partner Queue")
    assert told.code == "queue"
    assert everything(synced) == before


def test_edits_that_wait_go_to_the_contact(synced: Simulated) -> None:
    """Converted while edits of the lead wait: the next push brings them where the person is now."""
    row = person(synced, ids(synced, "Lead")[0])
    synced.sql("UPDATE person SET title = 'Chief' WHERE id = ?", row)
    told = ask(synced, "convert_person", row, confirmed=True)
    synced.sync()
    assert there(synced, "Contact", str(told.crm_id), "Title") == "Chief"
    assert synced.verify().ok


def task(sim: Simulated, crm_id: str | None) -> tuple[object, ...]:
    """What a task says."""
    fields = ("WhoId", "Subject", "ActivityDate", "Status", "Priority", "OwnerId")
    return tuple(there(sim, "Task", str(crm_id), *fields))


@pytest.mark.parametrize("name", ["Lead", "Contact"])
def test_a_task_is_made_for_a_person(synced: Simulated, name: str) -> None:
    """Due in five days unless told otherwise; subject, status, priority and owner as chosen."""
    crm_id, owner = ids(synced, name)[0], ids(synced, "User")[-2]
    wish = {"status": "In Progress", "priority": "High", "owner": owner}
    told = ask(synced, "create_task", person(synced, crm_id), subject="Call", **wish)
    assert told.ok, told
    assert task(synced, told.crm_id) == (crm_id, "Call", "2026-03-06", "In Progress", "High", owner)
    told = ask(synced, "create_task", person(synced, crm_id), subject="Call", due="2026-04-01")
    assert task(synced, told.crm_id)[2] == "2026-04-01"
    synced.sync()
    assert synced.one("SELECT who_crm_id FROM crm_activity WHERE crm_id = ?", told.crm_id) == crm_id
    assert synced.verify().ok


@pytest.mark.rule("R-069")
def test_a_task_for_a_person_whom_the_crm_lacks_makes_a_lead_first(synced: Simulated) -> None:
    """The lead, and its task."""
    row = local(synced, last_name="Roe", company="Roe")
    told = ask(synced, "create_task", row, subject="Call")
    assert told.ok, told
    assert task(synced, told.crm_id)[0] == synced.one("SELECT crm_id FROM person WHERE id = ?", row)


def test_two_tasks_of_one_person_are_two(synced: Simulated) -> None:
    """Asking twice is wanting two."""
    row, before = person(synced, ids(synced, "Lead")[0]), len(ids(synced, "Task"))
    for _ in range(2):
        assert ask(synced, "create_task", row, subject="Call").ok
    assert len(ids(synced, "Task")) == before + 2
