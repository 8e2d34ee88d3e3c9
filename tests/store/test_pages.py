"""One page against what is stored."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from crmsync.model import Counts, Kind, Row, Value
from support.desk import ACCOUNT, CONTACT, DEAL, LEAD, ROLE, Desk, at


def contact(number: int, day: int = 1, **more: Value) -> Row:
    """A contact as the CRM sends it."""
    values = {
        "email": f"u{number}@x.org",
        "last_name": "Doe",
        "title": None,
        "score": None,
        "account_crm_id": "001A",
        **more,
    }
    return (f"003{number:05d}", at(day), *values.values())


def test_applying_a_page_twice_changes_nothing(desk: Desk) -> None:
    """The second application counts nothing and journals nothing."""
    rows = [contact(i) for i in range(50)]
    assert desk.pull(CONTACT, *rows) == Counts(new=50, pages=1)
    before = desk.sql("SELECT COUNT(*) FROM crmsync_journal"), desk.sql("SELECT * FROM person")
    assert desk.pull(CONTACT, *rows) == Counts(pages=1)
    assert (desk.sql("SELECT COUNT(*) FROM crmsync_journal"), desk.sql("SELECT * FROM person")) == before


@pytest.mark.rule("R-007")
def test_a_record_that_moved_but_did_not_change_is_skipped(desk: Desk) -> None:
    """It counts as skipped, the row is left alone, its version is renewed."""
    desk.pull(CONTACT, contact(1))
    assert desk.pull(CONTACT, contact(1, 2)) == Counts(skipped=1, pages=1)
    assert desk.one("SELECT modified_at FROM crmsync_link WHERE crm_id = '00300001'") == at(2)


def test_only_what_differs_is_written_and_journalled(desk: Desk) -> None:
    """The journal has old and new value, the run, the side and the rule."""
    desk.pull(CONTACT, contact(1))
    assert desk.pull(CONTACT, contact(1, 2, title="CTO")) == Counts(updated=1, pages=1)
    rows = desk.sql("SELECT entity, field, old, new, side, rule, run FROM crmsync_journal")
    assert rows == [("person", "title", None, "CTO", "crm", "pull", 1)]
    assert desk.sql(
        "SELECT kind, field, old_value, new_value, source FROM activity WHERE kind = 'Change Data Value'"
    ) == [("Change Data Value", "title", None, "CTO", "crm")]


def test_a_late_page_does_not_take_a_record_back(desk: Desk) -> None:
    """A version older than the one stored is left alone."""
    desk.pull(CONTACT, contact(1, 5, title="new"))
    assert desk.pull(CONTACT, contact(1, 4, title="old")).touched == 0
    assert desk.one("SELECT title FROM person") == "new"


def test_one_page_may_hold_a_record_twice(desk: Desk) -> None:
    """The newest version of it counts, once."""
    counts = desk.pull(CONTACT, contact(1, 2, title="a"), contact(1, 3, title="b"), contact(1, 1, title="c"))
    assert counts == Counts(new=1, pages=1)
    assert desk.one("SELECT title FROM person") == "b"


@pytest.mark.rule("R-333")
def test_new_persons_are_logged_but_not_in_a_first_load(desk: Desk) -> None:
    """A person that a later cycle brings has an activity; a first load leaves none."""
    desk.pull(CONTACT, contact(1), kind=Kind.LOAD)
    desk.pull(CONTACT, contact(2))
    assert desk.sql("SELECT p.crm_id, a.kind FROM activity a JOIN person p ON p.id = a.person_id") == [
        ("00300002", "New Person")
    ]


def test_a_row_that_cannot_be_stored_is_set_aside_and_the_page_goes_on(desk: Desk) -> None:
    """It is in quarantine with the reason and what it held, and leaves by itself once it can be stored."""
    good, bad = contact(1), contact(2, score="high")
    assert desk.pull(CONTACT, good, bad, contact(3, score=2**70)) == Counts(new=1, failed=2, pages=1)
    reasons = dict(desk.sql("SELECT crm_id, reason FROM crmsync_quarantine"))
    assert "'high'" in reasons["00300002"]
    assert "64 bits" in reasons["00300003"]
    assert desk.sql("SELECT level, crm_id FROM crmsync_error ORDER BY 2")[0] == ("record", "00300002")
    desk.pull(CONTACT, contact(2, 2, score=5))
    assert desk.sql("SELECT crm_id FROM crmsync_quarantine") == [("00300003",)]


@pytest.mark.rule("R-096", "R-097", "R-098")
def test_any_move_of_an_account_ends_its_local_edits(desk: Desk) -> None:
    """The next CRM update overwrites every account column, edits included; a re-read of an unmoved one does not."""
    desk.pull(ACCOUNT, ("001A", at(1), "ACME", "Tech", 100))
    desk.sql("UPDATE account SET industry = 'Art', annual_revenue = 5")
    assert desk.pull(ACCOUNT, ("001A", at(1), "ACME", "Tech", 100)).touched == 0
    assert desk.sql("SELECT industry, annual_revenue FROM account") == [("Art", 5)]
    assert desk.pull(ACCOUNT, ("001A", at(2), "ACME Ltd", "Tech", 100)) == Counts(updated=1, pages=1)
    assert desk.sql("SELECT name, industry, annual_revenue FROM account") == [("ACME Ltd", "Tech", 100)]
    assert desk.sql("SELECT * FROM crmsync_edit") == []
    assert ("industry", "Art", "Tech", "crm-overwrites") in desk.sql(
        "SELECT field, old, new, rule FROM crmsync_journal"
    )


@pytest.mark.rule("R-097")
def test_a_local_edit_stays_when_the_account_moves_only_in_another_account(desk: Desk) -> None:
    """Until its own record moves the local value stays."""
    desk.pull(ACCOUNT, ("001A", at(1), "ACME", "Tech", 100), ("001B", at(1), "Beta", "Food", 1))
    desk.sql("UPDATE account SET industry = 'Art' WHERE crm_id = '001A'")
    desk.pull(ACCOUNT, ("001B", at(2), "Beta", "Drink", 1))
    assert desk.one("SELECT industry FROM account WHERE crm_id = '001A'") == "Art"


def test_refresh_of_a_field_ends_local_edits_of_it(desk: Desk) -> None:
    """A refresh brings the CRM's value back, and touches no other column and no version."""
    desk.pull(ACCOUNT, ("001A", at(1), "ACME", "Tech", 100))
    desk.sql("UPDATE account SET industry = 'Art', name = 'Mine'")
    narrow = replace(ACCOUNT, maps=tuple(m for m in ACCOUNT.maps if m.column in ("crm_id", "modified_at", "industry")))
    desk.pull(narrow, ("001A", at(9), "Tech"), ("001Z", at(9), "New"), refresh=True, kind=Kind.LOAD)
    assert desk.sql("SELECT name, industry FROM account") == [("Mine", "Tech")]
    assert desk.sql("SELECT field FROM crmsync_edit") == [("name",)]
    assert desk.one("SELECT modified_at FROM crmsync_link") == at(1)


