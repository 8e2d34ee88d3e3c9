"""The demo's story: the same for the same seed, and everything the demo promises happens in it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from crmsync import cli
from crmsync.clock import SetClock
from crmsync_dynamics.simulator import Org
from crmsync_dynamics.story import OrgStory
from dynamics.orgs import NOON


async def _told(story: OrgStory) -> list[str]:
    return [*await story.edit(), *await story.overwrite()]


def told(records: int, big: int) -> list[str]:
    org = Org(records, 7, big_account=big, clock=SetClock(NOON))
    return asyncio.run(_told(OrgStory(org, big=big)))


def test_everything_happens() -> None:
    """Updates, deletions, a qualification, a merge, a move, the big account, and the update of the edited account."""
    lines = told(150, 40)
    for word in ("title", "deleted", "qualified", "merged", "works for", "industry", "description"):
        assert any(word in line for line in lines), word
    assert told(150, 40) == lines


def test_a_small_environment_has_a_story_too() -> None:
    """One without a big account, or with hardly anybody in it, breaks no story."""
    assert told(2, 0)


def test_the_demo_plays_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each collision ends by its rule, a person decides one, a lead is qualified, and both sides agree in the end."""
    options = ["--connector", "dynamics", "--records", "60", "--seed", "1", "--keep", str(tmp_path)]
    with pytest.raises(SystemExit) as ended:
        cli.main(["demo", *options, "--json"])
    said = capsys.readouterr()
    assert ended.value.code == 0, said.err
    (story,) = [one["story"] for one in json.loads(said.out)["connectors"]]
    for part in (
        "the lead: marketing wins: 'Chosen by marketing' here, 'Chosen by marketing' in the CRM",
        "the contact: the CRM wins: 'Chosen in the CRM' here, 'Chosen in the CRM' in the CRM",
        "the field set to manual: neither moves: 'Chosen by marketing' here, 'Chosen in the CRM' in the CRM",
        "the CRM has 'Chosen by marketing' now",
    ):
        assert part in story
    assert any(line.startswith("the lead's title in the CRM is 'Chosen in the CRM' again") for line in story)
