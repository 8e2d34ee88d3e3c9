"""The benchmarks still run. How fast anything is, no test asks."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
def test_every_bench_runs_on_a_small_org() -> None:
    args = ["--records", "2000", "--many", "4000", "--rounds", "1", "--no-bars", "--json"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *args], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    found = {figure["name"]: figure for figure in json.loads(done.stdout)["figures"]}
    assert found["reload, rest: journal entries"]["value"] == found["reload, bulk: journal entries"]["value"] == "80"
    assert found["push of 200: calls that write"]["value"] == "1"
    assert any(name.startswith("idle cycle") for name in found)
