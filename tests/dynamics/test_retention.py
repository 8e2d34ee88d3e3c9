"""Who comes near the end of what the CRM remembers of changes is warned in time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from crmsync.cli import state
from crmsync.clock import stamp
from crmsync.model import Level
from crmsync.settings import ObjectSettings
from dynamics.environment import Environment

IDLE = ["systemuser", "team", "campaign", "task", "opportunity", "opportunity_customer", "connection", "account"]


@pytest.fixture
def site(tmp_path: Path) -> Environment:
    """A connection whose CRM tells of changes for seven days, synced just now."""
    site = Environment(tmp_path / "m.db", objects=ObjectSettings(disable=IDLE))
    site.sync()
    return site


def said(site: Environment, capsys: pytest.CaptureFixture[str]) -> str:
    """What `status` says."""
    now = site.clock.now()
    lines = site.use(lambda connection: state.of(connection, now))
    state.show([{"connection": "acme", **one} for one in lines])
    return " ".join(capsys.readouterr().out.split())


def test_status_warns_from_half_of_the_time_on(site: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    """With the moment from which everything is read anew; a cycle ends it."""
    until = site.clock.now() + timedelta(days=7)
    site.clock.advance(timedelta(days=3))
    assert "tells of changes" not in said(site, capsys)
    site.clock.advance(timedelta(days=1))
    assert "tells of changes for 7 days: without a whole cycle until" in said(site, capsys)
    told = site.use(lambda connection: state.of(connection, site.clock.now()))[0]["changes"]
    assert (told["days"], told["soon"], told["until"][:16]) == (7, True, stamp(until)[:16])
    site.sync()
    assert "tells of changes" not in said(site, capsys)


def test_check_warns_of_a_pause_of_days(site: Environment) -> None:
    """One that leaves no room for a cycle that fails."""
    site.given["pause"] = 4 * 86_400.0
    found = [one for one in site.use(lambda connection: connection.check()) if one.topic == "pause"]
    assert [(one.level, "for 7 days, and the pause is 4.0" in one.message) for one in found] == [(Level.WARN, True)]
    site.given["pause"] = 3 * 86_400.0
    assert not [one for one in site.use(lambda connection: connection.check()) if one.topic == "pause"]
