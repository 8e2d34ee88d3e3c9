"""What a cycle costs in API calls."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from crmsync.clock import SetClock
from crmsync_salesforce.simulator import Org
from support.records import ids, kinds, step
from support.simulated import Simulated


@pytest.mark.rule("R-364")
@pytest.mark.parametrize(("custom", "most"), [((), 3), (("Subscription__c", "Subscription_Item__c"), 4)])
def test_an_idle_cycle_takes_three_calls(tmp_path: Path, custom: tuple[str, ...], most: int) -> None:
    """Schema and deletes included; a fourth one for up to five custom objects."""
    sim = Simulated(tmp_path / "m.db", objects={"enable": list(custom)})
    sim.sync()
    summary = sim.sync()
    assert summary.counts.touched == 0
    assert 0 < sim.calls <= most
    assert kinds(sim) == {}


@pytest.mark.rule("R-365")
def test_thousands_of_records_share_a_call(tmp_path: Path) -> None:
    """10,000 changed records take one call for each 2,000, beside the first ones."""
    clock = SetClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    sim = Simulated(tmp_path / "m.db", Org(records=10_000, seed=7, clock=clock))
    sim.sync(objects=["Contact"])
    sim.later()
    for crm_id in ids(sim, "Contact"):
        sim.org.update("Contact", crm_id, {"Title": "of another kind"})
    summary = sim.sync(objects=["Contact"])
    assert summary.counts.updated == 10_000
    assert sim.calls <= 10_000 / 2_000 + 3


@pytest.mark.rule("R-365")
def test_two_hundred_edits_share_a_call(tmp_path: Path) -> None:
    """450 edited leads are read in one call and written in three, beside what an idle cycle takes."""
    clock = SetClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    sim = Simulated(tmp_path / "m.db", Org(records=900, seed=7, clock=clock))
    sim.sync()
    leads = sim.one("SELECT COUNT(*) FROM person WHERE crm_type = 'lead'")
    assert leads == 450
    sim.sql("UPDATE person SET title = 'of another kind' WHERE crm_type = 'lead'")
    summary = sim.sync()
    pushed = step(summary, "Lead", "push updates")
    assert (pushed["updated"], pushed["calls"]) == (450, 1 + 3)
    assert sim.calls <= 3 + 1 + 3
