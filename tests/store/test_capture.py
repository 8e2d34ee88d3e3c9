"""Local edits are caught whatever program makes them, and the engine's own columns are safe from it."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from support.desk import ACCOUNT, CONTACT, Desk, at


@pytest.fixture(autouse=True)
def _people(desk: Desk) -> None:
    desk.pull(ACCOUNT, ("001A", at(1), "ACME", "Tech", 100))
    desk.pull(CONTACT, *[(f"003{i}", at(1), f"u{i}@x.org", "Doe", None, i, "001A") for i in range(1, 6)])


def edits(desk: Desk) -> dict[tuple[str, str], tuple[Any, str]]:
    """Captured edits: (CRM id, column) to (base, state)."""
    rows = desk.sql(
        "SELECT COALESCE(p.crm_id, a.crm_id), e.field, e.base, e.state FROM crmsync_edit e "
        "LEFT JOIN person p ON e.entity = 'person' AND p.id = e.row_id "
        "LEFT JOIN account a ON e.entity = 'account' AND a.id = e.row_id"
    )
    return {(row[0], row[1]): (row[2], row[3]) for row in rows}


def test_an_update_is_an_edit_with_its_base_value(desk: Desk) -> None:
    """Any program's UPDATE of a synced column is kept as an edit; the base is the value both sides agreed on."""
    desk.sql("UPDATE person SET title = 'CTO', score = 7 WHERE crm_id = '0031'")
    desk.sql("UPDATE person SET title = 'CEO' WHERE crm_id = '0031'")
    assert edits(desk) == {("0031", "title"): (None, "pending"), ("0031", "score"): (1, "pending")}


def test_an_update_that_changes_nothing_is_no_edit(desk: Desk) -> None:
    """Writing the value that is there already leaves no edit."""
    desk.sql("UPDATE person SET last_name = 'Doe'")
    assert edits(desk) == {}


def test_an_upsert_keeps_the_base(desk: Desk) -> None:
    """INSERT … ON CONFLICT DO UPDATE captures only what it changed."""
    row = desk.one("SELECT id FROM person WHERE crm_id = '0032'")
    desk.sql(
        "INSERT INTO person (id, email) VALUES (?, 'new@x.org') ON CONFLICT (id) DO UPDATE SET email = excluded.email",
        row,
    )
    assert edits(desk) == {("0032", "email"): ("u2@x.org", "pending")}


def test_insert_or_replace_is_caught_although_sqlite_fires_no_delete_trigger(desk: Desk) -> None:
    """What REPLACE changed are edits, what it left out became empty and is an edit too; the CRM identity survives."""
    row = desk.one("SELECT id FROM person WHERE crm_id = '0033'")
    desk.sql("INSERT OR REPLACE INTO person (id, email, last_name, score) VALUES (?, 'r@x.org', 'Doe', 3)", row)
    assert edits(desk) == {
        ("0033", "email"): ("u3@x.org", "pending"),
        ("0033", "account_crm_id"): ("001A", "pending"),
    }
    assert desk.sql("SELECT crm_id, crm_type, crm_is_deleted FROM person WHERE id = ?", row) == [("0033", "contact", 0)]


def test_a_second_replace_keeps_the_first_base(desk: Desk) -> None:
    """The base stays the value of the CRM however often a row is replaced."""
    row = desk.one("SELECT id FROM person WHERE crm_id = '0034'")
    for email in ("one@x.org", "two@x.org"):
        desk.sql(
            "INSERT OR REPLACE INTO person (id, email, last_name, score, account_crm_id)"
            " VALUES (?, ?, 'Doe', 4, '001A')",
            row,
            email,
        )
    assert edits(desk) == {("0034", "email"): ("u4@x.org", "pending")}


def test_update_or_replace_keeps_the_base(desk: Desk) -> None:
    """An outer OR REPLACE does not get at the base inside the trigger."""
    desk.sql("UPDATE person SET title = 'A' WHERE crm_id = '0031'")
    desk.sql("UPDATE OR REPLACE person SET title = 'B' WHERE crm_id = '0031'")
    assert edits(desk) == {("0031", "title"): (None, "pending")}


