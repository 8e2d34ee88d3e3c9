"""The commands by which a marketer asks the CRM for things."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from support.command import Command


def sql(statement: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect("acme.db")) as con, con:
        return con.execute(statement).fetchall()


@pytest.fixture
def synced(acme: Command) -> Command:
    """A connection that was synced, and somebody whom the CRM does not have."""
    acme("sync")
    sql("INSERT INTO person (last_name, email) VALUES ('New', 'new@x.org')")
    return acme


def test_a_person_named_by_address_is_sent(synced: Command) -> None:
    """As text it is a sentence with both ids, as JSON an object; afterwards the person is a lead."""
    said = synced("person", "sync", "acme", "new@x.org", "--json")
    assert said.code == 0, said.err
    (told,) = said.data
    row, crm_id = sql("SELECT id, crm_id FROM person WHERE email = 'new@x.org'")[0]
    assert (told["state"], told["person_id"], told["crm_id"]) == ("done", row, crm_id)
    again = synced("person", "sync", "acme", str(row))
    assert again.code == 0
    assert again.out.startswith("done: ")
    assert crm_id in again.out


def test_converting_deleting_and_merging_ask_first(synced: Command) -> None:
    """Without --yes and without a person at the keyboard nothing is asked of the CRM."""
    for command in (("convert", "acme", "1"), ("delete", "acme", "1"), ("merge", "acme", "1", "2")):
        assert synced("person", *command).code != 0
    assert sql("SELECT * FROM crm_action") == []


def test_a_lead_is_converted(synced: Command) -> None:
    """The row stays, and is a contact."""
    row, crm_id = sql("SELECT id, crm_id FROM person WHERE crm_type = 'lead' LIMIT 1")[0]
    said = synced("person", "convert", "acme", crm_id, "--yes")
    assert said.code == 0, said.err + said.out
    assert sql(f"SELECT crm_type FROM person WHERE id = {row}") == [("contact",)]


def test_somebody_nobody_knows_is_a_clear_error(synced: Command) -> None:
    said = synced("person", "sync", "acme", "nobody@x.org")
    assert said.code == 2
    assert "nobody@x.org" in said.err
    assert sql("SELECT * FROM crm_action") == []


def test_what_is_refused_leaves_with_1_and_says_why(synced: Command) -> None:
    said = synced("person", "owner", "acme", "new@x.org", "--to", "who@x.org")
    assert said.code == 1
    assert "who@x.org" in said.out


@pytest.mark.parametrize("command", ["sync", "convert", "owner", "task", "delete", "merge"])
def test_every_command_says_what_it_does(acme: Command, command: str) -> None:
    assert acme("person", command, "--help").code == 0
