"""Imports point one way, and a plugin knows core by its public door alone."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[2]
DOORS = {
    "crmsync", "crmsync.errors", "crmsync.model", "crmsync.clock", "crmsync.entities", "crmsync.simulate",
    "crmsync.hookspecs", "crmsync.aio", "crmsync.http", "crmsync.pacing", "crmsync.redact", "crmsync.values",
    "crmsync.writes",
}  # fmt: skip
PLUGINS = [
    ROOT / "plugins/dynamics/crmsync_dynamics",
    ROOT / "plugins/salesforce/crmsync_salesforce",
    ROOT / "examples/crmsync-csv/crmsync_csv",
]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module


def test_the_contracts_of_the_project_file_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert lint_imports(cache_dir=None) == 0


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: path.name)
def test_a_plugin_comes_in_by_the_public_door(plugin: Path) -> None:
    inside = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in plugin.rglob("*.py")
        for name in imports(path)
        if name.split(".")[0] == "crmsync" and name not in DOORS and not name.startswith("crmsync.simulate.")
    }
    assert inside == set()


def test_core_does_not_use_its_own_contract_kit() -> None:
    core = ROOT / "core/crmsync"
    users = {
        str(path.relative_to(ROOT))
        for path in core.rglob("*.py")
        if "testing" not in path.relative_to(core).parts
        for name in imports(path)
        if name.startswith("crmsync.testing")
    }
    assert users == set()
