"""The tables of programs: what cannot be is refused, links stay whole, and an idle look costs nothing."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest

from crmsync.errors import SettingsError
from support.campaigns import Fair

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