@pytest.mark.rule("R-085")
def test_a_contact_that_changed_on_both_sides_takes_the_crms_value(desk: Desk) -> None:
    """Field by field: what one side changed is kept, what both changed apart is the CRM's; the loser is journalled."""
    desk.pull(CONTACT, contact(1, title="a", score=1))
    desk.sql("UPDATE person SET title = 'local', score = 9")
    desk.pull(CONTACT, contact(1, 2, title="crm", score=1))
    assert desk.sql("SELECT title, score FROM person") == [("crm", 9)]
    assert desk.sql("SELECT field FROM crmsync_edit") == [("score",)]
    assert ("title", "local", "crm", "crm-wins") in desk.sql("SELECT field, old, new, rule FROM crmsync_journal")


@pytest.mark.rule("R-084")
def test_a_lead_that_changed_on_both_sides_keeps_the_marketing_value(desk: Desk) -> None:
    """The local value stays, waits for the CRM on the new base, and the CRM's value is in the journal."""
    desk.pull(LEAD, ("00Q1", at(1), "a@x", "Lee", "a", 1, None))
    desk.sql("UPDATE person SET title = 'local'")
    desk.pull(LEAD, ("00Q1", at(2), "a@x", "Lee", "crm", 1, None))
    assert desk.one("SELECT title FROM person") == "local"
    assert desk.sql("SELECT field, base, state FROM crmsync_edit") == [("title", "crm", "pending")]
    assert ("title", "crm", "local", "marketing-wins") in desk.sql("SELECT field, old, new, rule FROM crmsync_journal")


