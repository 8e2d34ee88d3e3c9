"""A program and the campaign it is linked to: whatever moves on one side, the other follows, and nothing is lost."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from crmsync.errors import CrmsyncError, RetryLater, SettingsError
from crmsync.store.sending.retries import Wanted
from crmsync.writes import Change, Operation, Outcome, Result
from support.campaigns import Fair, statuses

NOTICES = "SELECT message FROM crmsync_notice WHERE kind = 'program'"
LEFT = "SELECT COUNT(*) FROM crmsync_member_moved"


@pytest.fixture
def fair(tmp_path: Path) -> Fair:
    """A program and a campaign with the same statuses, not linked."""
    return Fair(tmp_path / "marketing.db")


def synced(fair: Fair) -> dict[str, Any]:
    """One cycle; what its step of programs counted."""
    return fair.steps(fair.sync().run).get(("Campaign", "sync with program"), {})


def asked(fair: Fair) -> list[tuple[str, str, bool]]:
    """The memberships that the CRM was asked for: person, status, and whether it was to end."""
    wishes = [one.wish for one in fair.crm.written if one.operation is Operation.MEMBER]
    return [(wish.person, wish.status, wish.remove) for wish in wishes]


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


def test_what_the_crm_refuses_is_told_on_the_person_and_asked_again_once_it_moves(fair: Fair) -> None:
    """The others are members; nothing is asked twice for nothing."""
    fair.linked()

    def no(change: Change) -> Outcome | None:
        refused = Outcome(result=Result.REFUSED, code="RULE", message="Not this one.", hint="Ask somebody.")
        return refused if change.wish.person == "L1" else None

    fair.crm.answer = no
    fair.joins("L1")
    fair.joins("L2")
    assert (synced(fair)["failed"], fair.there) == (1, {"L2": "Invited"})
    ((code, row, message, hint),) = fair.sql("SELECT code, row_id, message, hint FROM crmsync_error")
    assert (code, row, message, hint) == ("RULE", fair.one("SELECT id FROM person WHERE crm_id = 'L1'"),
                                          "Not this one.", "Ask somebody.")  # fmt: skip
    assert fair.one("SELECT reason FROM activity WHERE kind = 'CRM Sync Refused'") == "Not this one. Ask somebody."
    assert synced(fair) == {}
    assert len(asked(fair)) == 2
    fair.crm.answer = lambda _change: None
    fair.moves("L1", status="Seen")
    fair.sync()
    assert fair.there == {"L1": "Seen", "L2": "Invited"}


def test_what_may_work_later_is_asked_later(fair: Fair) -> None:
    """A pause lies between, and after as many tries as the settings allow it is set aside."""
    fair.linked()
    fair.crm.answer = lambda _change: Outcome(result=Result.RETRY, code="LOCKED", message="Busy.")
    fair.joins("L1")
    assert synced(fair)["failed"] == 1
    assert synced(fair) == {}
    fair.crm.answer = lambda _change: None
    fair.crm.tick(100_000)
    fair.sync()
    assert fair.there == {"L1": "Invited"}


def test_a_lost_answer_makes_no_second_member(fair: Fair) -> None:
    """The CRM has the member, and the next cycle finds that out by asking again."""
    fair.linked()
    fair.joins("L1")

    def lose() -> None:
        raise RetryLater("the line is cut")

    fair.crm.after_apply = lose
    with suppress(CrmsyncError):
        fair.sync()
    fair.crm.after_apply = lambda: None
    fair.crm.tick(100_000)
    fair.sync()
    fair.sync()
    assert fair.here == fair.there == {"L1": "Invited"}
    assert len(fair.crm.objects["Member"]) == 1


BAD = {
    "INSERT INTO program_member (program_id, person_id) VALUES (1, 99999)": "there is no person of that person_id",
    "INSERT INTO program_member (program_id, person_id) VALUES (77, 1)": "there is no program of that program_id",
    "INSERT INTO program_member (program_id, person_id, status) VALUES (1, 1, 'Nope')": "the program has no such",
    "UPDATE program_member SET status = 'Nope'": "the program has no such status",
    "UPDATE program_member SET person_id = 2": "a membership stays with its person and program",
    "INSERT INTO program_member (program_id, person_id) VALUES (1, 3)": "UNIQUE",
    "INSERT INTO program_status (program_id, label, step) VALUES (77, 'A', 1)": "there is no program",
    "DELETE FROM program_status WHERE label = 'Invited'": "members have this status",
    "UPDATE program SET campaign_crm_id = 'C1'": "use `crmsync campaign link`",
    "INSERT INTO program (name, campaign_crm_id) VALUES ('New', 'C1')": "set by `crmsync campaign link`",
    "INSERT INTO program (name, period_cost) VALUES ('New', 'a lot')": "period_cost is a number",
    "INSERT INTO program (name) VALUES ('Webinar')": "UNIQUE",
    "INSERT INTO program (name) VALUES ('  ')": "a program needs a name",
}


@pytest.mark.parametrize("statement", BAD)
def test_the_database_says_what_cannot_be(fair: Fair, statement: str) -> None:
    """Whatever program writes it; nothing is half done."""
    fair.sql("INSERT INTO program_member (program_id, person_id) VALUES (1, 3)")
    before = fair.sql("SELECT * FROM program_member"), fair.sql("SELECT * FROM program")
    with pytest.raises(sqlite3.IntegrityError, match=BAD[statement]):
        fair.sql(statement)
    assert (fair.sql("SELECT * FROM program_member"), fair.sql("SELECT * FROM program")) == before


def test_a_replaced_program_stays_linked_and_a_deleted_one_takes_everything_along(fair: Fair) -> None:
    """INSERT OR REPLACE changes its columns only; a deletion leaves campaign and members in the CRM as they are."""
    fair.linked()
    fair.joins("L1")
    fair.sync()
    fair.sql("INSERT OR REPLACE INTO program (id, name, channel) VALUES (1, 'Webinar', 'Web')")
    fair.sync()
    assert fair.one("SELECT campaign_crm_id FROM program") == "C1"
    assert fair.crm.objects["Campaign"]["C1"]["Type"] == "Web"
    fair.sql("DELETE FROM program")
    fair.sync()
    assert fair.there == {"L1": "Invited"}
    for table in ("program_member", "program_status", "crmsync_program", "crmsync_member", "crmsync_member_moved"):
        assert fair.sql(f"SELECT * FROM {table}") == []


def test_a_program_or_campaign_that_is_not_there_is_named_with_what_is_near(fair: Fair) -> None:
    """A person finds the right one at once."""
    with pytest.raises(SettingsError, match="Did you mean 'Webinar'"):
        fair.link("Webinr")
    with pytest.raises(SettingsError, match="There is no campaign 'Sprung'"):
        fair.link(campaign="Sprung")
    fair.crm.put("Campaign", "C7", Name="Spring")
    fair.sync()
    with pytest.raises(SettingsError, match="C1, C7"):
        fair.link(campaign="Spring")


def test_an_idle_look_does_not_depend_on_how_many_members_there_are(fair: Fair) -> None:
    """Its cost in instructions of the database is that of an empty program, give or take nothing."""
    fair.linked()
    fair.joins("L1")
    fair.sync()

    def instructions() -> int:
        counted = 0

        def count() -> None:
            nonlocal counted
            counted += 1

        async def work(connection: Any) -> None:
            store = await connection.opened.store()

            def watch(con: sqlite3.Connection) -> None:
                con.set_progress_handler(count, 1)

            await store.read(watch)
            await connection.sync()

        fair.crm.tick()
        fair.use(work)
        return counted

    few = instructions()
    fair.sql(
        """WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 6000)
           INSERT INTO person (id, last_name) SELECT i, 'Doe' FROM n"""
    )
    fair.sql(
        "INSERT INTO program_member (program_id, person_id, status) SELECT 1, id, 'Seen' FROM person WHERE id > 999"
    )
    fair.sql("INSERT INTO crmsync_member SELECT 1, id, 'M' || id, 'Seen', 'Seen' FROM person WHERE id > 999")
    fair.sql("DELETE FROM crmsync_member_moved")
    assert instructions() < 2 * few


def stranger(fair: Fair, last_name: str | None = "Nobody", **values: Any) -> int:
    """A person whom the CRM does not have, and a member of the program."""
    fair.sql("INSERT INTO person (last_name, email) VALUES (?, 's@x.org')", last_name)
    row = int(fair.one("SELECT MAX(id) FROM person"))
    fair.sql("INSERT INTO program_member (program_id, person_id, status) VALUES (1, ?, ?)", row, values.get("status"))
    return row


def test_members_whom_the_crm_lacks_become_leads_and_then_members(fair: Fair) -> None:
    """In one cycle; who was in several programs is sent once."""
    fair.linked()
    fair.program("Other", "New")
    statuses(fair.crm, fair.crm.put("Campaign", "C2", Name="Autumn"), "New")
    fair.sync()
    fair.link("Other", "C2")
    row = stranger(fair, status="Seen")
    fair.sql("INSERT INTO program_member (program_id, person_id) VALUES (2, ?)", row)
    assert synced(fair)["new"] == 2
    crm_id = fair.one("SELECT crm_id FROM person WHERE id = ?", row)
    assert fair.crm.objects["Lead"][crm_id]["LastName"] == "Nobody"
    held = sorted((one["CampaignId"], one["Status"]) for one in fair.crm.objects["Member"].values())
    assert held == [("C1", "Seen"), ("C2", "New")]
    creates = [one for one in fair.crm.written if one.operation is Operation.CREATE and one.object == "Lead"]
    assert len(creates) == 1
    assert synced(fair) == {}


def test_a_person_whom_the_crm_would_not_have_is_told_and_tried_again_once_corrected(fair: Fair) -> None:
    """Any change of the person is a new chance, by whatever program it is made; those of others are none."""
    fair.linked()

    def no(change: Change) -> Outcome | None:
        if change.operation is Operation.CREATE and not change.values.get("Title"):
            return Outcome(result=Result.REFUSED, code="REQUIRED", message="A title is required.")
        return None

    fair.crm.answer = no
    row = stranger(fair)
    assert synced(fair)["failed"] == 1
    assert fair.sql("SELECT code, row_id FROM crmsync_error") == [("REQUIRED", row)]
    asked_for = len(fair.crm.written)
    assert synced(fair) == {}
    fair.sql("UPDATE person SET title = 'Dr.' WHERE id <> ?", row)
    fair.sync()
    assert [one for one in fair.crm.written[asked_for:] if one.operation is not Operation.UPDATE] == []
    fair.sql("UPDATE person SET title = 'Dr.' WHERE id = ?", row)
    assert synced(fair)["new"] == 1
    assert len(fair.there) == 1
    names = [name for (name,) in fair.sql("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
    assert "crmsync_watch_lacking" not in names


def test_a_person_who_was_deleted_in_the_crm_and_joins_becomes_a_new_lead(fair: Fair) -> None:
    """As with every such person who is sent."""
    fair.linked()
    fair.crm.delete("Lead", "L1")
    fair.sync()
    fair.joins("L1")
    fair.sync()
    (crm_id,) = fair.there
    assert crm_id != "L1"
    assert fair.one("SELECT crm_id FROM person WHERE email = 'l1@x.org'") == crm_id


def test_what_was_refused_is_asked_again_on_request(fair: Fair) -> None:
    """`crmsync retry` lists the membership with its program, and the next cycle asks."""
    fair.linked()
    fair.crm.answer = lambda _change: Outcome(result=Result.REFUSED, code="FULL", message="The campaign is full.")
    fair.joins("L1")
    fair.sync()
    fair.crm.answer = lambda _change: None
    (freed,) = fair.use(lambda connection: connection.review.retry(Wanted(cause="full")))
    names = ("way", "object", "crm_id", "entity", "field", "was", "cause", "reason")
    assert [freed[name] for name in names] == [
        "member", "Member", "L1", "person", "Webinar", "refused", "FULL", "The campaign is full."
    ]  # fmt: skip
    fair.sync()
    assert fair.there == {"L1": "Invited"}
