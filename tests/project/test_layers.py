"""Imports point one way, and a plugin knows core by its public door alone."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from importlinter.cli import lint_imports

ROOT = Path(__file__).parents[2]
DOORS = {
    "crmsync", "crmsync.errors", "crmsync.model", "crmsync.clock", "crmsync.entities", "crmsync.simulate",
    "crmsync.hookspecs", "crmsync.aio", "crmsync.http", "crmsync.pacing", "crmsync.redact", "crmsync.values",
    "crmsync.writes", "crmsync.connectors",
}  # fmt: skip
OPEN = ("crmsync.simulate.", "crmsync.connectors.")
CRMS = re.compile(
    r"salesforce|sales force|\bsfdc|sobject|\bsoql|\bapex\b|force\.com|__c\b"
    r"|dynamics|dataverse|microsoft|\bms[ -]?crm|\bentra\b|\bazure|\bodata|guid",
    re.IGNORECASE,
)
"""Words of one vendor or the other, which only its plugin knows."""
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
        if name.split(".")[0] == "crmsync" and name not in DOORS and not name.startswith(OPEN)
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


def test_core_names_no_crm() -> None:
    """In no code, comment, text or name of a file: a CRM is known to its plugin alone."""
    core = ROOT / "core"
    lines = {
        f"{path.relative_to(ROOT)}:{number}": line
        for path in core.rglob("*")
        if path.suffix in {".py", ".sql", ".toml", ".md"} and ".egg-info" not in str(path)
        for number, line in enumerate([path.name, *path.read_text("utf-8").splitlines()])
    }
    assert {where: line for where, line in lines.items() if CRMS.search(line)} == {}


def test_sql_is_spoken_in_the_store_alone() -> None:
    """But for what people are shown, and what plays a person: the demo, the contract kit, the simulators."""
    core, statement = ROOT / "core/crmsync", re.compile(r"\b(SELECT .+ FROM|INSERT INTO|DELETE FROM|UPDATE .+ SET)\s")
    others = {"store", "demo", "testing", "simulate"}
    modules = [path for path in core.rglob("*.py") if path.relative_to(core).parts[0] not in others]
    assert len(modules) > 100
    assert [path for path in modules if statement.search(path.read_text("utf-8"))] == []
