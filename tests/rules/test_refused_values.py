"""What the CRM would not take: nothing is cut, nothing is guessed, and the rest of the record goes all the same."""

from __future__ import annotations

import pytest

from support.records import everything, ids, person, there, value
from support.simulated import Simulated

NEEDED = {"Status", "FirstName", "LastName", "Email"}


@pytest.mark.rule("R-231")
def test_a_text_that_is_too_long_is_never_cut(sim: Simulated) -> None:
    """It stays here as it is and is an error with both ids; the record's other columns are sent."""
    sim.sync()
    crm_id = ids(sim, "Lead")[0]
    row, before = person(sim, crm_id), there(sim, "Lead", crm_id, "Title")
    sim.sql("UPDATE person SET title = ?, phone = '+1 555 0100' WHERE id = ?", "x" * 129, row)
    sim.sync()
    assert there(sim, "Lead", crm_id, "Title", "Phone") == (before, "+1 555 0100")
    assert value(sim, "title", crm_id) == "x" * 129
    ((obj, of, at, said),) = sim.sql("SELECT object, crm_id, row_id, message FROM crmsync_error")
    assert (obj, of, at) == ("Lead", crm_id, row)
    assert "129 characters, and the CRM takes 128" in str(said)


@pytest.mark.rule("R-089", "R-332")
def test_a_validation_rule_of_the_org_is_told_on_the_person(sim: Simulated) -> None:
    """The administrator's own words, an error with both ids, and nobody else is held up."""
    sim.sync()
    bad, good = ids(sim, "Contact")[:2]
    rule = {"object": "Contact", "field": "Title", "value": "Emperor", "message": "Nobody is emperor here."}
    sim.org.state.automation.plant({"validations": [rule]})
    sim.sql("UPDATE person SET title = 'Emperor' WHERE crm_id = ?", bad)
    sim.sql("UPDATE person SET title = 'CTO' WHERE crm_id = ?", good)
    sim.sync()
    assert there(sim, "Contact", good, "Title") == "CTO"
    ((at, of, said),) = sim.sql("SELECT row_id, crm_id, message FROM crmsync_error")
    assert (at, of) == (person(sim, bad), bad)
    assert "Nobody is emperor here." in str(said)
    ((reason,),) = sim.sql("SELECT reason FROM activity WHERE person_id = ? AND kind LIKE '%Refused'", at)
    assert "Nobody is emperor here." in str(reason)
    sim.org.state.automation.clear()
    sim.sql("UPDATE person SET title = 'CFO' WHERE crm_id = ?", bad)
    sim.sync()
    assert there(sim, "Contact", bad, "Title") == "CFO"
    assert sim.verify().ok


@pytest.mark.rule("R-111")
def test_an_accounts_name_is_never_written(sim: Simulated) -> None:
    """There is no setting that would: nothing of an account leaves."""
    sim.sync()
    before = everything(sim)
    sim.sql("UPDATE account SET name = 'mine'")
    sim.sql("UPDATE person_full SET company = 'mine' WHERE crm_type = 'contact' AND account_crm_id IS NOT NULL")
    sim.sync()
    assert everything(sim) == before


@pytest.mark.rule("R-251")
def test_few_fields_have_to_be_writable(sim: Simulated) -> None:
    """Where only status, names and e-mail may be written, those are sent, and edits of the others stay here."""
    rights = sim.org.user(sim.user)
    for name in ("Lead", "Contact"):
        kind = sim.org.state.objects[name]
        rights.fixed_fields |= {(name, one) for one in kind.fields if one not in NEEDED}
    sim.sync()
    crm_id = ids(sim, "Lead")[0]
    sim.sql("UPDATE person SET last_name = 'Roe', email = 'r@x.org', title = 'CTO' WHERE crm_id = ?", crm_id)
    before = there(sim, "Lead", crm_id, "Title")
    sim.sync()
    assert there(sim, "Lead", crm_id, "LastName", "Email", "Title") == ("Roe", "r@x.org", before)
    assert sim.sql("SELECT field, state FROM crmsync_edit WHERE state <> 'done'") == [("title", "local")]
    assert sim.sql("SELECT * FROM crmsync_error") == []
