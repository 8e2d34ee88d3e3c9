"""Each distribution, built and installed alone into a clean environment, does what it promises."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
SOURCES = {
    "crmsync": ROOT,
    "crmsync-dynamics": ROOT / "plugins/dynamics",
    "crmsync-salesforce": ROOT / "plugins/salesforce",
    "crmsync-csv": ROOT / "examples/crmsync-csv",
}

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path = ROOT) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CRMSYNC_", "PYTHON"))}
    clean["PYTHON"] = sys.executable
    clean["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{clean['PATH']}"  # where uv is
    done = subprocess.run(command, cwd=cwd, env=clean, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Wheels built the way a user gets them: from the source distribution, which must therefore be complete."""
    folder = tmp_path_factory.mktemp("dist")
    for name, source in SOURCES.items():
        run(sys.executable, "-m", "build", "--no-isolation", "--outdir", folder / name, source)
    return {name: next((folder / name).glob("*.whl")) for name in SOURCES}


def installed(folder: Path, *wheels: Path) -> Path:
    run("tools/venv.sh", folder, *wheels)
    return folder / "bin"


def plugins(binaries: Path, cwd: Path) -> dict[str, Any]:
    listed = json.loads(run(binaries / "crmsync", "plugins", "--json", cwd=cwd))
    return {plugin["name"]: plugin for plugin in listed}


def test_core_alone_works_and_finds_no_plugin(wheels: dict[str, Path], tmp_path: Path) -> None:
    binaries = installed(tmp_path / "venv", wheels["crmsync"])
    assert "sync" in run(binaries / "crmsync", "--help", cwd=tmp_path)
    assert not {"dynamics", "salesforce", "csv"} & plugins(binaries, tmp_path).keys()


@pytest.mark.parametrize(
    ("distribution", "name"),
    [("crmsync-dynamics", "dynamics"), ("crmsync-salesforce", "salesforce"), ("crmsync-csv", "csv")],
)
def test_a_plugin_is_found_once_installed(
    wheels: dict[str, Path], tmp_path: Path, distribution: str, name: str
) -> None:
    binaries = installed(tmp_path / "venv", wheels["crmsync"], wheels[distribution])
    found = plugins(binaries, tmp_path)
    assert {"dynamics", "salesforce", "csv"} & found.keys() == {name}
    assert not found[name].get("error")


def test_wheels_hold_the_package_and_nothing_else(wheels: dict[str, Path]) -> None:
    for name, wheel in wheels.items():
        package = name.replace("-", "_")
        names = run(sys.executable, "-m", "zipfile", "--list", wheel).splitlines()[1:]
        tops = {line.split("/")[0].split()[0] for line in names}
        assert tops == {package, f"{package}-{wheel.name.split('-')[1]}.dist-info"}
