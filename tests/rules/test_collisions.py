"""One side changed, or both: who wins, field by field."""

from __future__ import annotations

from datetime import timedelta

import pytest

from support.records import ids, step, value
from support.simulated import Simulated

SETTLED = "SELECT field, old, new, side, rule FROM crmsync_journal WHERE run = ? ORDER BY field"


def here(sim: Simulated, crm_id: str, **values: object) -> None:
    """Any program edits the person."""
    for column, new in values.items():
        sim.sql(f"UPDATE person SET {column} = ? WHERE crm_id = ?", new, crm_id)


def edits(sim: Simulated) -> dict[str, str]:
    """The open local edits by column."""
    return dict(sim.sql("SELECT field, state FROM crmsync_edit"))


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
    assert edits(sim) == {}
    assert sim.sql(SETTLED, summary.run) == [("title", old, "CTO", "crm", "pull")]


@pytest.mark.rule("R-084")
def test_of_a_lead_changed_on_both_sides_the_local_value_stands(sim: Simulated) -> None:
    """The edit stays open; the journal names the CRM's value and the rule; it is not asked again."""
    sim.sync()
    crm_id = ids(sim, "Lead")[0]
    here(sim, crm_id, title="mine")
    sim.later()
    sim.org.update("Lead", crm_id, {"Title": "theirs"})
    summary = sim.sync()
    assert value(sim, "title", crm_id) == "mine"
    assert edits(sim) == {"title": "pending"}
    assert sim.sql(SETTLED, summary.run) == [("title", "theirs", "mine", "marketing", "marketing-wins")]
    assert sim.sql(SETTLED, sim.sync().run) == []


@pytest.mark.rule("R-085")
def test_of_a_contact_changed_on_both_sides_the_crm_value_stands(sim: Simulated) -> None:
    """The edit is gone, and the journal has the loser."""
    sim.sync()
    crm_id = ids(sim, "Contact")[0]
    here(sim, crm_id, title="mine")
    sim.later()
    sim.org.update("Contact", crm_id, {"Title": "theirs"})
    summary = sim.sync()
    assert value(sim, "title", crm_id) == "theirs"
    assert edits(sim) == {}
    assert sim.sql(SETTLED, summary.run) == [("title", "mine", "theirs", "crm", "crm-wins")]


@pytest.mark.rule("R-084", "R-085", "R-088")
@pytest.mark.parametrize("name", ["Lead", "Contact"])
def test_the_same_value_on_both_sides_settles_it(sim: Simulated, name: str) -> None:
    """Both say the same: no loser, and no edit is left."""
    sim.sync()
    crm_id = ids(sim, name)[0]
    here(sim, crm_id, title="same")
    sim.later()
    sim.org.update(name, crm_id, {"Title": "same"})
    summary = sim.sync()
    assert (value(sim, "title", crm_id), edits(sim), sim.sql(SETTLED, summary.run)) == ("same", {}, [])


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
    assert edits(sim) == {"title": "pending"}


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
