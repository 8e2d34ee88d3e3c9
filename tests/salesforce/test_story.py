"""The demo's story: the same for the same seed, and everything the demo promises happens in it."""

import asyncio
import json
from pathlib import Path

import pytest

from crmsync import cli
from crmsync_salesforce import plugin
from crmsync_salesforce.simulation import simulate
from crmsync_salesforce.simulator import Org
from crmsync_salesforce.story import OrgStory


def told(org: Org, big: int) -> list[str]:
    return list(asyncio.run(_told(OrgStory(org, big=big))))


async def _told(story: OrgStory) -> list[str]:
    return [*await story.edit(), *await story.overwrite()]


def test_everything_happens() -> None:
    """Updates, deletions, a conversion, a merge, a move, the big account, and the update of the edited account."""
    org = Org(300, 7, big_account=60)
    before = {obj: org.count(obj) for obj in ("Contact", "Lead")}
    lines = told(org, 60)
    for word in ("title", "deleted", "converted", "merged", "works for", "industry", "description"):
        assert any(word in line for line in lines), word
    assert org.count("Contact") == before["Contact"] - 5 - 1 + 1
    assert told(Org(300, 7, big_account=60), 60) == lines


def test_a_small_org_has_a_story_too() -> None:
    """An org without a big account, or with hardly anybody in it, breaks no story."""
    assert told(Org(2, 7), 0)


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
    options = ["--connector", "salesforce", "--records", str(records), "--seed", str(seed), "--keep", str(tmp_path)]
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
