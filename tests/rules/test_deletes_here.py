"""Persons deleted at a marketer's wish: here, in the CRM, or both."""

from __future__ import annotations

import pytest

from support.marketer import ask, local
from support.records import ids, person
from support.simulated import Simulated


@pytest.fixture
def synced(sim: Simulated) -> Simulated:
    """After the first load."""
    sim.sync()
    return sim


def present(sim: Simulated, name: str, crm_id: str, row: int) -> tuple[bool, bool]:
    """Whether the record is in the CRM, and the person here."""
    return crm_id in ids(sim, name), bool(sim.sql("SELECT 1 FROM person WHERE id = ?", row))


@pytest.mark.rule("R-311", "R-316")
@pytest.mark.parametrize("name", ["Lead", "Contact"])
def test_a_person_goes_on_both_sides_unless_told_otherwise(synced: Simulated, name: str) -> None:
    """For good: no later pull brings the person back; what the row held is in the journal."""
    crm_id = ids(synced, name)[0]
    row = person(synced, crm_id)
    told = ask(synced, "delete_person", row)
    assert told.ok, told
    assert present(synced, name, crm_id, row) == (False, False)
    synced.sync()
    synced.sync()
    assert present(synced, name, crm_id, row) == (False, False)
    assert synced.one("SELECT COUNT(*) FROM crmsync_journal WHERE field = '*' AND row_id = ?", row) == 1
    assert synced.verify().ok


@pytest.mark.rule("R-315")
def test_the_person_may_stay_here(synced: Simulated) -> None:
    """Flagged as deleted in the CRM."""
    lead = ids(synced, "Lead")[0]
    row = person(synced, lead)
    assert ask(synced, "delete_person", row, here=False).ok
    assert present(synced, "Lead", lead, row) == (False, True)
    assert synced.one("SELECT crm_is_deleted FROM person WHERE id = ?", row) == 1
    synced.sync()
    assert synced.verify().ok
    assert ask(synced, "delete_person", row, here=False).code == "skipped"


@pytest.mark.rule("R-311", "R-313")
def test_the_record_may_stay_in_the_crm(synced: Simulated) -> None:
    """The person comes back when the CRM changes it."""
    lead = ids(synced, "Lead")[0]
    row = person(synced, lead)
    assert ask(synced, "delete_person", row, in_crm=False).ok
    assert present(synced, "Lead", lead, row) == (True, False)
    synced.sync()
    assert present(synced, "Lead", lead, row) == (True, False)
    synced.org.update("Lead", lead, {"Title": "back"})
    synced.sync()
    assert synced.one("SELECT title FROM person WHERE crm_id = ?", lead) == "back"


def test_a_person_of_this_side_alone_goes_here(synced: Simulated) -> None:
    """There is nothing to delete in the CRM."""
    row = local(synced, last_name="Roe")
    assert ask(synced, "delete_person", row).ok
    assert synced.sql("SELECT 1 FROM person WHERE id = ?", row) == []


def test_what_the_crm_keeps_stays_here_too(synced: Simulated) -> None:
    """Not allowed there, so nothing is deleted here either; and naming no side is refused."""
    lead = ids(synced, "Lead")[0]
    row = person(synced, lead)
    synced.org.state.automation.plant({"locks": [{"id": lead, "times": 99}]})
    told = ask(synced, "delete_person", row, in_crm=False, here=False)
    assert (told.state, told.code) == ("refused", "nothing")
    synced.org.user("full").fixed_objects.add("Lead")
    synced.use(lambda connection: connection.sync())
    told = ask(synced, "delete_person", row)
    assert (told.state, told.code) == ("refused", "delete")
    assert "Grant" in told.outcome
    assert present(synced, "Lead", lead, row) == (True, True)