def test_both_sides_came_to_the_same_value(desk: Desk) -> None:
    """The edit ends, and nothing is written."""
    desk.pull(CONTACT, contact(1))
    desk.sql("UPDATE person SET title = 'same'")
    desk.pull(CONTACT, contact(1, 2, title="same"))
    assert desk.sql("SELECT * FROM crmsync_edit") == []


@pytest.mark.rule("R-093")
def test_an_emptied_value_travels(desk: Desk) -> None:
    """A null in a readable column is a value like any other."""
    desk.pull(CONTACT, contact(1, title="CTO"))
    desk.pull(CONTACT, contact(1, 2, title=None))
    assert desk.one("SELECT title FROM person") is None


@pytest.mark.rule("R-034", "R-327", "R-328")
def test_records_of_one_email_address_stay_apart(desk: Desk) -> None:
    """What comes from the CRM is not de-duplicated."""
    desk.pull(CONTACT, contact(1, email="same@x.org"), contact(2, email="same@x.org"))
    assert desk.one("SELECT COUNT(*) FROM person WHERE email = 'same@x.org'") == 2


@pytest.mark.rule("R-330")
def test_a_marketing_only_person_is_adopted_only_where_the_settings_say_so(desk: Desk) -> None:
    """Without `match` a second person is made; with it the one person of that address becomes the CRM's."""
    desk.sql("INSERT INTO person (email, title) VALUES ('U1@x.org', 'mine'), ('u2@x.org', NULL)")
    desk.pull(CONTACT, contact(1))
    assert desk.one("SELECT COUNT(*) FROM person WHERE lower(email) = 'u1@x.org'") == 2
    desk.pull(CONTACT, contact(2), match=("email",))
    assert desk.sql("SELECT crm_id, crm_type FROM person WHERE email = 'u2@x.org'") == [("00300002", "contact")]


@pytest.mark.rule("R-103", "R-331")
def test_an_account_of_5000_contacts_logs_each_changed_field_on_each(desk: Desk) -> None:
    """5,000 live contacts: one activity a contact and changed field."""
    desk.pull(ACCOUNT, ("001A", at(1), "ACME", "Tech", 100))
    desk.pull(CONTACT, *[contact(i) for i in range(5_001)], kind=Kind.LOAD)
    desk.gone(CONTACT, "00300000", at(2))
    counts = desk.pull(ACCOUNT, ("001A", at(3), "ACME Ltd", "Food", 100))
    assert counts.updated == 1
    assert desk.sql(
        "SELECT field, COUNT(*), COUNT(DISTINCT person_id) FROM activity WHERE object = 'Account' GROUP BY 1"
    ) == [
        ("industry", 5_000, 5_000),
        ("name", 5_000, 5_000),
    ]


@pytest.mark.rule("R-104")
def test_an_account_of_5001_contacts_logs_none_and_the_step_says_so(desk: Desk) -> None:
    """The values are synced for all, no activity is written, and a note names the account."""
    desk.pull(ACCOUNT, ("001A", at(1), "ACME", "Tech", 100))
    desk.pull(CONTACT, *[contact(i) for i in range(5_001)], kind=Kind.LOAD)
    applied = desk.applied(ACCOUNT, ("001A", at(3), "ACME Ltd", "Food", 100))
    assert desk.one("SELECT COUNT(*) FROM activity") == 0
    assert "001A has 5001 contacts" in applied.notes[0]
    assert desk.one("SELECT COUNT(*) FROM person_full WHERE company = 'ACME Ltd'") == 5_001


