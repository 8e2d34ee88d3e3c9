"""One side changed, or both: who wins, field by field."""

from __future__ import annotations

from datetime import timedelta

import pytest

from support.records import edit_first, everything, ids, person, step, there, value
from support.simulated import Simulated

SETTLED = "SELECT field, old, new, side, rule FROM crmsync_journal WHERE run = ? ORDER BY id"


def here(sim: Simulated, crm_id: str, **values: object) -> None:
    """Any program edits the person."""
    for column, new in values.items():
        sim.sql(f"UPDATE person SET {column} = ? WHERE crm_id = ?", new, crm_id)


def open_edits(sim: Simulated) -> list[tuple[str, str]]:
    """The local edits that are not settled yet."""
    return sim.sql("SELECT field, state FROM crmsync_edit WHERE state <> 'done'")


@pytest.mark.rule("R-081")
def test_a_new_lead_and_a_new_contact_become_persons(sim: Simulated) -> None:
    """One row each, counted new, of the type they have in the CRM."""
    sim.sync()
    sim.later()
    lead = sim.org.create("Lead", {"LastName": "Roe", "Company": "Roe Ltd"})
    contact = sim.org.create("Contact", {"LastName": "Doe", "AccountId": ids(sim, "Account")[0]})
    summary = sim.sync()
    assert (step(summary, "Lead")["new"], step(summary, "Contact")["new"]) == (1, 1)
    sql = "SELECT crm_type, crm_id, last_name FROM person WHERE id > 30 ORDER BY crm_type"
    assert sim.sql(sql) == [("contact", contact, "Doe"), ("lead", lead, "Roe")]


@pytest.mark.rule("R-082", "R-083")
@pytest.mark.parametrize("name", ["Lead", "Contact"])
def test_a_change_in_the_crm_alone_is_taken(sim: Simulated, name: str) -> None:
    """The row has the value, the journal the old one, and no local edit comes of it."""
    sim.sync()
    crm_id = ids(sim, name)[0]
    old = value(sim, "title", crm_id)
    sim.later()
    sim.org.update(name, crm_id, {"Title": "CTO"})
    summary = sim.sync()
    assert step(summary, name)["updated"] == 1
    assert value(sim, "title", crm_id) == "CTO"
    assert open_edits(sim) == []
    assert sim.sql(SETTLED, summary.run) == [("title", old, "CTO", "crm", "pull")]


@pytest.mark.rule("R-008", "R-082", "R-083", "R-365")
@pytest.mark.parametrize("name", ["Lead", "Contact"])
def test_a_change_here_alone_is_sent(sim: Simulated, name: str) -> None:
    """With the next cycle, and only what changed; many records share a call."""
    sim.sync()
    for crm_id in ids(sim, name):
        here(sim, crm_id, title=f"of {crm_id}")
    before = {crm_id: dict(there(sim, name, crm_id)) for crm_id in ids(sim, name)}
    sim.later()
    summary = sim.sync()
    for crm_id, old in before.items():
        new = there(sim, name, crm_id)
        moved = {field for field in old if old[field] != new[field]}
        assert "Title" in moved <= {"Title", "SystemModstamp", "LastModifiedDate", "LastModifiedById"}
        assert new["Title"] == f"of {crm_id}"
    pushed = step(summary, name, "push updates")
    assert (pushed["updated"], pushed["failed"], pushed["calls"]) == (len(before), 0, 2)  # one to read, one to write
    assert sim.verify().ok


@pytest.mark.rule("R-091")
def test_what_was_sent_does_not_come_back(sim: Simulated) -> None:
    """The record has moved in the CRM by our own hand: skipped, no journal, no activity, no edit."""
    sim.sync()
    crm_id = ids(sim, "Lead")[0]
    here(sim, crm_id, title="mine")
    sim.sync()
    summary = sim.sync()
    assert (step(summary, "Lead")["skipped"], step(summary, "Lead")["updated"]) == (1, 0)
    assert sim.sql(SETTLED, summary.run) == sim.sql("SELECT * FROM activity") == []
    assert step(summary, "Lead", "push updates")["updated"] == 0


@pytest.mark.rule("R-091")
def test_a_change_of_the_crm_behind_our_own_is_not_swallowed(sim: Simulated) -> None:
    """Somebody in the CRM edits what we have just written, in that very second too."""
    sim.sync()
    crm_id = ids(sim, "Lead")[0]
    here(sim, crm_id, title="mine", phone="+1 555 0100")
    sim.sync()
    sim.org.update("Lead", crm_id, {"Title": "theirs"})
    sim.sync()
    assert sim.sql("SELECT title, phone FROM person WHERE crm_id = ?", crm_id) == [("theirs", "+1 555 0100")]
    assert sim.verify().ok


@pytest.mark.rule("R-093")
@pytest.mark.parametrize("name", ["Lead", "Contact"])
def test_an_emptied_value_is_emptied_there(sim: Simulated, name: str) -> None:
    """Null travels like any value; what may not be empty there is refused before it is sent, and told."""
    crm_id = edit_first(sim, name, {"Title": "CTO"})
    sim.sync()
    here(sim, crm_id, title=None, last_name=None)
    summary = sim.sync()
    assert there(sim, name, crm_id, "Title") is None
    assert there(sim, name, crm_id, "LastName")
    assert step(summary, name, "push updates")["updated"] == 1
    ((said, hint),) = sim.sql("SELECT message, hint FROM crmsync_error")
    assert crm_id in said
    assert "last_name" in said
    assert "empty" in said
    assert f"person {person(sim, crm_id)}" in hint


