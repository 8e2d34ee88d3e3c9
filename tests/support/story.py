"""The demo's story on whatever connector brings one: what is told, and how the demo must end."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from crmsync import cli

HAPPENS = ("title", "deleted", "merged", "works for", "industry", "description")
"""What the story's first lines speak of, beside the conversion, which every CRM calls by its own name."""
ENDS = (
    "the lead: marketing wins: 'Chosen by marketing' here, 'Chosen by marketing' in the CRM",
    "the contact: the CRM wins: 'Chosen in the CRM' here, 'Chosen in the CRM' in the CRM",
    "the field set to manual: neither moves: 'Chosen by marketing' here, 'Chosen in the CRM' in the CRM",
    "the CRM has 'Chosen by marketing' now",
)


def told(story: Any) -> list[str]:
    """What the story says of its edits."""

    async def tell() -> list[str]:
        return [*await story.edit(), *await story.overwrite()]

    return asyncio.run(tell())


def played(connector: str, records: int, seed: int, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Play the demo: each collision ends by its rule, a person decides one, and both sides agree in the end."""
    options = ["--connector", connector, "--records", str(records), "--seed", str(seed), "--keep", str(folder)]
    with pytest.raises(SystemExit) as ended:
        cli.main(["demo", *options, "--json"])
    said = capsys.readouterr()
    assert ended.value.code == 0, said.err
    (story,) = [one["story"] for one in json.loads(said.out)["connectors"]]
    for part in ENDS:
        assert part in story
    assert any(line.startswith("the lead's title in the CRM is 'Chosen in the CRM' again") for line in story)
