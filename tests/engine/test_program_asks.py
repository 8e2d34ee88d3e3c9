"""Memberships that the CRM is asked for: refused, put off, lost or of persons whom it lacks, none comes twice."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from crmsync.errors import CrmsyncError, RetryLater
from crmsync.store.sending.retries import Wanted
from crmsync.writes import Change, Operation, Outcome, Result
from support.campaigns import Fair, asked, statuses, synced


def stranger(fair: Fair, last_name: str | None = "Nobody", **values: Any) -> int:
    """A person whom the CRM does not have, and a member of the program."""
    fair.sql("INSERT INTO person (last_name, email) VALUES (?, 's@x.org')", last_name)
    row = int(fair.one("SELECT MAX(id) FROM person"))
    fair.sql("INSERT INTO program_member (program_id, person_id, status) VALUES (1, ?, ?)", row, values.get("status"))
    return row


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
