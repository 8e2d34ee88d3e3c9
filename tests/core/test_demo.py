"""The demo tells one story for any connector that brings one, and agrees with the database it leaves."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.command import Command

STORY = ["demo", "--connector", "memory", "--records", "60"]


def ask(database: str, sql: str) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect(database)) as con:
        return con.execute(sql).fetchall()


@pytest.fixture
def told(crmsync: Command, tmp_path: Path) -> dict[str, Any]:
    said = crmsync(*STORY, "--json", "--keep", str(tmp_path / "kept"))
    assert said.code == 0, said.err
    found: dict[str, Any] = json.loads(said.out)
    return found


def test_one_json_object_tells_the_verdict_the_steps_and_where_everything_is(told: dict[str, Any]) -> None:
    assert told["verify"] == {"ok": True, "different": 0, "explained": 0}
    (one,) = told["connectors"]
    assert (one["name"], one["verify"]["ok"], one["verify"]["different"]) == ("memory", True, [])
    assert {step["operation"] for step in told["steps"]} >= {"pull updates", "pull deletes", "pull conversions"}
    counted = {row["object"]: (row["crm_records"], row["db_records"]) for row in one["counts"]}
    assert counted["Contact"] == (60 + 5001, 60 + 5001)
    assert told["database"] == one["database"]
    assert Path(one["database"]).exists()


def test_the_account_edit_showed_on_its_contacts_and_the_crm_had_the_last_word(told: dict[str, Any]) -> None:
    lines = told["connectors"][0]["story"]
    assert any(line.startswith("all 30 contacts of it show it") for line in lines)
    assert any("still has what marketing wrote" in line for line in lines)
    assert ask(told["database"], "SELECT name, industry FROM account WHERE crm_id = '001A'") == [("Renamed", "Tech")]


def test_the_big_account_changed_and_left_no_activity(told: dict[str, Any]) -> None:
    database = told["database"]
    assert ask(database, "SELECT industry FROM account WHERE crm_id = '001BIG'") == [("Bigger",)]
    assert ask(database, "SELECT COUNT(*) FROM activity WHERE crm_id = '001BIG'") == [(0,)]
    said = [step["message"] for step in told["steps"] if step["object"] == "Account"]
    assert any("5001" in message for message in said)


def test_both_sides_write_and_each_collision_ends_by_its_rule(told: dict[str, Any]) -> None:
    lines = told["connectors"][0]["story"]
    for part in (
        "the lead: marketing wins: 'Chosen by marketing' here, 'Chosen by marketing' in the CRM",
        "the contact: the CRM wins: 'theirs' here, 'theirs' in the CRM",
        "the field set to manual: neither moves: 'Chosen by marketing' here, 'Cold' in the CRM",
        "the CRM has 'Chosen by marketing' now",
        "1 waits for a decision; nothing was written, here or there",
    ):
        assert part in lines
    assert {"push updates"} <= {step["operation"] for step in told["steps"]}


def test_marketing_has_a_lead_converted_and_takes_a_cycle_back(told: dict[str, Any]) -> None:
    lines, database = told["connectors"][0]["story"], told["database"]
    row = ask(database, "SELECT row_id FROM crmsync_link WHERE crm_id = '00Q003'")[0][0]
    assert f"person {row} is a contact now, in the same row" in lines
    assert any(line.startswith("the lead's title in the CRM is 'theirs' again") for line in lines)
    kinds = [row[0] for row in ask(database, "SELECT kind FROM crmsync_run ORDER BY id")]
    assert kinds.count("undo") == kinds.count("actions") == 1


def test_other_commands_work_on_what_it_left(told: dict[str, Any], crmsync: Command) -> None:
    settings = told["connectors"][0]["settings"]
    assert Path(settings).stat().st_mode & 0o777 == 0o600
    status = crmsync("status", "--settings", settings, "--json")
    assert status.data["state"] == "last synced"


def test_a_person_is_told_the_story_and_what_to_try_next(crmsync: Command, tmp_path: Path) -> None:
    said = crmsync(*STORY, "--keep", str(tmp_path / "kept"))
    assert said.code == 0
    for part in (
        "crmsync check",
        "First sync",
        "with plain SQL",
        "Change Data Value",
        "Both sides agree.",
        "to try next",
    ):
        assert part in said.out
    assert "open sesame" not in said.out


def test_a_folder_with_a_demo_in_it_is_refused(crmsync: Command, tmp_path: Path) -> None:
    (tmp_path / "memory.db").touch()
    said = crmsync(*STORY, "--keep", str(tmp_path))
    assert said.code == 2
    assert "memory.db" in said.err


def test_an_unknown_connector_is_refused(crmsync: Command) -> None:
    assert crmsync("demo", "--connector", "memry").code == 2
