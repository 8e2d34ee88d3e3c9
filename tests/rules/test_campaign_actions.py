"""Persons added to campaigns, moved in them and removed, at a marketer's wish."""

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


def campaign(sim: Simulated) -> str:
    """A campaign."""
    return ids(sim, "Campaign")[0]


def members(sim: Simulated) -> dict[str, str]:
    """The members of the campaign: lead or contact to status."""
    held = (one for one in sim.org.records("CampaignMember") if one["CampaignId"] == campaign(sim))
    return {str(one["ContactId"] or one["LeadId"]): str(one["Status"]) for one in held}


def outsider(sim: Simulated, name: str = "Lead") -> str:
    """A record that is no member."""
    return next(one for one in ids(sim, name) if one not in members(sim))


def statuses(sim: Simulated) -> list[str]:
    """The statuses of the campaign."""
    held = (one for one in sim.org.records("CampaignMemberStatus") if one["CampaignId"] == campaign(sim))
    return [str(one["Label"]) for one in held]


@pytest.mark.rule("R-152")
@pytest.mark.parametrize("name", ["Lead", "Contact"])
def test_a_person_becomes_a_member_with_the_chosen_status(synced: Simulated, name: str) -> None:
    """The row comes with the next pull."""
    crm_id, status = outsider(synced, name), statuses(synced)[-1]
    told = ask(synced, "add_to_campaign", person(synced, crm_id), campaign=campaign(synced), status=status)
    assert told.ok, told
    assert members(synced)[crm_id] == status
    synced.sync()
    assert synced.one("SELECT status FROM campaign_member WHERE crm_id = ?", told.crm_id) == status
    assert synced.verify().ok


@pytest.mark.rule("R-153")
def test_a_member_is_left_alone(synced: Simulated) -> None:
    """Skipped, and the status stays as it was."""
    crm_id, status = outsider(synced), statuses(synced)
    row = person(synced, crm_id)
    ask(synced, "add_to_campaign", row, campaign=campaign(synced), status=status[-1])
    told = ask(synced, "add_to_campaign", row, campaign=campaign(synced), status=status[0])
    assert (told.state, told.code) == ("done", "skipped")
    assert members(synced)[crm_id] == status[-1]


@pytest.mark.rule("R-154")
@pytest.mark.parametrize("known", [False, True])
def test_a_status_is_changed_or_the_person_added_with_it(synced: Simulated, known: bool) -> None:
    """Whether the membership is known here or not."""
    crm_id, status = outsider(synced), statuses(synced)
    row = person(synced, crm_id)
    assert ask(synced, "change_status", row, campaign=campaign(synced), status=status[0]).ok
    assert members(synced)[crm_id] == status[0]
    if known:
        synced.sync()
    told = ask(synced, "change_status", row, campaign=campaign(synced), status=status[-1])
    assert told.ok, told
    assert members(synced)[crm_id] == status[-1]
    synced.sync()
    assert synced.verify().ok


def test_a_membership_that_ended_unseen_is_made_anew(synced: Simulated) -> None:
    """Known here, removed in the CRM meanwhile: changing the status adds the person again."""
    crm_id, status = outsider(synced), statuses(synced)[0]
    row = person(synced, crm_id)
    made = ask(synced, "add_to_campaign", row, campaign=campaign(synced)).crm_id
    synced.sync()
    synced.org.delete("CampaignMember", str(made))
    told = ask(synced, "change_status", row, campaign=campaign(synced), status=status)
    assert told.ok, told
    assert members(synced)[crm_id] == status


@pytest.mark.rule("R-155")
def test_a_membership_ends_and_no_membership_is_left_alone(synced: Simulated) -> None:
    """Removed once; the second time, and for a person of this side alone, there is nothing to do."""
    crm_id = outsider(synced)
    row = person(synced, crm_id)
    ask(synced, "add_to_campaign", row, campaign=campaign(synced))
    told = ask(synced, "remove_from_campaign", row, campaign=campaign(synced))
    assert (told.ok, told.code) == (True, "")
    assert crm_id not in members(synced)
    assert ask(synced, "remove_from_campaign", row, campaign=campaign(synced)).code == "skipped"
    alone = local(synced, last_name="Roe", company="Roe")
    told = ask(synced, "remove_from_campaign", alone, campaign=campaign(synced))
    assert (told.code, synced.one("SELECT crm_id FROM person WHERE id = ?", alone)) == ("skipped", None)
    synced.sync()
    assert synced.verify().ok


@pytest.mark.rule("R-065", "R-066")
@pytest.mark.parametrize("kind", ["add_to_campaign", "change_status"])
def test_a_person_whom_the_crm_lacks_is_sent_first(synced: Simulated, kind: str) -> None:
    """A lead, and a member."""
    row = local(synced, last_name="Roe", company="Roe")
    told = ask(synced, kind, row, campaign=campaign(synced), status=statuses(synced)[-1])
    assert told.ok, told
    lead = synced.one("SELECT crm_id FROM person WHERE id = ?", row)
    assert members(synced)[lead] == statuses(synced)[-1]
    assert lead in told.outcome


@pytest.mark.rule("R-070")
def test_a_person_in_the_crm_is_not_sent_again(synced: Simulated) -> None:
    """What waits of them goes on waiting for the push."""
    crm_id = outsider(synced)
    synced.sql("UPDATE person SET title = 'Chief' WHERE crm_id = ?", crm_id)
    before = len(ids(synced, "Lead"))
    assert ask(synced, "add_to_campaign", person(synced, crm_id), campaign=campaign(synced)).ok
    assert len(ids(synced, "Lead")) == before
    assert synced.sql("SELECT field, state FROM crmsync_edit") == [("title", "pending")]


@pytest.mark.rule("R-071")
@pytest.mark.parametrize(
    ("kind", "wish"),
    [
        ("add_to_campaign", {}), ("change_status", {"status": "Sent"}), ("change_owner", {"owner": "Partner Queue"}),
        ("convert_person", {"confirmed": True}), ("create_task", {"subject": "Call"}),
    ],
)  # fmt: skip
def test_within_a_linked_program_nobody_is_sent_along(synced: Simulated, kind: str, wish: dict[str, object]) -> None:
    """Refused, with what to do instead."""
    row, before = local(synced, last_name="Roe", company="Roe"), len(ids(synced, "Lead"))
    where = {"campaign": campaign(synced)} if "campaign" in kind or "status" in kind else {}
    told = ask(synced, kind, row, within_program=True, **where, **wish)
    assert (told.state, told.code) == ("refused", "program")
    assert "sync the person first" in told.outcome
    assert len(ids(synced, "Lead")) == before


def test_a_campaign_or_status_that_is_not_there_is_refused(synced: Simulated) -> None:
    """With what there is."""
    row, name = person(synced, outsider(synced)), next(one["Name"] for one in synced.org.records("Campaign"))
    told = ask(synced, "add_to_campaign", row, campaign=f"{name}s")
    assert (told.state, told.code) == ("refused", "campaign")
    assert name in told.outcome
    told = ask(synced, "add_to_campaign", row, campaign=campaign(synced), status="Asleep")
    assert told.state == "refused"
    assert statuses(synced)[0] in told.outcome
