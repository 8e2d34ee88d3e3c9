"""Owners stand beside the people and accounts they own."""

from __future__ import annotations

import pytest

from support.records import ids
from support.simulated import Simulated

OWNER = """SELECT owner_first_name, owner_last_name, owner_title, owner_phone, owner_email FROM person_full
           WHERE crm_id = ?"""
ACCOUNT_OWNER = """SELECT account_owner_first_name, account_owner_last_name, account_owner_email FROM person_full
                   WHERE crm_id = ?"""


def user(sim: Simulated, crm_id: str) -> tuple[object, ...]:
    """The user in the CRM, as far as the sync shows it."""
    one = sim.org.get("User", crm_id) or {}
    return (one["FirstName"], one["LastName"], one["Title"], one["Phone"], one["Email"])


@pytest.mark.rule("R-112")
@pytest.mark.parametrize("name", ["Lead", "Contact"])
def test_a_person_shows_its_owner(sim: Simulated, name: str) -> None:
    """Name, title, phone and e-mail; a change of the user, and of the owner, shows with the next cycle."""
    sim.org.update("User", ids(sim, "User")[-1], {"Phone": "+1 555 0100"})
    crm_id = sim.org.create(name, {"LastName": "Doe", "OwnerId": ids(sim, "User")[-1], **company(name)})
    sim.sync()
    assert sim.sql(OWNER, crm_id) == [user(sim, ids(sim, "User")[-1])]
    assert None not in sim.sql(OWNER, crm_id)[0]
    sim.later()
    sim.org.update("User", ids(sim, "User")[-1], {"Title": "VP", "FirstName": "Ada"})
    sim.sync()
    assert sim.sql(OWNER, crm_id)[0][:3] == ("Ada", user(sim, ids(sim, "User")[-1])[1], "VP")
    sim.later()
    sim.org.update(name, crm_id, {"OwnerId": ids(sim, "User")[-2]})
    sim.sync()
    assert sim.sql(OWNER, crm_id) == [user(sim, ids(sim, "User")[-2])]


def company(name: str) -> dict[str, str]:
    """What a lead needs beside its name."""
    return {"Company": "Doe Ltd"} if name == "Lead" else {}


@pytest.mark.rule("R-113")
def test_a_contact_shows_the_owner_of_its_account(sim: Simulated) -> None:
    """First name, last name and e-mail, which follow when the account changes hands; a lead has none."""
    sim.sync()
    account = ids(sim, "Account")[0]
    contact = next(one["Id"] for one in sim.org.records("Contact") if one["AccountId"] == account)
    first, last, _, _, email = user(sim, (sim.org.get("Account", account) or {})["OwnerId"])
    assert sim.sql(ACCOUNT_OWNER, contact) == [(first, last, email)]
    sim.later()
    other = ids(sim, "User")[0]
    sim.org.update("Account", account, {"OwnerId": other})
    sim.sync()
    first, last, _, _, email = user(sim, other)
    assert sim.sql(ACCOUNT_OWNER, contact) == [(first, last, email)]
    assert sim.sql(ACCOUNT_OWNER, ids(sim, "Lead")[0]) == [(None, None, None)]


@pytest.mark.rule("R-114")
def test_a_lead_of_a_queue_shows_no_owner_until_a_user_takes_it(sim: Simulated) -> None:
    """All five columns are null; the queue itself can be found through the reference."""
    queue, taker = ids(sim, "Group")[0], ids(sim, "User")[-1]
    lead = sim.org.create("Lead", {"LastName": "Roe", "Company": "Roe Ltd", "OwnerId": queue})
    sim.sync()
    assert sim.sql(OWNER, lead) == [(None, None, None, None, None)]
    sql = "SELECT q.crm_id FROM person p JOIN queue q ON q.crm_id = p.owner_crm_id WHERE p.crm_id = ?"
    assert sim.sql(sql, lead) == [(queue,)]
    sim.later()
    sim.org.update("Lead", lead, {"OwnerId": taker})
    sim.sync()
    assert sim.sql(OWNER, lead) == [user(sim, taker)]
