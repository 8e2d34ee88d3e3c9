"""Campaigns, their statuses and members."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crmsync.model import Level
from support.records import ids, kinds, person, step, value
from support.simulated import Simulated

CAMPAIGNS = ["Campaign", "CampaignMember", "CampaignMemberStatus"]
TOLD = """SELECT kind, person_id, field, old_value, new_value, object, crm_id FROM activity
          WHERE run = (SELECT MAX(id) FROM crmsync_run)"""


def member(sim: Simulated, **values: Any) -> str:
    """Somebody joins the first campaign."""
    return sim.org.create("CampaignMember", {"CampaignId": ids(sim, "Campaign")[0], "Status": "Sent", **values})


def newcomer(sim: Simulated, name: str) -> str:
    """A person who is in no campaign."""
    return sim.org.create(name, {"LastName": "Roe", **({"Company": "Roe Ltd"} if name == "Lead" else {})})


@pytest.mark.rule("R-141")
def test_campaigns_may_be_left_out(tmp_path: Path) -> None:
    """No steps, no rows, no tables of theirs; everything else is synced."""
    sim = Simulated(tmp_path / "m.db", objects={"disable": CAMPAIGNS})
    sim.sync()
    sim.later()
    sim.org.create("Campaign", {"Name": "Late"})
    summary = sim.sync()
    assert summary.status == "succeeded"
    assert {one["object"] for one in summary.steps}.isdisjoint(CAMPAIGNS)
    tables = {name for (name,) in sim.sql("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert not {name for name in tables if name.startswith("campaign")}
    assert "opportunity" in tables


@pytest.mark.rule("R-142")
def test_without_the_marketing_flag_campaigns_are_read_and_check_says_what_to_tick(tmp_path: Path) -> None:
    """The CRM shows them to such a user, so they are synced; that they cannot be changed is told beforehand."""
    sim = Simulated(tmp_path / "m.db", user="minimum")
    findings = sim.use(lambda connection: connection.check())
    told = [one for one in findings if one.topic == "campaigns"]
    assert [(one.level, one.grant) for one in told] == [(Level.WARN, 'Tick "Marketing User".')]
    assert sim.sync().status == "succeeded"
    assert [row for (row,) in sim.sql("SELECT crm_id FROM campaign")] == ids(sim, "Campaign")


@pytest.mark.rule("R-161")
def test_deleted_campaigns_members_and_statuses_are_removed(sim: Simulated) -> None:
    """Rows gone, counted under pull deletes; a removed member is told on the person."""
    lead = newcomer(sim, "Lead")
    campaign = sim.org.create("Campaign", {"Name": "Short"})
    status = sim.org.create("CampaignMemberStatus", {"CampaignId": campaign, "Label": "Unused", "SortOrder": 9})
    one = member(sim, LeadId=lead)
    sim.sync()
    sim.later()
    sim.org.delete("CampaignMember", one)
    sim.org.delete("CampaignMemberStatus", status)
    summary = sim.sync()
    assert step(summary, "CampaignMember", "pull deletes")["deleted"] == 1
    assert step(summary, "CampaignMemberStatus", "pull deletes")["deleted"] == 1
    told = [("Removed from Campaign", person(sim, lead), None, None, None, "CampaignMember", one)]
    assert sim.sql(TOLD) == told
    sim.later()
    sim.org.delete("Campaign", campaign)
    assert step(sim.sync(), "Campaign", "pull deletes")["deleted"] == 1
    for table, crm_id in (("campaign", campaign), ("campaign_status", status), ("campaign_member", one)):
        assert sim.sql(f"SELECT 1 FROM {table} WHERE crm_id = ?", crm_id) == []
    assert sim.verify().ok


@pytest.mark.rule("R-335")
@pytest.mark.parametrize("name", ["Lead", "Contact"])
def test_joining_changing_status_and_leaving_are_activities(sim: Simulated, name: str) -> None:
    """One each on the person, with the membership behind it and both statuses; other changes write none."""
    who = newcomer(sim, name)
    sim.sync()
    sim.later()
    one = member(sim, **{f"{name}Id": who})
    sim.sync()
    row = person(sim, who)
    assert sim.sql(TOLD) == [("Added to Campaign", row, None, None, None, "CampaignMember", one)]
    assert value(sim, "campaign_crm_id", one, "campaign_member") == ids(sim, "Campaign")[0]
    sim.later()
    sim.org.update("CampaignMember", one, {"Status": "Responded"})
    sim.sync()
    assert sim.sql(TOLD) == [
        ("Status Changed in Campaign", row, "status", "Sent", "Responded", "CampaignMember", one)
    ]  # fmt: skip
    assert value(sim, "has_responded", one, "campaign_member") == 1
    sim.later()
    sim.org.delete("CampaignMember", one)
    sim.sync()
    assert sim.sql(TOLD) == [("Removed from Campaign", row, None, None, None, "CampaignMember", one)]
    assert sum(kinds(sim).values()) == 3