@pytest.mark.rule("R-084")
def test_of_a_lead_changed_on_both_sides_the_local_value_stands(sim: Simulated) -> None:
    """It goes to the CRM; the journal names the CRM's value and the rule."""
    sim.sync()
    crm_id = ids(sim, "Lead")[0]
    here(sim, crm_id, title="mine")
    sim.later()
    sim.org.update("Lead", crm_id, {"Title": "theirs"})
    summary = sim.sync()
    assert value(sim, "title", crm_id) == there(sim, "Lead", crm_id, "Title") == "mine"
    assert open_edits(sim) == []
    won, sent = (
        ("title", "theirs", "mine", "marketing", "marketing-wins"),
        ("title", "theirs", "mine", "marketing", "push"),
    )
    assert sim.sql(SETTLED, summary.run) == [won, sent]
    assert sim.sql(SETTLED, sim.sync().run) == []


@pytest.mark.rule("R-085")
def test_of_a_contact_changed_on_both_sides_the_crm_value_stands(sim: Simulated) -> None:
    """The edit is gone, nothing is sent, and the journal has the loser."""
    sim.sync()
    crm_id = ids(sim, "Contact")[0]
    here(sim, crm_id, title="mine")
    sim.later()
    sim.org.update("Contact", crm_id, {"Title": "theirs"})
    summary = sim.sync()
    assert value(sim, "title", crm_id) == there(sim, "Contact", crm_id, "Title") == "theirs"
    assert open_edits(sim) == []
    assert sim.sql(SETTLED, summary.run) == [("title", "mine", "theirs", "crm", "crm-wins")]


@pytest.mark.rule("R-084", "R-085", "R-088")
@pytest.mark.parametrize("name", ["Lead", "Contact"])
def test_the_same_value_on_both_sides_settles_it(sim: Simulated, name: str) -> None:
    """Both say the same: no loser, nothing is sent, and no edit is left."""
    sim.sync()
    crm_id = ids(sim, name)[0]
    here(sim, crm_id, title="same")
    sim.later()
    sim.org.update(name, crm_id, {"Title": "same"})
    summary = sim.sync()
    assert (value(sim, "title", crm_id), open_edits(sim), sim.sql(SETTLED, summary.run)) == ("same", [], [])
    assert step(summary, name, "push updates")["updated"] == 0


@pytest.mark.rule("R-088")
@pytest.mark.parametrize("name", ["Lead", "Contact"])
@pytest.mark.parametrize("first", ["here", "there"])
@pytest.mark.parametrize("skew", [-3600, 0, 3600])
def test_edits_of_different_fields_both_survive(sim: Simulated, name: str, first: str, skew: int) -> None:
    """It is judged field by field, against the base: neither order nor clocks that differ by an hour matter."""
    sim.sync()
    crm_id = ids(sim, name)[0]
    sim.later(7200)

    def local() -> None:
        here(sim, crm_id, title="mine")
        at = (sim.clock.now() + timedelta(seconds=skew)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
        sim.sql("UPDATE crmsync_edit SET edited_at = ?", at)

    if first == "here":
        local()
    sim.org.update(name, crm_id, {"Phone": "+1 555 0100"})
    if first == "there":
        local()
    sim.sync()
    assert sim.sql("SELECT title, phone FROM person WHERE crm_id = ?", crm_id) == [("mine", "+1 555 0100")]
    assert there(sim, name, crm_id, "Title", "Phone") == ("mine", "+1 555 0100")


@pytest.mark.rule("R-091")
def test_a_value_that_comes_back_is_no_change(sim: Simulated) -> None:
    """The sync's own user writes what is already here: skipped, no journal, no activity, the version renewed."""
    sim.sync()
    crm_id = ids(sim, "Lead")[0]
    sim.later()
    sim.org.update("Lead", crm_id, {"Title": value(sim, "title", crm_id)}, user="full")
    old = sim.one("SELECT modified_at FROM crmsync_link WHERE crm_id = ?", crm_id)
    summary = sim.sync()
    assert (step(summary, "Lead")["skipped"], step(summary, "Lead")["updated"]) == (1, 0)
    assert sim.sql(SETTLED, summary.run) == sim.sql("SELECT * FROM activity") == []
    assert sim.one("SELECT modified_at FROM crmsync_link WHERE crm_id = ?", crm_id) > old


@pytest.mark.rule("R-094", "R-097")
def test_account_edits_and_other_one_way_edits_stay_here(sim: Simulated) -> None:
    """Nothing of an account, an opportunity or a user is ever sent, and nothing of a contact's company."""
    sim.sync()
    before = everything(sim)
    for table, column in (("account", "industry"), ("opportunity", "next_step"), ("crm_user", "title")):
        sim.sql(f"UPDATE {table} SET {column} = 'mine'")
    sim.sql("UPDATE person_full SET company = 'mine' WHERE crm_type = 'contact'")
    summary = sim.sync()
    assert everything(sim) == before
    assert [one for one in summary.steps if one["operation"] == "push updates" and one["updated"]] == []
