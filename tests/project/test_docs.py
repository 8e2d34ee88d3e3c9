"""What README and docs say is true of the code."""

import importlib
import re
from pathlib import Path

import pytest
import typer

from crmsync import cli, errors
from crmsync.entities import STANDARD
from crmsync.simulate.acts import COMMON

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
OPERATE = (ROOT / "docs/operate.md").read_text("utf-8")


def test_the_readme_shows_a_command_by_line_fifteen() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    assert "make demo" in lines[:15]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8"))
    local = [link for link in links if "://" not in link]
    assert [link for link in local if not (page.parent / link).exists()] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_their_options_exist(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = page.read_text("utf-8").replace("\\\n", " ")
    shell = "\n".join(re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL))
    used = re.findall(r"^ *crmsync ([a-z]+)((?: +[^\s|;#]+)*)", shell, flags=re.MULTILINE)
    used += re.findall(r"`crmsync ([a-z]+)((?: [^\s`]+)*)`", text)
    for command, rest in used:
        assert command in cli.COMMANDS, f"crmsync {command}"
        group = isinstance(cli.command(command), typer.Typer) and rest.split()
        with pytest.raises(SystemExit):
            cli.main([command, *(rest.split()[:1] if group else ()), "--help"])
        known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
        assert set(re.findall(r"(?<=\s)--[a-z-]+", rest)) <= known, f"crmsync {command}{rest}"


def test_every_command_and_exit_code_is_documented() -> None:
    assert [name for name in cli.COMMANDS if f"crmsync {name}" not in OPERATE] == []
    codes = {kind.exit_code for kind in vars(errors).values() if isinstance(kind, type) and hasattr(kind, "exit_code")}
    assert [code for code in codes if f"\n| {code} |" not in OPERATE] == []


def test_every_kind_of_activity_is_documented() -> None:
    trails = [entity.trail for entity in STANDARD.values()]
    kinds = {kind for trail in trails for kind in (trail.added, trail.changed, trail.removed) if kind}
    assert [kind for kind in sorted(kinds) if f"`{kind}`" not in OPERATE] == []


def test_the_tree_of_the_architecture_names_every_module_of_core() -> None:
    tree = re.search(r"<!-- tree -->(.*?)<!-- /tree -->", (ROOT / "docs/architecture.md").read_text("utf-8"), re.DOTALL)
    assert tree
    listed = set(re.findall(r"^ *([\w-]+\.py)", tree[1], re.MULTILINE))
    there = {path.name for path in (ROOT / "core/crmsync").rglob("*.py")} - {"__init__.py"}
    assert sorted(there - listed) == []


@pytest.mark.parametrize("name", ["crmsync_salesforce", "crmsync_dynamics"])
def test_all_that_simulators_can_be_asked_is_documented(name: str) -> None:
    """Paths, verbs, faults, features and automation: whoever is to use them has only this page."""
    page = (ROOT / "docs/simulate.md").read_text("utf-8")
    control, actions, site, automation = (
        importlib.import_module(f"{name}.simulator.{part}") for part in ("control", "actions", "api.site", "automation")
    )
    acts = {f"{method} {path}" for method, path in (*COMMON, *control.CONTROL.acts)}
    faults = {*actions.ACTIONS.before, *actions.ACTIONS.after, *actions.ACTIONS.others}
    known = acts | faults | site.FEATURES | set(control._SCHEMA) | set(automation.Automation.KINDS)
    assert [one for one in sorted(known) if f"`{one}`" not in page] == []
