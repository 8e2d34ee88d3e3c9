"""Deletions, undeletions, merges and conversions, in whatever order the feeds bring them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import permutations

import pytest

from crmsync.model import Counts, Kind, Row, Value
from support.desk import ACCOUNT, CONTACT, DEAL, LEAD, Desk, at


def person(crm_id: str, day: int = 1, **more: Value) -> Row:
    """A lead or contact as the CRM sends it."""
    values = {
        "email": f"{crm_id}@x.org",
        "last_name": "Doe",
        "title": None,
        "score": None,
        "account_crm_id": None,
        **more,
    }
    return (crm_id, at(day), *values.values())


@pytest.mark.rule("R-308", "R-319")
def test_a_deleted_person_stays_with_its_flag_type_and_id(desk: Desk) -> None:
    """The flag is set and logged; nothing else changes."""
    desk.pull(CONTACT, person("0031"))
    assert desk.gone(CONTACT, "0031", at(2)) == Counts(deleted=1)
    assert desk.sql("SELECT crm_id, crm_type, crm_is_deleted FROM person") == [("0031", "contact", 1)]
    assert desk.sql("SELECT kind, field, new_value FROM activity")[-1] == ("Change Data Value", "crm_is_deleted", 1)
    assert desk.gone(CONTACT, "0031", at(2)) == Counts()


@pytest.mark.rule("R-319")
def test_an_undeleted_record_loses_its_flag(desk: Desk) -> None:
    """A newer version that is present clears the flag and brings its values."""
    desk.pull(CONTACT, person("0031"))
    desk.gone(CONTACT, "0031", at(2))
    assert desk.pull(CONTACT, person("0031", 3, title="back")).updated == 1
    assert desk.sql("SELECT crm_is_deleted, title FROM person") == [(0, "back")]


def test_a_deletion_older_than_the_stored_version_is_ignored(desk: Desk) -> None:
    """The record was undeleted since; the feed only told late."""
    desk.pull(CONTACT, person("0031", 5))
    assert desk.gone(CONTACT, "0031", at(4)) == Counts()
    assert desk.one("SELECT crm_is_deleted FROM person") == 0


def test_a_late_page_cannot_bring_a_deleted_record_back(desk: Desk) -> None:
    """Neither one that was stored nor one that was never seen."""
    desk.pull(CONTACT, person("0031"))
    desk.gone(CONTACT, "0031", at(5))
    desk.gone(CONTACT, "0039", at(5))
    assert desk.pull(CONTACT, person("0031", 4), person("0039", 4)).touched == 0
    assert desk.sql("SELECT crm_id, crm_is_deleted FROM person") == [("0031", 1)]


def test_a_version_of_the_very_second_of_its_deletion_is_unclear(desk: Desk) -> None:
    """It is to be read by id, and that read has the last word."""
    desk.pull(CONTACT, person("0031"))
    desk.gone(CONTACT, "0031", at(5))
    assert desk.applied(CONTACT, person("0031", 5)).unclear == ["0031"]
    assert desk.one("SELECT crm_is_deleted FROM person") == 1
    desk.pull(CONTACT, person("0031", 5), kind=Kind.IDS)
    assert desk.one("SELECT crm_is_deleted FROM person") == 0


@pytest.mark.rule("R-140", "R-161")
def test_other_records_are_removed_and_come_back_under_their_row(desk: Desk) -> None:
    """An opportunity is removed and counted; what it held is in the journal; undeleted it has its row id again."""
    desk.pull(DEAL, ("0061", at(1), "Big", 5))
    row = desk.one("SELECT id FROM opportunity")
    assert desk.gone(DEAL, "0061", at(2)) == Counts(deleted=1)
    assert desk.sql("SELECT * FROM opportunity") == []
    assert '"name": "Big"' in desk.one("SELECT old FROM crmsync_journal WHERE field = '*'")
    desk.pull(DEAL, ("0061", at(3), "Big", 5))
    assert desk.sql("SELECT id, crm_id FROM opportunity") == [(row, "0061")]


@pytest.mark.rule("R-110")
def test_a_deleted_account_is_flagged_and_its_contacts_keep_it(desk: Desk) -> None:
    """Nobody loses company data because an account went to the recycle bin."""
    desk.pull(ACCOUNT, ("001A", at(1), "ACME", "Tech", 1))
    desk.pull(CONTACT, person("0031", account_crm_id="001A"))
    desk.gone(ACCOUNT, "001A", at(2))
    assert desk.sql("SELECT crm_is_deleted FROM account") == [(1,)]
    assert desk.sql("SELECT company FROM person_full") == [("ACME",)]


@pytest.mark.rule("R-313")
def test_a_person_deleted_here_comes_back_with_the_next_crm_update(desk: Desk) -> None:
    """Not with a re-read of the version already stored."""
    desk.pull(CONTACT, person("0031"))
    desk.sql("DELETE FROM person")
    assert desk.pull(CONTACT, person("0031")).touched == 0
    assert desk.pull(CONTACT, person("0031", 2)).new == 1
    assert desk.sql("SELECT id, crm_id FROM person") == [(2, "0031")]


@pytest.mark.rule("R-286", "R-290", "R-291", "R-293", "R-294", "R-297")
def test_a_merge_keeps_the_winner_fills_gaps_and_adds_up_the_score(desk: Desk) -> None:
    """One person is left: the winner's values, the loser's where it had none, both scores, both logs."""
    desk.pull(LEAD, person("00Q1", title="Boss", score=10), person("00Q2", score=20, title=None, last_name="Roe"))
    before = desk.one("SELECT COUNT(*) FROM activity")
    assert desk.merged(LEAD, "00Q1", "00Q2") == Counts(deleted=1)
    assert desk.sql("SELECT crm_id, last_name, title, score FROM person") == [("00Q2", "Roe", "Boss", 30)]
    survivor = desk.one("SELECT id FROM person")
    assert desk.sql("SELECT DISTINCT person_id FROM activity") == [(survivor,)]
    assert desk.one("SELECT COUNT(*) FROM activity") == before + 1
    assert desk.merged(LEAD, "00Q1", "00Q2") == Counts()
    assert desk.one("SELECT score FROM person") == 30


@pytest.mark.rule("R-293")
def test_a_chain_of_merges_ends_at_the_last_winner(desk: Desk) -> None:
    """A into B into C, told in any order: three times 10 is 30, and all former ids lead to C."""
    desk.pull(LEAD, *[person(f"00Q{n}", score=10) for n in "ABC"])
    desk.merged(LEAD, "00QB", "00QC")
    desk.merged(LEAD, "00QA", "00QB")
    assert desk.sql("SELECT crm_id, score FROM person") == [("00QC", 30)]
    survivor = desk.one("SELECT id FROM person")
    assert desk.sql("SELECT crm_id, role, row_id FROM crmsync_link ORDER BY 1") == [
        ("00QA", "merged", survivor),
        ("00QB", "merged", survivor),
        ("00QC", "current", survivor),
    ]


def test_a_merged_id_never_acts_again(desk: Desk) -> None:
    """It inserts, overwrites, flags and deletes nothing."""
    desk.pull(LEAD, person("00Q1"), person("00Q2"))
    desk.merged(LEAD, "00Q1", "00Q2")
    before = desk.sql("SELECT * FROM person")
    desk.pull(LEAD, person("00Q1", 9, title="ghost"))
    desk.gone(LEAD, "00Q1", at(9))
    desk.merged(LEAD, "00Q1", "00Q9")
    assert desk.sql("SELECT * FROM person") == before


Event = Callable[[Desk], object]
CONVERSION: dict[str, Event] = {
    "lead": lambda desk: desk.pull(LEAD, person("00Q1", title="from lead", score=5)),
    "contact": lambda desk: desk.pull(CONTACT, person("0031", 2, title="from contact", score=5)),
    "conversion": lambda desk: desk.merged(LEAD, "00Q1", "0031", "Contact", "converted"),
    "late lead": lambda desk: desk.pull(LEAD, person("00Q1", 2, title="read-only ghost")),
    "late delete": lambda desk: desk.gone(LEAD, "00Q1", at(3)),
}


@pytest.mark.rule("R-274", "R-275", "R-052")
@pytest.mark.parametrize(
    "order", list(permutations(["contact", "conversion", "late lead", "late delete"])), ids=" ".join
)
def test_a_conversion_keeps_the_leads_row_in_any_order(desk: Desk, order: tuple[str, ...]) -> None:
    """One person remains, the lead's row, of type contact, with the contact's values; no flag of the lead sticks."""
    CONVERSION["lead"](desk)
    row = desk.one("SELECT id FROM person")
    for name in order:
        CONVERSION[name](desk)
    assert desk.sql("SELECT id, crm_id, crm_type, title, score, crm_is_deleted FROM person") == [
        (row, "0031", "contact", "from contact", 5, 0)
    ]
    assert desk.sql("SELECT crm_id, role FROM crmsync_link ORDER BY 1") == [("0031", "current"), ("00Q1", "converted")]


def test_a_conversion_into_a_contact_that_is_gone_already_flags_the_row(desk: Desk) -> None:
    """The contact's deletion was read first and the contact never: the lead does not stay behind as if it lived."""
    desk.pull(LEAD, person("00Q1"))
    desk.gone(CONTACT, "0031", at(4))
    desk.merged(LEAD, "00Q1", "0031", "Contact", "converted")
    assert desk.sql("SELECT crm_id, crm_type, crm_is_deleted FROM person") == [("0031", "contact", 1)]
    desk.pull(CONTACT, person("0031", 5))
    assert desk.sql("SELECT crm_id, crm_is_deleted FROM person") == [("0031", 0)]