def test_no_transaction_writes_more_than_its_share(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that fans out widely is applied in parts, and the outcome is the same."""
    monkeypatch.setattr("crmsync.store.activity.WRITES_LIMIT", 100)
    monkeypatch.setattr("crmsync.store.rows.comparing.WRITES_LIMIT", 100)
    desk.pull(ACCOUNT, *[(f"001{n}", at(1), "a", "b", 1) for n in "ABC"])
    desk.pull(CONTACT, *[contact(i, account_crm_id=f"001{'ABC'[i % 3]}") for i in range(180)], kind=Kind.LOAD)
    counts = desk.pull(ACCOUNT, *[(f"001{n}", at(3), "x", "y", 2) for n in "ABC"])
    assert counts == Counts(updated=3, pages=1)
    assert desk.one("SELECT COUNT(*) FROM activity") == 180 * 3
    assert desk.sql("SELECT DISTINCT name, industry, annual_revenue FROM account") == [("x", "y", 2)]


@pytest.mark.rule("R-334", "R-130", "R-131")
def test_opportunities_are_logged_on_the_persons_of_their_roles(desk: Desk) -> None:
    """Added, updated and removed; without a role an opportunity belongs to nobody."""
    desk.pull(CONTACT, contact(1), kind=Kind.LOAD)
    desk.pull(DEAL, ("0061", at(1), "Deal", 5), ("0062", at(1), "Lonely", 5))
    desk.pull(ROLE, ("00K1", at(1), "0061", "00300001"))
    desk.pull(DEAL, ("0061", at(2), "Deal", 7), ("0062", at(2), "Lonely", 6))
    desk.gone(ROLE, "00K1", at(3))
    assert desk.sql("SELECT kind, field, old_value, new_value, crm_id FROM activity ORDER BY id") == [
        ("Added to Opportunity", None, None, None, "00K1"),
        ("Opportunity Updated", "amount", 5, 7, "0061"),
        ("Removed from Opportunity", None, None, None, "00K1"),
    ]


def test_exact_decimals_keep_every_digit(desk: Desk) -> None:
    """More than 15 digits are kept as text, fewer as a number that SQL can add up."""
    desk.pull(DEAL, ("0061", at(1), "a", "1234567890123456.78"), ("0062", at(1), "b", 12.5))
    assert desk.sql("SELECT amount, typeof(amount) FROM opportunity ORDER BY crm_id") == [
        ("1234567890123456.78", "text"),
        (12.5, "real"),
    ]


def test_a_reload_trusts_a_stamp_that_was_long_over_when_it_was_stored(desk: Desk) -> None:
    """What a load reads again with the same old stamp is not compared; a younger stamp and an ordinary read are."""
    desk.sql("INSERT INTO crmsync_run (id, kind, started_at, status) VALUES (1, 'cycle', ?, 'succeeded')", at(10))
    desk.pull(CONTACT, contact(1, 9), contact(2, 10), kind=Kind.LOAD)
    counts = desk.pull(CONTACT, contact(1, 9, title="x"), contact(2, 10, title="x"), kind=Kind.LOAD)
    assert counts.updated == 1
    assert desk.sql("SELECT title FROM person ORDER BY id") == [(None,), ("x",)]
    assert desk.pull(CONTACT, contact(1, 9, title="x")).updated == 1


def test_a_row_that_a_users_own_rule_refuses_is_set_aside_alone(desk: Desk) -> None:
    """A unique index that somebody put on a table costs the rows it is about, not the page and not the connection."""
    desk.sql("CREATE UNIQUE INDEX only_one ON person (email)")
    rows = [contact(i) for i in range(20)]
    counts = desk.pull(CONTACT, *rows, contact(77, email="u3@x.org"))
    assert (counts.new, counts.failed, counts.pages) == (20, 1, 1)
    assert "UNIQUE" in desk.one("SELECT reason FROM crmsync_quarantine WHERE crm_id = '00300077'")