def test_a_delete_leaves_a_note(desk: Desk) -> None:
    """A row deleted here is remembered with its CRM id, and its edits go with it."""
    desk.sql("UPDATE person SET title = 'A' WHERE crm_id = '0035'")
    desk.sql("DELETE FROM person WHERE crm_id = '0035'")
    assert desk.sql("SELECT entity, crm_id FROM crmsync_deleted") == [("person", "0035")]
    assert edits(desk) == {}


@pytest.mark.rule("R-095")
def test_an_account_column_written_through_one_person_shows_on_all(desk: Desk) -> None:
    """An account edit through `person_full` is one edit of the account, seen by every contact of it."""
    desk.sql("UPDATE person_full SET industry = 'Art' WHERE crm_id = '0031'")
    assert desk.sql("SELECT DISTINCT industry FROM person_full") == [("Art",)]
    assert edits(desk) == {("001A", "industry"): ("Tech", "local")}


def test_a_person_without_account_has_company_columns_of_its_own(desk: Desk) -> None:
    """`person_full` writes a marketing-only person's company to the person; nothing of it waits for the CRM."""
    desk.sql("INSERT INTO person_full (email, company) VALUES ('solo@x.org', 'Own Ltd')")
    desk.sql("UPDATE person_full SET company = 'Mine Ltd' WHERE email = 'solo@x.org'")
    assert desk.sql("SELECT company FROM person WHERE email = 'solo@x.org'") == [("Mine Ltd",)]
    assert desk.one("SELECT name FROM account") == "ACME"
    assert edits(desk) == {}


def test_person_columns_written_through_the_view_are_edits_of_the_person(desk: Desk) -> None:
    """`person_full` is written like the table itself."""
    desk.sql("UPDATE person_full SET title = 'CTO' WHERE crm_id = '0031'")
    assert edits(desk) == {("0031", "title"): (None, "pending")}


REFUSED = [
    "UPDATE person SET crm_id = 'x' WHERE crm_id = '0031'",
    "UPDATE person SET crm_type = 'lead' WHERE crm_id = '0031'",
    "UPDATE person SET crm_is_deleted = 1 WHERE crm_id = '0031'",
    "UPDATE person SET id = 99 WHERE crm_id = '0031'",
    "UPDATE account SET crm_id = 'x'",
    "INSERT INTO person (email, crm_id) VALUES ('a', '003X')",
    "INSERT OR REPLACE INTO person (id, crm_id) VALUES (1, '003X')",
    "UPDATE person_full SET crm_id = 'x' WHERE crm_id = '0031'",
    "UPDATE person_full SET owner_email = 'x' WHERE crm_id = '0031'",
    "INSERT INTO person_full (email, crm_id) VALUES ('a', '003X')",
]


@pytest.mark.rule("R-049", "R-120")
@pytest.mark.parametrize("statement", REFUSED)
def test_the_engines_columns_are_refused_with_a_clear_message(desk: Desk, statement: str) -> None:
    """Ids, types, the deleted flag and owner details cannot be written by anybody else."""
    with pytest.raises(sqlite3.IntegrityError, match="crmsync"):
        desk.sql(statement)


def test_a_wrong_type_is_refused_where_it_is_written(desk: Desk) -> None:
    """Columns are typed: a text in a whole-number column is an error for whoever writes it."""
    with pytest.raises(sqlite3.IntegrityError, match="INTEGER"):
        desk.sql("UPDATE person SET score = 'high' WHERE crm_id = '0031'")


def test_the_engines_flag_cannot_outlive_its_transaction(desk: Desk) -> None:
    """COMMIT fails while the row that silences the triggers stands, so no crash can leave it behind."""
    con = sqlite3.connect(desk.path, isolation_level=None)
    con.execute("PRAGMA foreign_keys = ON")
    con.execute("BEGIN")
    con.execute("INSERT INTO crmsync_applying VALUES (1, 0)")
    with pytest.raises(sqlite3.IntegrityError, match="FOREIGN KEY"):
        con.execute("COMMIT")
    con.close()


def test_a_marketing_only_person_has_no_edits(desk: Desk) -> None:
    """A row that the CRM does not know has no base to differ from."""
    desk.sql("INSERT INTO person (email) VALUES ('only@here.org')")
    desk.sql("UPDATE person SET title = 'x' WHERE email = 'only@here.org'")
    assert edits(desk) == {}
