"""The demo's story: the same for the same seed, and everything the demo promises happens in it."""

import asyncio
from pathlib import Path

import pytest

from crmsync_salesforce import plugin
from crmsync_salesforce.simulation import simulate
from crmsync_salesforce.simulator import Org
from crmsync_salesforce.story import OrgStory
from support.story import HAPPENS, played, told


def test_everything_happens() -> None:
    """Updates, deletions, a conversion, a merge, a move, the big account, and the update of the edited account."""
    org = Org(300, 7, big_account=60)
    before = {obj: org.count(obj) for obj in ("Contact", "Lead")}
    lines = told(OrgStory(org, big=60))
    for word in (*HAPPENS, "converted"):
        assert any(word in line for line in lines), word
    assert org.count("Contact") == before["Contact"] - 5 - 1 + 1
    assert told(OrgStory(Org(300, 7, big_account=60), big=60)) == lines


def test_a_small_org_has_a_story_too() -> None:
    """An org without a big account, or with hardly anybody in it, breaks no story."""
    assert told(OrgStory(Org(2, 7), big=0))


def test_the_simulation() -> None:
    """Its settings reach it, and its ready line says where it is."""

    async def main() -> None:
        async with simulate(records=20, seed=3, tls=True, users=True, big=30) as running:
            settings = plugin.system().settings.model_validate(dict(running.settings))
            assert str(settings.ca_file) == running.ready["ca_file"]  # type: ignore[attr-defined]
            assert running.ready["users"]
            assert running.story.big_account != running.story.edited_account

    asyncio.run(main())


@pytest.mark.parametrize(("records", "seed"), [(2000, 7), (60, 1), (60, 2)])
def test_the_demo_plays_to_its_end(records: int, seed: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Whatever the org was seeded with: each collision ends by its rule, and both sides agree in the end."""
    played("salesforce", records, seed, tmp_path, capsys)
