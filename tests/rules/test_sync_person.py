"""A person sent to the CRM at a marketer's wish: made there once, owned by whom they name, sent again when edited."""

from __future__ import annotations

from typing import Any

import pytest

from support.marketer import ask, local
from support.records import everything, ids, person, there, value
from support.simulated import Simulated


@pytest.fixture
def synced(sim: Simulated) -> Simulated:
    """After the first load."""
    sim.sync()
    return sim


def leads(sim: Simulated) -> set[str]:
    """The living leads."""
    return set(ids(sim, "Lead"))


@pytest.mark.rule("R-054")
def test_a_person_of_this_side_becomes_a_lead_at_once(synced: Simulated) -> None:
    """With all values that may move, without a cycle; the next cycle changes nothing and both sides agree."""
    before = leads(synced)
    row = local(synced, last_name="Roe", first_name="Ann", company="Roe Ltd", email="ann@roe.example", score=7)
    told = ask(synced, "sync_person", row)
    assert told.ok, told
    (made,) = leads(synced) - before
    assert told.crm_id == made
    fields = ("LastName", "FirstName", "Company", "Email", "mkto71_Lead_Score__c")
    assert there(synced, "Lead", made, *fields) == ("Roe", "Ann", "Roe Ltd", "ann@roe.example", 7)
    assert synced.sql("SELECT crm_id, crm_type FROM person WHERE id = ?", row) == [(made, "lead")]
    synced.sync()
    assert person(synced, made) == row
    assert leads(synced) - before == {made}
    assert synced.verify().ok
