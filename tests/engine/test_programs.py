"""A program and the campaign it is linked to: whatever moves on one side, the other follows, and nothing is lost."""

from __future__ import annotations

import pytest

from support.campaigns import LEFT, NOTICES, Fair, statuses, synced


def test_at_first_both_sides_get_each_others_members_and_the_later_step_counts(fair: Fair) -> None:
    """Who is a member on one side becomes one on the other; a second cycle has nothing left to do."""
    for crm_id, status in (("L1", "Seen"), ("K1", "Invited"), ("L2", "Invited")):
        fair.enters(crm_id, status)
    for crm_id, status in (("L1", "Invited"), ("K1", "Came"), ("L3", "Seen")):
        fair.joins(crm_id, status)
    fair.sync()
    fair.link()
    summary = fair.sync()
    both = {"L1": "Seen", "K1": "Came", "L2": "Invited", "L3": "Seen"}
    assert (fair.here, fair.there) == (both, both)
    steps = fair.steps(summary.run)
    assert steps["Campaign", "init link with program"]["updated"] == 1
    counted = steps["Campaign", "sync with program"]
    assert (counted["new"], counted["updated"], counted["failed"]) == (2, 2, 0)
    assert fair.one(LEFT) == 0
    written = len(fair.crm.written)
    assert synced(fair) == {}
    assert len(fair.crm.written) == written
    assert fair.verify().ok


def test_what_moves_on_one_side_moves_on_the_other(fair: Fair) -> None:
    """Joined, changed and left, here and there, each within one cycle."""
    fair.linked()
    fair.joins("L1")
    fair.enters("L2", "Seen")
    assert synced(fair)["new"] == 2
    assert fair.here == fair.there == {"L1": "Invited", "L2": "Seen"}
    fair.moves("L1", status="Came")
    fair.crm.tick()
    fair.crm.put("Member", "M-L2", Status="Came")
    assert synced(fair)["updated"] == 2
    assert fair.one(LEFT) == 0
    assert fair.here == fair.there == {"L1": "Came", "L2": "Came"}
    fair.leaves("L1")
    fair.crm.delete("Member", "M-L2")
    assert synced(fair)["deleted"] == 2
    assert fair.here == fair.there == {}
    assert synced(fair) == {}


def test_a_member_who_left_here_may_join_again_at_once(fair: Fair) -> None:
    """Left and joined between two cycles: the membership goes on; left, synced and joined: there is a new one."""
    fair.linked()
    fair.joins("L1", "Seen")
    fair.sync()
    fair.leaves("L1")
    fair.joins("L1", "Came")
    fair.sync()
    assert (fair.here, fair.there) == ({"L1": "Came"}, {"L1": "Came"})
    fair.leaves("L1")
    fair.sync()
    fair.joins("L1")
    fair.sync()
    assert (fair.here, fair.there) == ({"L1": "Invited"}, {"L1": "Invited"})


def test_who_joins_again_while_the_crm_ends_the_membership_is_a_new_member(fair: Fair) -> None:
    """The end that was asked for before is not taken for an end of the new membership."""
    fair.linked()
    fair.joins("L1", "Seen")
    fair.sync()
    fair.leaves("L1")

    def again() -> None:
        fair.crm.after_apply = lambda: None
        fair.joins("L1", "Came")

    fair.crm.after_apply = again
    fair.sync()
    fair.sync()
    assert fair.here == fair.there == {"L1": "Came"}


