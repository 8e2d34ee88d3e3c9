"""Deleted in the CRM, deleted here, and brought back."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.records import ids, kinds, step, value
from support.simulated import Simulated

PEOPLE = ["Lead", "Contact"]


@pytest.mark.rule("R-140", "R-161")
def test_what_is_deleted_in_the_crm_is_removed_here(tmp_path: Path) -> None:
    """The row goes, its link says why, and it counts under pull deletes; what it held is in the journal."""
    sim = Simulated(tmp_path / "m.db", objects={"enable": ["Subscription__c"]})
    sim.sync()
    tables = {"OpportunityContactRole": "opportunity_role", "CampaignMember": "campaign_member",
              "Opportunity": "opportunity", "Subscription__c": "subscription__c", "Task": "crm_activity"}  # fmt: skip
    gone = {name: ids(sim, name)[-1] for name in tables}
    sim.later()
    for name, crm_id in gone.items():
        sim.org.delete(name, crm_id)
    summary = sim.sync()
    for name, table in tables.items():
        assert step(summary, name, "pull deletes")["deleted"] >= 1, name
        assert sim.sql(f"SELECT 1 FROM {table} WHERE crm_id = ?", gone[name]) == [], name
        assert sim.one("SELECT role FROM crmsync_link WHERE crm_id = ?", gone[name]) == "deleted", name
    assert sim.one("SELECT COUNT(*) FROM crmsync_journal WHERE field = '*' AND old LIKE ?", f"%{gone['Task']}%") == 1
    found = sim.verify()
    assert (found.ok, found.different) == (True, [])


@pytest.mark.rule("R-308", "R-310", "R-319")
@pytest.mark.parametrize("name", PEOPLE)
def test_a_deleted_person_stays_and_is_flagged(sim: Simulated, name: str) -> None:
    """Type, id and values stay; the flag is journalled, logged and counted."""
    sim.sync()
    crm_id = ids(sim, name)[0]
    before = sim.sql("SELECT * FROM person WHERE crm_id = ?", crm_id)[0]
    sim.later()
    sim.org.delete(name, crm_id)
    summary = sim.sync()
    assert step(summary, name, "pull deletes")["deleted"] == 1
    after = sim.sql("SELECT * FROM person WHERE crm_id = ?", crm_id)[0]
    names = [row[1] for row in sim.sql("PRAGMA table_info(person)")]
    assert [one for one, old, new in zip(names, before, after, strict=True) if old != new] == ["crm_is_deleted"]
    assert value(sim, "crm_type", crm_id) == name.lower()
    sql = "SELECT field, old, new, side, rule FROM crmsync_journal WHERE run = ? AND entity = 'person'"
    assert sim.sql(sql, summary.run) == [("crm_is_deleted", 0, 1, "crm", "deleted")]
    sql = "SELECT kind, old_value, new_value FROM activity WHERE field = 'crm_is_deleted'"
    assert sim.sql(sql) == [("Change Data Value", 0, 1)]


@pytest.mark.rule("R-310")
def test_a_program_may_delete_the_persons_that_are_flagged(sim: Simulated) -> None:
    """The deletion here is noted, and no later cycle minds."""
    sim.sync()
    crm_id = ids(sim, "Lead")[0]
    sim.later()
    sim.org.delete("Lead", crm_id)
    sim.sync()
    sim.sql("DELETE FROM person WHERE crm_is_deleted = 1")
    assert sim.sql("SELECT entity, crm_id FROM crmsync_deleted") == [("person", crm_id)]
    assert sim.sync().counts.touched == 0
    assert sim.verify().ok


@pytest.mark.rule("R-319")
@pytest.mark.parametrize("name", PEOPLE)
def test_an_undeleted_person_loses_its_flag(sim: Simulated, name: str) -> None:
    """The same row, with the values of now; no second one is made."""
    sim.sync()
    crm_id = ids(sim, name)[0]
    row = value(sim, "id", crm_id)
    sim.later()
    sim.org.delete(name, crm_id)
    sim.sync()
    sim.later()
    sim.org.undelete(name, crm_id)
    sim.org.update(name, crm_id, {"Title": "back"})
    sim.sync()
    assert sim.sql("SELECT id, crm_is_deleted, title FROM person WHERE crm_id = ?", crm_id) == [(row, 0, "back")]
    assert sim.one("SELECT COUNT(*) FROM person") == 30
    assert sim.verify().ok


@pytest.mark.rule("R-313")
@pytest.mark.parametrize("name", PEOPLE)
def test_a_person_deleted_here_comes_back_when_the_crm_changes_it(sim: Simulated, name: str) -> None:
    """A mere re-read does not bring it; a change of the record makes a new row of it."""
    sim.sync()
    crm_id = ids(sim, name)[0]
    sim.later()
    sim.org.update(name, crm_id, {"Title": "CTO"})
    sim.use(lambda connection: connection.sync())
    old = value(sim, "id", crm_id)
    sim.sql("DELETE FROM person WHERE crm_id = ?", crm_id)
    sim.later(5)
    sim.use(lambda connection: connection.sync())  # the overlap brings the record once more
    sim.sync()
    assert sim.one("SELECT COUNT(*) FROM person WHERE crm_id = ?", crm_id) == 0
    sim.org.update(name, crm_id, {"Title": "CEO"})
    summary = sim.sync()
    assert step(summary, name)["new"] == 1
    assert value(sim, "title", crm_id) == "CEO"
    assert value(sim, "id", crm_id) != old
    assert kinds(sim, summary.run) == {"New Person": 1}
