"""Records merged in the CRM: one person remains, with all that hung on the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from support.records import ids, kinds, person, step, there, value
from support.simulated import Simulated

PEOPLE = ["Lead", "Contact"]
SCORE = "mkto71_Lead_Score__c"


def make(sim: Simulated, name: str, **values: Any) -> str:
    """One more lead or contact."""
    company = {"Company": "Roe Ltd", "OwnerId": ids(sim, "User")[-1]} if name == "Lead" else {}
    return sim.org.create(name, {"LastName": "Roe", **company, **values})


def replay(sim: Simulated, marks: list[tuple[Any, ...]]) -> None:
    """Let every feed begin again where it once stood, as after a restored backup."""
    for mark, obj, kind in marks:
        sim.sql("UPDATE crmsync_cursor SET mark = ?, resume = NULL WHERE object = ? AND kind = ?", mark, obj, kind)


MARKS = "SELECT mark, object, kind FROM crmsync_cursor WHERE kind <> 'load'"


@pytest.mark.rule("R-286")
@pytest.mark.parametrize("name", PEOPLE)
@pytest.mark.parametrize("losers", [1, 2])
def test_merged_records_are_one_person(sim: Simulated, name: str, losers: int) -> None:
    """The master's row remains, the others' ids lead to it, the others' rows are in the journal."""
    made = [make(sim, name, FirstName=f"{n}") for n in range(losers + 1)]
    sim.sync()
    row, gone = person(sim, made[0]), [person(sim, one) for one in made[1:]]
    sim.later()
    sim.org.merge(name, made[0], made[1:])
    summary = sim.sync()
    assert sim.sql("SELECT id, crm_id FROM person WHERE last_name = 'Roe'") == [(row, made[0])]
    assert [person(sim, one) for one in made] == [row] * len(made)
    assert step(summary, name, "pull deletes")["deleted"] == losers
    assert kinds(sim, summary.run)["Persons Merged"] == losers
    kept = sim.sql("SELECT row_id FROM crmsync_journal WHERE field = '*' ORDER BY row_id")
    assert [one for (one,) in kept] == sorted(gone)
    found = sim.verify()
    assert (found.ok, found.different) == (True, [])


@pytest.mark.rule("R-288")
def test_a_lead_and_two_contacts_end_as_one_contact(sim: Simulated) -> None:
    """The lead is converted into one contact, another is merged in; all in one cycle or one after the other."""
    for at_once in (True, False):
        lead, contact, other = make(sim, "Lead"), make(sim, "Contact"), make(sim, "Contact")
        account = ids(sim, "Account")[0]
        for one in (contact, other):
            sim.org.update("Contact", one, {"AccountId": account})
        sim.sync()
        sim.later()
        sim.org.convert_lead(lead, account_id=account, contact_id=contact, opportunity=False)
        if not at_once:
            sim.sync()
            sim.later()
        sim.org.merge("Contact", contact, [other])
        sim.sync()
        sql = "SELECT crm_type, crm_id FROM person WHERE crm_id IN (?, ?, ?)"
        assert sim.sql(sql, lead, contact, other) == [("contact", contact)], at_once
        assert len({person(sim, one) for one in (lead, contact, other)}) == 1
        assert sim.verify().ok


@pytest.mark.rule("R-290")
@pytest.mark.parametrize("name", PEOPLE)
def test_the_masters_values_stay(sim: Simulated, name: str) -> None:
    """What the loser had is in the journal, whole; no edit comes of a value that the master has."""
    master, loser = make(sim, name, Title="CTO", FirstName="Ada"), make(sim, name, Title="CEO", FirstName="Eva")
    sim.sync()
    sim.later()
    sim.org.merge(name, master, [loser])
    run = sim.sync().run
    assert sim.sql("SELECT title, first_name FROM person WHERE crm_id = ?", master) == [("CTO", "Ada")]
    lost = json.loads(sim.one("SELECT old FROM crmsync_journal WHERE run = ? AND field = '*'", run))
    assert (lost["crm_id"], lost["title"], lost["first_name"]) == (loser, "CEO", "Eva")
    assert sim.sql("SELECT field FROM crmsync_edit WHERE field IN ('title', 'first_name')") == []


@pytest.mark.rule("R-291")
@pytest.mark.parametrize("name", PEOPLE)
def test_what_the_master_lacks_comes_from_the_loser(sim: Simulated, name: str) -> None:
    """A column that the CRM has too (it is sent there), and one of this side alone."""
    master, loser = make(sim, name), make(sim, name, Title="CEO")
    sim.sync()
    sim.sql("ALTER TABLE person ADD COLUMN shoe_size TEXT")
    sim.sql("UPDATE person SET shoe_size = '44' WHERE crm_id = ?", loser)
    sim.later()
    sim.org.merge(name, master, [loser])
    sim.sync()
    assert sim.sql("SELECT title, shoe_size FROM person WHERE crm_id = ?", master) == [("CEO", "44")]
    assert there(sim, name, master, "Title") == "CEO"
    sim.later()
    sim.org.update(name, master, {"Phone": "+1 555 0100"})
    sim.sync()
    assert sim.sql("SELECT title, shoe_size FROM person WHERE crm_id = ?", master) == [("CEO", "44")]


