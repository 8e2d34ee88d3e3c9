"""The distributions are released together, under one version."""

import tomllib
from importlib.metadata import entry_points, version
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROJECTS = sorted(
    [ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml"), *ROOT.glob("examples/*/pyproject.toml")]
)


def project(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = tomllib.loads(path.read_text("utf-8"))["project"]
    return found


def test_every_distribution_has_the_same_version() -> None:
    versions = {project(path)["name"]: project(path)["version"] for path in PROJECTS}
    assert {"crmsync", "crmsync-dynamics", "crmsync-salesforce", "crmsync-csv"} <= versions.keys()
    assert len(set(versions.values())) == 1, versions


def test_the_environment_has_the_versions_of_the_tree() -> None:
    for path in PROJECTS:
        assert version(project(path)["name"]) == project(path)["version"], "run make again"


def test_a_plugin_depends_on_this_minor_version_of_core() -> None:
    major, minor, _ = project(ROOT / "pyproject.toml")["version"].split(".")
    wanted = f"crmsync>={major}.{minor},<{major}.{int(minor) + 1}"
    for path in PROJECTS:
        if path.parent != ROOT:
            assert wanted in project(path)["dependencies"], path


def test_each_plugin_is_found_by_its_entry_point() -> None:
    found = {point.name: point.value for point in entry_points(group="crmsync")}
    assert found["salesforce"] == "crmsync_salesforce.plugin"
    assert found["dynamics"] == "crmsync_dynamics.plugin"
    assert found["csv"] == "crmsync_csv.plugin"


def test_the_changelog_tells_of_this_version() -> None:
    number = project(ROOT / "pyproject.toml")["version"]
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert f"## [{number}]" in text or "## [Unreleased]" in text
