"""Campaigns and actions on Dynamics: what they need, whom they reach, and what is refused."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from crmsync.errors import SettingsError
from crmsync.settings import ObjectSettings
from crmsync.store.people import actions
from crmsync_dynamics.simulator import Ref
from dynamics.environment import Environment
from support.marketer import ask, ask_all, insert, local, outcome, state

IDLE = ["account", "systemuser", "team", "opportunity", "opportunity_customer", "connection"]


@pytest.fixture
def site(tmp_path: Path) -> Environment:
    """Contacts, leads, campaigns and tasks, not synced yet."""
    return Environment(tmp_path / "dyn.db", objects=ObjectSettings(disable=IDLE))


def served(site: Environment) -> None:
    """A process holds the lease until nothing waits."""

    async def do(connection: Any) -> None:
        store = await connection.opened.lease()
        for _ in range(1000):
            connection.opened.poke()
            await asyncio.sleep(0.01)
            if not await store.read(actions.any_due, site.clock.now()):
                return
        raise AssertionError("not served")

    site.use(do)


def members(site: Environment) -> set[str]:
    """The members of the lists that were made from here."""
    ours = {row["listid"] for row in site.org.records("list") if str(row["listname"]).startswith("Mkto-")}
    return {row["entityid"].id for row in site.org.records("listmember") if row["listid"].id in ours}


@pytest.mark.rule("R-077", "R-162", "R-167")
def test_actions_are_done_at_once_one_by_one_and_in_bulk_with_nothing_installed(site: Environment) -> None:
    """Asked in Python for many, or with SQL for one: new persons are leads, members and have tasks before any cycle."""
    site.sync()
    campaign = site.org.create("campaign", {"name": "Autumn"})
    site.sync()
    some = [local(site, last_name=f"Noor {n}", company="Acme") for n in range(5)]
    told = ask_all(site, "add_to_campaign", some[:4], campaign="Autumn")
    assert all(one.ok for one in told), told
    asked = [insert(site, kind, some[4], **more) for kind, more in (
        ("sync_person", {}), ("add_to_campaign", {"campaign": campaign}), ("create_task", {"subject": "Call"}),
    )]  # fmt: skip
    served(site)
    assert [state(site, one)[0] for one in asked] == ["done"] * 3, [outcome(site, one) for one in asked]
    leads = [crm_id for (crm_id,) in site.sql("SELECT crm_id FROM person WHERE last_name LIKE 'Noor%'")]
    assert members(site) == set(leads)
    tasks = [row["regardingobjectid"] for row in site.org.records("task") if row["subject"] == "Call"]
    assert tasks == [Ref("lead", site.one("SELECT crm_id FROM person WHERE id = ?", some[4]))]
    told = ask_all(site, "remove_from_campaign", some, campaign="Autumn")
    assert all(one.ok for one in told), told
    assert members(site) == set()
    site.sql("INSERT INTO program (name) VALUES ('Webinar')")
    with pytest.raises(SettingsError, match="have no statuses") as refused:
        site.use(lambda connection: connection.programs.link("Webinar", "Autumn"))
    assert "campaign add" in str(refused.value.hint)


@pytest.mark.rule("R-162", "R-169", "R-170")
def test_campaigns_are_switched_off_and_on_and_inactive_ones_refuse(site: Environment) -> None:
    """While they are off nobody is added; on again they are as in the CRM, and an inactive one says so."""
    renamed, closed = (site.org.create("campaign", {"name": name}) for name in ("Spring", "Closed"))
    site.sync()
    person = site.one("SELECT MIN(id) FROM person WHERE crm_type = 'lead'")
    site.given["objects"] = ObjectSettings(disable=[*IDLE, "campaign"])
    site.org.update("campaign", renamed, {"name": "Summer"})
    site.org.update("campaign", closed, {"statecode": 1, "statuscode": 4})
    new = site.org.create("campaign", {"name": "Winter"})
    site.sync()
    assert site.one("SELECT name FROM campaign WHERE crm_id = ?", renamed) == "Spring"
    site.given["objects"] = ObjectSettings(disable=IDLE)
    site.sync()
    found = dict(site.sql("SELECT crm_id, name FROM campaign WHERE crm_id IN (?, ?)", renamed, new))
    assert found == {renamed: "Summer", new: "Winter"}
    assert site.verify().ok
    assert site.one("SELECT state FROM campaign WHERE crm_id = ?", closed) == "Inactive"
    for kind in ("add_to_campaign", "remove_from_campaign"):
        told = ask(site, kind, person, campaign="Closed")
        assert (told.state, told.code) == ("refused", "inactive"), told
        assert "Activate it" in told.outcome
    assert members(site) == set()


@pytest.mark.rule("R-185")
def test_tasks_are_read_and_activities_are_sent_as_tasks_where_their_kinds_are_named(site: Environment) -> None:
    """A task of a lead is here; of what happened here only kinds that are named go there, as tasks that are over."""
    lead = site.org.create("lead", {"lastname": "Noor"})
    site.org.create("task", {"subject": "Theirs", "regardingobjectid": Ref("lead", lead)})
    site.given["activities"] = ["Email Opened"]
    site.sync()
    assert site.one("SELECT who_crm_id FROM crm_activity WHERE subject = 'Theirs'") == lead
    before = site.org.count("task")
    at = f"{site.clock.now():%Y-%m-%dT%H:%M:%S.000Z}"
    for kind in ("Email Opened", "Email Clicked"):
        sql = "INSERT INTO activity (person_id, kind, at) SELECT id, ?, ? FROM person WHERE crm_id = ?"
        site.sql(sql, kind, at, lead)
    site.sync()
    sent = [row for row in site.org.records("task") if str(row["subject"]).startswith("Email")]
    assert site.org.count("task") == before + 1
    assert [(row["subject"], row["statecode"], row["regardingobjectid"]) for row in sent] == [
        ("Email Opened", 1, Ref("lead", lead))
    ]
