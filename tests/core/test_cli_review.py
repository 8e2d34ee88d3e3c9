"""The commands with which a person looks at what was synced, decides, plans and takes back."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support import installed
from support.command import Command

SETTINGS = """[connections.acme]
connector = "memory"
database = "acme.db"

[connections.acme.fields]
winner = { "Contact.Title" = "manual" }

[connections.acme.settings]
instance = "here"
password = "open sesame"
"""


@pytest.fixture
def acme(crmsync: Command) -> Command:
    """One connection of a CRM that can be written, synced; the title of contacts is a person's to decide."""
    Path("crmsync.toml").write_text(SETTINGS)
    Path("site/memory_plugin.py").write_text(f"{installed.MODULE}apply = plugin.apply\n")
    assert crmsync("sync").code == 0
    return crmsync


def crm() -> installed.Plugin:
    """The CRM behind the connector."""
    plugin = sys.modules["memory_plugin"].plugin
    assert isinstance(plugin, installed.Plugin)
    return plugin


def sql(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect("acme.db")) as con, con:
        return con.execute(statement, values).fetchall()


def edit(crm_id: str, title: str) -> None:
    """Any program edits a person."""
    sql("UPDATE person SET title = ? WHERE crm_id = ?", title, crm_id)


def disputed(acme: Command) -> None:
    """Both sides write a title of a contact."""
    edit("003000", "mine")
    crm().tick(2)
    crm().put("Contact", "003000", Title="theirs")
    assert acme("sync").code == 0


def test_conflicts_are_listed_and_settled(acme: Command) -> None:
    """With and without the word "list", for people and for programs."""
    assert "There is no conflict." in acme("conflicts").out
    disputed(acme)
    (row,) = acme("conflicts", "acme", "--json").data
    assert (row["connection"], row["crm_id"], row["local"], row["crm"]) == ("acme", "003000", "mine", "theirs")
    assert acme("conflicts", "list", "--json").data == [row]
    assert "theirs" in acme("conflicts").out
    said = acme("conflicts", "settle", "acme", "c0@x.org", "title", "--take", "marketing")
    assert said.code == 0
    assert "person 1 (Contact 003000) is mine; it goes to the CRM with the next cycle." in said.out
    assert acme("sync").code == 0
    assert crm().objects["Contact"]["003000"]["Title"] == "mine"


def test_a_conflict_is_settled_for_programs_too(acme: Command) -> None:
    """What came of it, as JSON; an empty value is none."""
    disputed(acme)
    done = acme("conflicts", "settle", "acme", "003000", "title", "--value", "", "--json").data
    assert (done["value"], done["lost"], done["state"]) == (None, ["mine", "theirs"], "pending")
    assert acme("conflicts", "settle", "acme", "003000", "title", "--take", "crm").code == 2


@pytest.mark.parametrize("how", [[], ["--take", "crm", "--value", "x"], ["--take", "nobody"]])
def test_a_decision_says_one_thing(acme: Command, how: list[str]) -> None:
    """Usage, before anything is looked at."""
    assert acme("conflicts", "settle", "acme", "003000", "title", *how).code == 2


def test_a_retry_needs_to_be_told_what(acme: Command) -> None:
    """Ids, a cause, a time, or everything; what was freed is listed."""
    assert acme("retry", "acme").code == 2
    assert acme("retry", "acme", "5", "--all").code == 2
    assert acme("retry", "acme", "--all", "--anew").code == 2
    sql("UPDATE person SET title = 'x' WHERE crm_id = '00Q000'")
    sql("UPDATE crmsync_edit SET state = 'quarantined', code = 'RULE', reason = 'no'")
    assert acme("retry", "acme", "--cause", "OTHER", "--json").data == []
    assert "Nothing of this" in acme("retry", "acme", "00Q001").out
    said = acme("retry", "acme", "--since", "2d")
    assert said.code == 0
    assert "00Q000" in said.out
    assert acme("sync").code == 0
    assert crm().objects["Lead"]["00Q000"]["Title"] == "x"


