"""Persons merged at a marketer's wish: in the CRM where it has them, and here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crmsync_salesforce.simulator import Org
from support.marketer import ask, local
from support.records import ids, kinds, person, there
from support.simulated import Simulated

SCORE = "mkto71_Lead_Score__c"
PEOPLE = ["Lead", "Contact"]


@pytest.fixture
def synced(sim: Simulated) -> Simulated:
    """After the first load."""
    sim.sync()
    return sim


def make(sim: Simulated, name: str, last_name: str, **values: Any) -> str:
    """One more lead or contact, pulled."""
    company = {"Company": "Roe Ltd"} if name == "Lead" else {}
    crm_id = sim.org.create(name, {"LastName": last_name, **company, **values})
    sim.sync()
    return crm_id


def row_of(sim: Simulated, row: int) -> tuple[Any, ...]:
    """What the person is."""
    ((crm_id, crm_type, last_name, title, score),) = sim.sql(
        "SELECT crm_id, crm_type, last_name, title, score FROM person WHERE id = ?", row
    )
    return crm_id, crm_type, last_name, title, score


@pytest.mark.rule("R-287", "R-290", "R-291", "R-295", "R-296", "R-297")
@pytest.mark.parametrize("name", PEOPLE)
def test_two_records_become_one_on_both_sides(synced: Simulated, name: str) -> None:
    """The first named keeps row and values, its gaps are filled, scores are not added up, activities are its own."""
    first = make(synced, name, "Roe", **{SCORE: 10})
    second = make(synced, name, "Doe", Title="Chief", **{SCORE: 5})
    keep, lose = person(synced, first), person(synced, second)
    synced.sql("INSERT INTO activity (person_id, kind, at) VALUES (?, 'Visited Page', '2026-01-01')", lose)
    told = ask(synced, "merge_persons", keep, others=[lose])
    assert told.ok, told
    assert (first in ids(synced, name), second in ids(synced, name)) == (True, False)
    assert row_of(synced, keep) == (first, name.lower(), "Roe", "Chief", 10)
    assert synced.sql("SELECT 1 FROM person WHERE id = ?", lose) == []
    assert person(synced, second) == keep
    assert synced.one("SELECT person_id FROM activity WHERE kind = 'Visited Page'") == keep
    assert there(synced, name, first, "Title", SCORE) == ("Chief", 10)
    synced.sync()
    assert row_of(synced, keep) == (first, name.lower(), "Roe", "Chief", 10)
    assert kinds(synced)["Persons Merged"] == 1
    assert synced.verify().ok


@pytest.mark.rule("R-292", "R-295")
def test_values_are_chosen_by_whoever_merges(synced: Simulated) -> None:
    """Another's, or new ones; false is a value."""
    first, second = make(synced, "Lead", "Roe", Title="Old"), make(synced, "Lead", "Doe", HasOptedOutOfEmail=True)
    keep, lose = person(synced, first), person(synced, second)
    told = ask(synced, "merge_persons", keep, others=[lose], values={"last_name": "Doe", "title": "New"})
    assert told.ok, told
    assert row_of(synced, keep)[2:4] == ("Doe", "New")
    assert there(synced, "Lead", first, "LastName", "Title", "HasOptedOutOfEmail") == ("Doe", "New", False)
    synced.sync()
    assert synced.verify().ok


@pytest.mark.rule("R-288", "R-289", "R-302")
@pytest.mark.parametrize("lead_first", [False, True])
def test_a_lead_and_a_contact_end_as_the_contact(synced: Simulated, lead_first: bool) -> None:
    """The lead is converted first, without an opportunity; whoever was named first keeps the row."""
    lead, contact = make(synced, "Lead", "Doe", Title="Chief"), make(synced, "Contact", "Roe")
    deals, accounts = len(ids(synced, "Opportunity")), len(ids(synced, "Account"))
    keep, lose = person(synced, contact), person(synced, lead)
    keep, lose = (lose, keep) if lead_first else (keep, lose)
    told = ask(synced, "merge_persons", keep, others=[lose])
    assert told.ok, told
    assert row_of(synced, keep)[:4] == (contact, "contact", "Roe", "Chief")
    assert synced.sql("SELECT 1 FROM person WHERE id = ?", lose) == []
    assert person(synced, lead) == person(synced, contact) == keep
    living = [one for one in ids(synced, "Contact") if there(synced, "Contact", one, "LastName") in ("Roe", "Doe")]
    assert (living, there(synced, "Lead", lead, "IsConverted")) == ([contact], True)
    assert (len(ids(synced, "Opportunity")), len(ids(synced, "Account"))) == (deals, accounts + 1)
    synced.sync()
    assert person(synced, lead) == person(synced, contact) == keep
    assert synced.verify().ok