@pytest.mark.rule("R-292")
@pytest.mark.parametrize("name", PEOPLE)
def test_false_is_a_value(sim: Simulated, name: str) -> None:
    """The master's false stands against the loser's true; only null is filled."""
    master, loser = make(sim, name, DoNotCall=False), make(sim, name, DoNotCall=True)
    sim.sync()
    sim.sql("UPDATE person SET is_person_account = 1 WHERE crm_id = ?", loser)
    sim.later()
    sim.org.merge(name, master, [loser])
    sim.sync()
    assert sim.sql("SELECT do_not_call, is_person_account FROM person WHERE crm_id = ?", master) == [(0, 1)]


@pytest.mark.rule("R-293", "R-294")
@pytest.mark.parametrize("name", PEOPLE)
def test_standard_scores_are_added_up_once(sim: Simulated, name: str) -> None:
    """Three times ten is thirty, however often the feed tells of it; a score of one's own stays the master's."""
    made = [make(sim, name, **{SCORE: 10, "Budget__c": 10}) for _ in range(3)]
    sim.sync()
    marks = sim.sql(MARKS)
    sim.later()
    sim.org.merge(name, made[0], made[1:])
    sim.sync()
    assert sim.sql("SELECT score, budget__c FROM person WHERE crm_id = ?", made[0]) == [(30, 10)]
    replay(sim, marks)
    sim.sync()
    sim.org.update(name, made[0], {"Title": "CTO"})
    sim.sync()
    assert sim.sql("SELECT score, budget__c FROM person WHERE crm_id = ?", made[0]) == [(30, 10)]


@pytest.mark.rule("R-293", "R-297")
def test_a_merge_on_one_day_and_one_on_the_next(sim: Simulated) -> None:
    """Scores go on adding up, and activities of all three are the survivor's, each once."""
    made = [make(sim, "Lead", **{SCORE: 10}) for _ in range(3)]
    sim.sync()
    for one in made:
        sim.sql("INSERT INTO activity (person_id, kind, at, source, reason) VALUES (?, 'Visited', '2026', 'x', 'x')",
                person(sim, one))  # fmt: skip
    for loser in made[:2]:
        sim.later()
        sim.org.merge("Lead", made[2], [loser])
        sim.sync()
    assert value(sim, "score", made[2]) == 30
    sql = "SELECT person_id, COUNT(*) FROM activity WHERE kind = 'Visited' GROUP BY person_id"
    assert sim.sql(sql) == [(person(sim, made[2]), 3)]


@pytest.mark.rule("R-298")
def test_memberships_follow_the_survivor(sim: Simulated) -> None:
    """Members of the losers are the survivor's; of a double membership one is left."""
    both, one = ids(sim, "Campaign")[:2]
    master, loser = make(sim, "Contact"), make(sim, "Contact")
    for campaign, contact in ((both, master), (both, loser), (one, loser)):
        sim.org.create("CampaignMember", {"CampaignId": campaign, "ContactId": contact, "Status": "Sent"})
    sim.sync()
    sim.later()
    sim.org.merge("Contact", master, [loser])
    sim.sync()
    sql = """SELECT m.campaign_crm_id, l.row_id
             FROM campaign_member m JOIN crmsync_link l ON l.crm_id = m.contact_crm_id
             WHERE m.contact_crm_id IN (?, ?) ORDER BY 1"""
    row = person(sim, master)
    assert sim.sql(sql, master, loser) == sorted([(both, row), (one, row)])


@pytest.mark.rule("R-299")
def test_custom_object_rows_of_the_loser_are_the_survivors(tmp_path: Path) -> None:
    """Through the link, at once: even before the CRM has moved the reference."""
    sim = Simulated(tmp_path / "m.db", objects={"enable": ["Subscription__c"]})
    master, loser = make(sim, "Contact"), make(sim, "Contact")
    sim.org.create("Subscription__c", {"Contact__c": loser, "Plan__c": "Basic"})
    sim.sync()
    sim.later()
    sim.org.merge("Contact", master, [loser])
    sql = """SELECT l.row_id FROM subscription__c s JOIN crmsync_link l ON l.crm_id = s.contact__c
             WHERE s.contact__c IN (?, ?)"""
    sim.sync(objects=["Contact"])
    assert sim.sql(sql, master, loser) == [(person(sim, master),)]
    sim.sync()
    assert sim.sql(sql, master, loser) == [(person(sim, master),)]


@pytest.mark.rule("R-300")
@pytest.mark.parametrize("name", PEOPLE)
def test_a_merged_id_never_comes_back(sim: Simulated, name: str) -> None:
    """Whatever the feeds say of the loser afterwards, nothing is inserted, overwritten, flagged or removed."""
    master, loser = make(sim, name, Title="CTO"), make(sim, name, Title="CEO")
    sim.sync()
    marks = sim.sql(MARKS)
    sim.later()
    sim.org.update(name, loser, {"Title": "late"})
    sim.org.merge(name, master, [loser])
    sim.sync()
    before = sim.sql("SELECT * FROM person")
    replay(sim, marks)
    assert sim.sync().counts.touched == 0
    sim.org.hard_delete(name, loser)
    replay(sim, marks)
    assert sim.sync().counts.touched == 0
    assert sim.sql("SELECT * FROM person") == before
    assert person(sim, loser) == person(sim, master)
