"""Records given to others at a marketer's wish."""

from __future__ import annotations

import pytest

from support.marketer import ask, local
from support.records import ids, person, there
from support.simulated import Simulated

QUEUE = "Partner Queue"
CROSS = "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY"


@pytest.fixture
def synced(sim: Simulated) -> Simulated:
    """After the first load."""
    sim.sync()
    return sim


@pytest.mark.rule("R-115", "R-119")
@pytest.mark.parametrize(("name", "whom"), [("Lead", "user"), ("Lead", "queue"), ("Contact", "user")])
def test_a_record_gets_another_owner(synced: Simulated, name: str, whom: str) -> None:
    """A lead goes to a user or a queue, a contact to a user where the CRM lets it; here with the next pull."""
    crm_id = ids(synced, name)[0]
    owner = ids(synced, "Group")[1] if whom == "queue" else ids(synced, "User")[-2]
    told = ask(synced, "change_owner", person(synced, crm_id), owner=owner)
    assert told.ok, told
    assert there(synced, name, crm_id, "OwnerId") == owner
    synced.sync()
    assert synced.one("SELECT owner_crm_id FROM person WHERE crm_id = ?", crm_id) == owner
    assert synced.verify().ok


@pytest.mark.rule("R-116", "R-117")
def test_a_contact_is_not_given_to_a_queue_by_itself(synced: Simulated) -> None:
    """Refused; a second lead where that is asked for; left alone where only leads are meant."""
    contact, before = ids(synced, "Contact")[0], set(ids(synced, "Lead"))
    row = person(synced, contact)
    told = ask(synced, "change_owner", row, owner=QUEUE, only="lead")
    assert (told.state, told.code) == ("done", "skipped")
    assert ask(synced, "change_owner", row, owner=QUEUE).code == "queue"
    assert set(ids(synced, "Lead")) == before
    assert ask(synced, "change_owner", row, owner=QUEUE, duplicate=True).ok
    (second,) = set(ids(synced, "Lead")) - before
    assert there(synced, "Lead", second, "OwnerId") == ids(synced, "Group")[1]


@pytest.mark.rule("R-118")
def test_what_the_crm_says_of_a_contacts_owner_is_shown(synced: Simulated) -> None:
    """It is tried; where the CRM refuses, the owner stays and its words are told, with both ids."""
    contact = ids(synced, "Contact")[0]
    before, row = there(synced, "Contact", contact, "OwnerId"), person(synced, contact)
    said = "insufficient access rights on cross-reference id"
    synced.org.state.automation.plant({"triggers": [{"object": "Contact", "message": said, "code": CROSS}]})
    told = ask(synced, "sync_person", row, owner=ids(synced, "User")[-2])
    assert (told.state, told.code) == ("refused", CROSS)
    assert said in told.outcome
    assert contact in told.outcome
    assert there(synced, "Contact", contact, "OwnerId") == before
    assert synced.sql("SELECT row_id, code FROM crmsync_error") == [(row, CROSS)]


@pytest.mark.rule("R-067")
def test_a_person_whom_the_crm_lacks_becomes_the_new_owners_lead(synced: Simulated) -> None:
    """Sent first, and given to whom was named."""
    owner = ids(synced, "User")[-2]
    told = ask(synced, "change_owner", local(synced, last_name="Roe", company="Roe"), owner=owner)
    assert told.ok, told
    assert there(synced, "Lead", str(told.crm_id), "OwnerId") == owner


def test_an_owner_who_left_is_refused(synced: Simulated) -> None:
    """An inactive user owns nothing: the CRM's words, and the record stays where it was."""
    lead, gone = ids(synced, "Lead")[0], ids(synced, "User")[-2]
    before = there(synced, "Lead", lead, "OwnerId")
    synced.org.update("User", gone, {"IsActive": False})
    told = ask(synced, "change_owner", person(synced, lead), owner=gone)
    assert (told.state, told.code) == ("refused", "INACTIVE_OWNER_OR_USER")
    assert there(synced, "Lead", lead, "OwnerId") == before