@pytest.mark.rule("R-296", "R-302")
def test_a_record_of_the_crm_beats_a_person_of_this_side(synced: Simulated) -> None:
    """Whoever is named first keeps the row; the record and its values are the CRM's, gaps are filled and sent."""
    lead = make(synced, "Lead", "Roe")
    old, alone = person(synced, lead), local(synced, last_name="Doe", title="Chief")
    told = ask(synced, "merge_persons", alone, others=[old])
    assert told.ok, told
    assert row_of(synced, alone)[:4] == (lead, "lead", "Roe", "Chief")
    assert person(synced, lead) == alone
    assert there(synced, "Lead", lead, "Title") == "Chief"
    synced.sync()
    assert synced.verify().ok


def test_two_persons_of_this_side_are_merged_here(synced: Simulated) -> None:
    """The CRM has no part in it."""
    first, second = local(synced, last_name="Roe"), local(synced, last_name="Doe", title="Chief")
    assert ask(synced, "merge_persons", first, others=[second]).ok
    assert row_of(synced, first) == (None, None, "Roe", "Chief", None)
    assert synced.one("SELECT COUNT(*) FROM crmsync_intent") == 0


def test_three_and_more_are_merged_at_once(synced: Simulated) -> None:
    """More than the CRM takes in one go, and one it does not have."""
    made = [make(synced, "Lead", f"Roe {n}") for n in range(4)]
    rows = [person(synced, one) for one in made]
    told = ask(synced, "merge_persons", rows[0], others=[*rows[1:], local(synced, last_name="Doe", phone="1")])
    assert told.ok, told
    assert [one for one in made if one in ids(synced, "Lead")] == made[:1]
    assert {person(synced, one) for one in made} == {rows[0]}
    assert there(synced, "Lead", made[0], "Phone") == "1"
    synced.sync()
    assert synced.verify().ok


@pytest.mark.rule("R-298")
def test_memberships_follow_the_survivor(synced: Simulated) -> None:
    """Of campaigns and of programs."""
    first, second = make(synced, "Lead", "Roe"), make(synced, "Lead", "Doe")
    keep, lose, campaign = person(synced, first), person(synced, second), ids(synced, "Campaign")[0]
    synced.org.create("CampaignMember", {"CampaignId": campaign, "LeadId": second})
    synced.sync()
    synced.sql("INSERT INTO program (name) VALUES ('Webinar')")
    synced.sql("INSERT INTO program_status (program_id, label, step) VALUES (1, 'Invited', 1)")
    synced.sql("INSERT INTO program_member (program_id, person_id) VALUES (1, ?)", lose)
    assert ask(synced, "merge_persons", keep, others=[lose]).ok
    assert synced.sql("SELECT person_id FROM program_member") == [(keep,)]
    synced.sync()
    assert synced.one("SELECT COUNT(*) FROM campaign_member WHERE lead_crm_id = ?", first) == 1
    assert synced.verify().ok


@pytest.mark.rule("R-301")
@pytest.mark.parametrize("known", [False, True])
def test_where_one_record_is_gone_nothing_is_merged(synced: Simulated, known: bool) -> None:
    """Known here or not; leaving the CRM out merges here alone."""
    first, second = make(synced, "Lead", "Roe"), make(synced, "Lead", "Doe", Title="Chief")
    keep, lose = person(synced, first), person(synced, second)
    synced.later()
    synced.org.delete("Lead", second)
    if known:
        synced.sync()
    told = ask(synced, "merge_persons", keep, others=[lose])
    assert (told.state, told.code) == ("refused", "gone")
    assert second in told.outcome
    assert synced.one("SELECT COUNT(*) FROM person WHERE id IN (?, ?)", keep, lose) == 2
    told = ask(synced, "merge_persons", keep, others=[lose], skip_crm=True)
    assert told.ok, told
    assert row_of(synced, keep)[:4] == (first, "lead", "Roe", "Chief")
    synced.sync()
    assert synced.verify().ok


@pytest.mark.rule("R-325")
def test_person_accounts_are_merged_in_the_crm(tmp_path: Path) -> None:
    """Refused here, with the reason; a person of this side alone may still go into one."""
    clock = Simulated(tmp_path / "m.db").clock
    sim = Simulated(tmp_path / "m.db", Org(records=4, seed=7, person_accounts=2, clock=clock))
    sim.sync()
    one, other = [one["PersonContactId"] for one in sim.org.records("Account") if one["IsPersonAccount"]]
    told = ask(sim, "merge_persons", person(sim, one), others=[person(sim, other)])
    assert (told.state, told.code) == ("refused", "person account")
    assert {one, other} <= set(ids(sim, "Contact"))
    assert ask(sim, "merge_persons", person(sim, one), others=[local(sim, last_name="Roe")]).ok


def test_what_cannot_be_merged_is_refused(synced: Simulated) -> None:
    """With itself, with nobody, with columns that nobody has."""
    row, other = local(synced, last_name="Roe"), local(synced, last_name="Doe")
    assert ask(synced, "merge_persons", row, others=[row]).code == "person"
    assert "999" in ask(synced, "merge_persons", row, others=[999]).outcome
    told = ask(synced, "merge_persons", row, others=[other], values={"titel": "x"})
    assert told.code == "value"
    assert "title" in told.outcome
    assert ask(synced, "merge_persons", row, others=[other], values={"crm_id": "x"}).code == "value"