def test_a_step_back_in_the_crm_is_shown_but_not_followed_and_not_undone(fair: Fair) -> None:
    """`campaign_member` has the CRM's status, the program the later one; the next step forward counts again."""
    fair.linked()
    fair.joins("L1", "Came")
    fair.sync()
    ((crm_id,),) = fair.sql("SELECT crm_id FROM campaign_member")
    fair.crm.tick()
    fair.crm.put("Member", crm_id, Status="Invited")
    assert synced(fair)["skipped"] == 1
    assert (fair.here, fair.there) == ({"L1": "Came"}, {"L1": "Invited"})
    assert fair.one("SELECT status FROM campaign_member") == "Invited"
    fair.crm.tick()
    fair.crm.put("Member", crm_id, Status="Seen")
    fair.sync()
    assert (fair.here, fair.there) == ({"L1": "Came"}, {"L1": "Seen"})
    assert fair.sql("SELECT * FROM crmsync_edit WHERE state NOT IN ('local', 'done')") == []


def test_a_program_ignores_a_step_back_of_its_own_and_lets_equal_steps_alternate(fair: Fair) -> None:
    """The other columns of such an update are kept; on one step people go to and fro."""
    fair.linked()
    fair.sql("UPDATE program_status SET step = 2 WHERE label = 'Came'")
    fair.sql("ALTER TABLE program_member ADD COLUMN seat TEXT")
    fair.joins("L1", "Came")
    fair.moves("L1", status="Invited", seat="12A")
    assert fair.sql("SELECT status, seat FROM program_member") == [("Came", "12A")]
    fair.sync()
    fair.moves("L1", status="Seen")
    fair.sync()
    assert fair.there == {"L1": "Seen"}
    fair.crm.tick()
    fair.crm.put("Member", fair.one("SELECT crm_id FROM campaign_member"), Status="Came")
    fair.sync()
    assert fair.here == {"L1": "Came"}


def test_where_both_moved_apart_the_later_step_counts(fair: Fair) -> None:
    """Whichever side has it."""
    fair.linked()
    for crm_id in ("L1", "L2"):
        fair.enters(crm_id)
    fair.sync()
    fair.moves("L1", status="Came")
    fair.moves("L2", status="Seen")
    fair.crm.tick()
    fair.crm.put("Member", "M-L1", Status="Seen")
    fair.crm.put("Member", "M-L2", Status="Came")
    fair.sync()
    assert fair.here == fair.there == {"L1": "Came", "L2": "Came"}


def test_a_member_of_the_campaign_whom_any_program_edits_moves_in_the_program_too(fair: Fair) -> None:
    """`campaign_member.status` is two-way: the CRM and the program get it."""
    fair.linked()
    fair.enters("L1")
    fair.sync()
    fair.sql("UPDATE campaign_member SET status = 'Seen'")
    fair.sync()
    assert fair.here == fair.there == {"L1": "Seen"}


@pytest.mark.parametrize("late", [False, True])
def test_a_campaign_deleted_in_the_crm_ends_the_link_and_the_program_stays(fair: Fair, late: bool) -> None:
    """Its members stay too, also where the CRM told of theirs before it told of the campaign's end."""
    fair.linked()
    fair.joins("L1")
    fair.sync()
    fair.crm.delete("Campaign", "C1")
    if late:
        ended = [one for one in fair.crm.ended if one[0] == "Campaign"]
        fair.crm.ended = [one for one in fair.crm.ended if one[0] != "Campaign"]
        fair.sync()
        fair.crm.ended += ended
    else:
        fair.sync()
    assert fair.here == {"L1": "Invited"}
    assert fair.one("SELECT campaign_crm_id FROM program") is None
    ((said,),) = fair.sql(NOTICES)
    assert "C1" in said
    assert "Webinar" in said
    statuses(fair.crm, fair.crm.put("Campaign", "C2", Name="Autumn"), "Invited", "Seen", "Came")
    fair.sync()
    fair.link(campaign="Autumn")
    fair.sync()
    assert fair.there == {"L1": "Invited"}


