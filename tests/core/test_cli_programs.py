"""The commands with which a person links programs to campaigns."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support.campaigns import CampaignCrm, statuses
from support.command import Command

MODULE = """from crmsync.clock import SetClock
from support.campaigns import CampaignCrm

plugin = CampaignCrm(clock=SetClock(running=True), page_size=1000)
system, fields, scope, fetch, apply = plugin.system, plugin.fields, plugin.scope, plugin.fetch, plugin.apply
"""
SETTINGS = '[connections.acme]\nconnector = "memory"\ndatabase = "acme.db"\n'


def sql(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with closing(sqlite3.connect("acme.db")) as con, con:
        return con.execute(statement, values).fetchall()


def crm() -> CampaignCrm:
    """The CRM behind the connector."""
    plugin = sys.modules["memory_plugin"].plugin
    assert isinstance(plugin, CampaignCrm)
    return plugin


def program(name: str, *labels: str) -> None:
    """Any program makes a program with these statuses."""
    sql("INSERT INTO program (name) VALUES (?)", name)
    for step, label in enumerate(labels, 1):
        sql(
            "INSERT INTO program_status (program_id, label, step) SELECT id, ?, ? FROM program WHERE name = ?",
            label, step, name,
        )  # fmt: skip


@pytest.fixture
def fair(crmsync: Command) -> Command:
    """A synced connection with a lead, a campaign and two programs, one of which matches it."""
    Path("site/memory_plugin.py").write_text(MODULE)
    Path("crmsync.toml").write_text(SETTINGS)
    assert crmsync("sync").code == 0
    crm().put("Lead", "L1", LastName="Roe")
    statuses(crm(), crm().put("Campaign", "C1", Name="Spring"), "Invited", "Came")
    assert crmsync("sync").code == 0
    program("Webinar", "Invited", "Came")
    program("Fair", "Asked")
    return crmsync


def test_a_program_is_linked_listed_and_parted(fair: Command) -> None:
    """For people and for programs; the members of both sides are counted."""
    said = fair("campaign", "link", "acme", "Webinar", "Spring")
    assert (said.code, said.out) == (0, "Webinar is linked to Spring (C1); the next cycle compares their members.\n")
    sql("INSERT INTO program_member (program_id, person_id) VALUES (1, 1)")
    assert fair("sync").code == 0
    other, row = fair("campaign", "list", "--json").data
    assert (other["program"], other["state"]) == ("Fair", "unlinked")
    names = ("connection", "program", "campaign", "campaign_crm_id", "state", "members", "campaign_members")
    assert [row[name] for name in names] == ["acme", "Webinar", "Spring", "C1", "linked", 1, 1]
    assert "Spring" in fair("campaign", "list", "acme").out
    statuses(crm(), "C1", "New")
    fair("sync")
    assert "note: Webinar and its campaign have different statuses: the campaign alone has 'New'" in fair(
        "campaign", "list"
    ).out.replace("\n", " ")
    parted = fair("campaign", "unlink", "acme", "Webinar", "--json").data
    assert parted == {"program": "Webinar", "campaign_crm_id": "C1", "state": "unlinked"}
    assert "Webinar is not linked" in fair("campaign", "unlink", "acme", "Webinar").out


def test_a_link_that_is_refused_says_why_and_what_to_do(fair: Command) -> None:
    """Statuses that differ end with code 1, what is not there with code 2."""
    said = fair("campaign", "link", "acme", "Fair", "Spring")
    assert said.code == 1
    assert "the program alone has 'Asked'; the campaign alone has 'Invited', 'Came'" in said.err
    assert "Rename or remove statuses of the campaign in the CRM" in said.err
    assert fair("campaign", "link", "acme", "Nothing", "Spring").code == 2
    assert fair("campaign", "link", "acme", "Webinar", "Nothing").code == 2


def test_a_campaign_is_made_for_a_program(fair: Command) -> None:
    """One command, one campaign; where the CRM refuses, code 3 and its reason."""
    said = fair("campaign", "create", "acme", "Fair", "--name", "Trade fair", "--json")
    assert said.code == 0, said.err
    assert (said.data["campaign"], said.data["state"]) == ("Trade fair", "linked")
    assert crm().objects["Campaign"][said.data["campaign_crm_id"]]["Name"] == "Trade fair"
    assert fair("campaign", "create", "acme", "Fair").code == 1
    crm().may_write = False
    fair("sync")
    refused = fair("campaign", "create", "acme", "Webinar")
    assert refused.code == 3
    assert 'Tick "May run campaigns".' in refused.err


def test_without_programs_the_list_is_empty(crmsync: Command) -> None:
    """Also before the first sync, and without a word to the CRM."""
    Path("site/memory_plugin.py").write_text(MODULE)
    Path("crmsync.toml").write_text(SETTINGS)
    assert crmsync("campaign", "list", "--json").data == []
    assert "There is no program." in crmsync("campaign", "list").out
