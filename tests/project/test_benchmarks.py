"""The benchmarks still run. How fast anything is, no test asks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def figures(*bench: str, lane: str) -> dict[str, dict[str, str]]:
    """What these benches measure of a small org, by name."""
    args = ["--lane", lane, "--records", "2000", "--many", "4000", "--rounds", "1", "--no-bars", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *bench, *args],
        cwd=ROOT, capture_output=True, text=True, timeout=300, check=False,
        env=os.environ | {"PYTHONPYCACHEPREFIX": ""},  # the byte code there is
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {figure["name"]: figure for figure in json.loads(done.stdout)["figures"]}


@pytest.mark.slow
def test_every_bench_runs_on_a_small_org() -> None:
    found = figures(lane="rest")
    assert found["reload, rest: journal entries"]["value"] == "80"
    assert found["push of 200, salesforce: calls that write"]["value"] == "1"
    assert any(name.startswith("idle cycle") for name in found)


@pytest.mark.slow
def test_a_bench_runs_on_the_other_lanes_too() -> None:
    assert figures("reload", lane="bulk")["reload, bulk: journal entries"]["value"] == "80"
    found = figures("reload", "push", lane="dynamics")
    assert found["reload, dynamics: journal entries"]["value"] == "60"
    assert found["push of 200, dynamics: calls that write"]["value"] == "1"