def test_statuses_renamed_in_the_crm_are_told_and_members_in_them_wait(fair: Fair) -> None:
    """Nobody moves, nothing is lost, and once both sides match again they go on."""
    fair.linked()
    fair.joins("L1", "Seen")
    fair.joins("L2", "Invited")
    fair.sync()
    fair.crm.tick()
    fair.crm.put("Status", "C1-Seen", Label="Watched")
    fair.crm.put("Member", fair.one("SELECT crm_id FROM campaign_member WHERE lead_crm_id = 'L1'"), Status="Watched")
    counted = synced(fair)
    assert counted["failed"] == 1
    assert fair.here == {"L1": "Seen", "L2": "Invited"}
    assert any("'Watched'" in said and "'Seen'" in said for (said,) in fair.sql(NOTICES))
    ((message, hint),) = fair.sql("SELECT message, hint FROM crmsync_error")
    assert "1 members are in 'Watched'" in message
    assert "program_status" in hint
    fair.moves("L2", status="Seen")
    assert synced(fair)["failed"] == 1
    assert fair.there["L2"] == "Invited"
    fair.sql("UPDATE program_status SET label = 'Watched' WHERE label = 'Seen'")
    fair.sync()
    assert fair.here == fair.there == {"L1": "Watched", "L2": "Watched"}


def test_persons_merged_in_the_crm_are_one_member_in_the_later_step(fair: Fair) -> None:
    """The survivor has the membership of both, once in each program."""
    fair.linked()
    other = fair.program("Other", "New")
    fair.joins("L1", "Invited")
    fair.joins("L2", "Came")
    fair.sql(
        "INSERT INTO program_member (program_id, person_id) SELECT ?, row_id FROM crmsync_link WHERE crm_id = 'L2'",
        other,
    )
    fair.sync()
    losing = fair.one("SELECT crm_id FROM campaign_member WHERE lead_crm_id = 'L2'")
    fair.crm.tick()
    fair.crm.delete("Member", losing)
    fair.crm.join("Lead", "L2", "L1")
    fair.crm.put("Lead", "L1", Title="merged")
    fair.sync()
    fair.sync()
    assert fair.sql("SELECT program_id, status FROM program_member ORDER BY program_id") == [(1, "Came"), (2, "New")]
    assert fair.there == {"L1": "Came"}


def test_a_converted_leads_membership_goes_on_with_the_contact(fair: Fair) -> None:
    """The row is the same person, and so is the member."""
    fair.linked()
    fair.joins("L1", "Invited")
    fair.sync()
    member = fair.one("SELECT crm_id FROM campaign_member")
    fair.crm.tick()
    fair.crm.put("Contact", "K9", LastName="Lead 1")
    fair.crm.objects["Lead"].pop("L1")
    fair.crm.objects["Lead"]["L1"] = {}
    fair.crm.join("Lead", "L1", "K9", "Contact", "converted")
    fair.crm.put("Member", member, ContactId="K9", Status="Seen")
    fair.sync()
    assert fair.here == {"K9": "Seen"}
    fair.moves("K9", status="Came")
    fair.sync()
    assert fair.there == {"K9": "Came"}
    assert len(fair.crm.objects["Member"]) == 1


def test_a_person_deleted_here_leaves_the_program_but_not_the_campaign(fair: Fair) -> None:
    """Coming back with the next change in the CRM, the person is a member again."""
    fair.linked()
    fair.joins("L1", "Seen")
    fair.sync()
    fair.sql("DELETE FROM person WHERE crm_id = 'L1'")
    fair.sync()
    assert fair.here == {}
    assert fair.there == {"L1": "Seen"}
    fair.crm.tick()
    fair.crm.put("Lead", "L1", Title="back")
    fair.sync()
    fair.sync()
    assert fair.here == {"L1": "Seen"}


def test_a_person_deleted_in_the_crm_leaves_campaign_and_program(fair: Fair) -> None:
    """The CRM ends the membership with the person; the person stays here, flagged."""
    fair.linked()
    fair.joins("L1")
    fair.sync()
    fair.crm.tick()
    fair.crm.delete("Lead", "L1")
    fair.sync()
    assert fair.here == {}
    assert fair.one("SELECT crm_is_deleted FROM person WHERE crm_id = 'L1'") == 1