def test_a_conversion_into_a_contact_that_was_merged_follows_it(desk: Desk) -> None:
    """The contacts' merge is read before the leads' conversion: one row, which the survivor goes on updating."""
    desk.pull(LEAD, person("00Q1"))
    desk.pull(CONTACT, person("0032", title="Boss"))
    desk.merged(CONTACT, "0031", "0032")
    desk.merged(LEAD, "00Q1", "0031", "Contact", "converted")
    assert desk.sql("SELECT crm_id, crm_type, title FROM person") == [("0032", "contact", "Boss")]
    assert desk.one("SELECT COUNT(DISTINCT row_id) FROM crmsync_link") == 1
    desk.pull(CONTACT, person("0032", 25, title="Chief"))
    assert desk.sql("SELECT crm_id, title FROM person") == [("0032", "Chief")]


@pytest.mark.rule("R-276")
def test_a_conversion_into_an_existing_contact_leaves_one_person(desk: Desk) -> None:
    """Both were known for long: one person of type contact remains, with both logs."""
    desk.pull(CONTACT, person("0031", title="Boss"))
    desk.pull(LEAD, person("00Q1", 2, title="Intern"))
    desk.merged(LEAD, "00Q1", "0031", "Contact", "converted")
    assert desk.sql("SELECT crm_id, crm_type, title FROM person") == [("0031", "contact", "Boss")]
    assert desk.one("SELECT COUNT(DISTINCT person_id) FROM activity") == 1


