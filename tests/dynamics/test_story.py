"""The demo's story: the same for the same seed, and everything the demo promises happens in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmsync.clock import SetClock
from crmsync_dynamics.simulator import Org
from crmsync_dynamics.story import OrgStory
from dynamics.orgs import NOON
from support.story import HAPPENS, played, told


def lines(records: int, big: int) -> list[str]:
    return told(OrgStory(Org(records, 7, big_account=big, clock=SetClock(NOON)), big=big))


def test_everything_happens() -> None:
    """Updates, deletions, a qualification, a merge, a move, the big account, and the update of the edited account."""
    first = lines(150, 40)
    for word in (*HAPPENS, "qualified"):
        assert any(word in line for line in first), word
    assert lines(150, 40) == first


def test_a_small_environment_has_a_story_too() -> None:
    """One without a big account, or with hardly anybody in it, breaks no story."""
    assert lines(2, 0)


def test_the_demo_plays_to_its_end(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each collision ends by its rule, a person decides one, a lead is qualified, and both sides agree in the end."""
    played("dynamics", 60, 1, tmp_path, capsys)