def test_a_record_is_explained(acme: Command) -> None:
    """A sentence on the record, a line a value, what holds an edit; for programs all of it."""
    crm().tick(2)
    crm().put("Lead", "00Q001", Title="new")
    disputed(acme)
    said = acme("explain", "acme", "003000")
    assert said.code == 0
    assert "person 1 is Contact 003000, first read in run 1 (cycle)" in said.out
    assert "the CRM has: theirs" in said.out
    assert "History" in acme("explain", "acme", "l1@x.org", "title").out
    told = acme("explain", "acme", "1", "title", "--json").data
    assert [one["waits"]["state"] for one in told["fields"]] == ["conflict"]
    assert acme("explain", "acme", "001A", "--entity", "account").code == 0
    assert acme("explain", "acme", "nobody").code == 2
    assert acme("explain", "acme", "1", "titel").code == 2


def test_a_run_is_undone_after_a_look(acme: Command) -> None:
    """Nobody there to say yes: nothing is done without --yes."""
    crm().tick(2)
    crm().put("Lead", "00Q001", Title="new")
    run = str(acme("sync", "--json").data["run"])
    looked = acme("undo", "acme", run, "--dry-run", "--json").data
    assert (looked["run"], looked["counts"]) == (None, {"to be reverted": 1})
    said = acme("undo", "acme", run)
    assert said.code == 2
    assert "--yes" in said.err
    assert crm().objects["Lead"]["00Q001"]["Title"] == "new"
    said = acme("undo", "acme", run, "--yes")
    assert said.code == 0
    assert f"run {run}: 1 reverted by run {int(run) + 1}" in said.out
    assert crm().objects["Lead"]["00Q001"]["Title"] is None
    again = acme("undo", "acme", run, "--yes", "--fields", "title", "--json")
    assert (again.code, again.data["counts"]) == (1, {"not reverted": 1})
    assert acme("undo", "acme", "99", "--yes").code == 2


def test_a_plan_is_shown_saved_and_carried_out(acme: Command) -> None:
    """Table, JSON and file; what moved meanwhile is listed, with code 1."""
    edit("00Q000", "mine")
    edit("00Q001", "mine")
    crm().tick(2)
    crm().put("Contact", "003001", Title="theirs")
    said = acme("plan", "--save", "plan.jsonl")
    assert said.code == 0
    assert "3 changes planned" in said.out
    assert "plan.jsonl" in said.err
    told = acme("plan", "acme", "--json", "--object", "Lead").data
    assert {one["crm_id"] for one in told["changes"]} == {"00Q000", "00Q001"}
    assert told["about"]["status"] == "succeeded"
    assert told["plan"]["connection"] == "acme"
    assert acme("plan", "--object", "Led").code == 2
    edit("00Q001", "mine again")
    assert acme("sync", "--plan", "plan.jsonl", "--object", "Lead").code == 2
    done = acme("sync", "acme", "--plan", "plan.jsonl", "--json")
    assert done.code == 1
    assert [(one["crm_id"], one["here"]) for one in done.data["refused"]] == [("00Q001", "mine again")]
    assert done.data["made"] == 2
    assert crm().objects["Lead"]["00Q000"]["Title"] == "mine"
    said = acme("sync", "--plan", "plan.jsonl")
    assert said.code == 1
    assert "it has moved" in said.out
    acme("sync")
    acme("plan", "--save", "plan.jsonl")
    assert "would change nothing" in acme("plan").out
    said = acme("sync", "--plan", "plan.jsonl")
    assert (said.code, "All that was planned was done." in said.out) == (0, True)


def test_a_plan_of_what_would_fail_ends_with_one(acme: Command) -> None:
    """The step is named; a file that is no plan ends with two."""
    crm().hidden.add("Deal")
    said = acme("plan")
    assert said.code == 1
    assert "What would go wrong" in said.out
    assert "Deal" in said.out
    assert acme("sync", "--plan", "crmsync.toml").code == 2
    assert acme("plan", "--save", "nowhere/plan").code == 2