@pytest.mark.rule("R-277")
def test_a_conversion_is_logged_and_counted_as_an_update(desk: Desk) -> None:
    """The person's log has "Lead Converted" with both ids."""
    desk.pull(LEAD, person("00Q1"))
    assert desk.merged(LEAD, "00Q1", "0031", "Contact", "converted") == Counts(updated=1)
    assert desk.sql("SELECT kind, old_value, new_value FROM activity")[-1] == ("Lead Converted", "00Q1", "0031")


def test_a_lead_converted_before_it_was_ever_read_leads_to_its_contact(desk: Desk) -> None:
    """Its id never makes a person of its own."""
    desk.pull(CONTACT, person("0031"))
    desk.merged(LEAD, "00Q1", "0031", "Contact", "converted")
    desk.pull(LEAD, person("00Q1", 9))
    assert desk.one("SELECT COUNT(*) FROM person") == 1
    assert desk.one("SELECT row_id FROM crmsync_link WHERE crm_id = '00Q1'") == desk.one("SELECT id FROM person")


def test_accounts_that_merge_show_the_winner_on_all_contacts(desk: Desk) -> None:
    """A contact that still refers to the loser is joined to the winner through the link."""
    desk.pull(ACCOUNT, ("001A", at(1), "Loser", "x", 1), ("001B", at(1), "Winner", "y", 2))
    desk.pull(CONTACT, person("0031", account_crm_id="001A"))
    desk.merged(ACCOUNT, "001A", "001B")
    assert desk.sql("SELECT company FROM person_full") == [("Winner",)]
    assert desk.one("SELECT COUNT(*) FROM account") == 1
