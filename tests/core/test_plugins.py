"""Plugins are found one by one, and everything about hooks is documented and true."""

from __future__ import annotations

import asyncio
import inspect
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from crmsync import aio
from crmsync.errors import PluginError, SettingsError
from crmsync.hookspecs import Hooks, hookimpl
from crmsync.model import (
    PULL_ONLY,
    Direction,
    Page,
    Query,
)
from crmsync.plugins import installed, load, wire
from support.plugged import CHANGES, ROUTE, Async, Plain, pages

DOCUMENT = Path(__file__).parents[2] / "docs/hooks.md"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of installed distributions, before all others."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def install(site: Path, name: str, text: str, *, distribution: str = "") -> None:
    distribution = distribution or f"crmsync-{name}"
    module = distribution.replace("-", "_") + "_made_for_a_test"
    (site / f"{module}.py").write_text(text)
    info = site / f"{distribution.replace('-', '_')}-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(f"[crmsync]\n{name} = {module}\n")


CONNECTOR = """
import crmsync
from pydantic import BaseModel
@crmsync.hookimpl
def system():
    return crmsync.System(name="zebra", title="Zebra CRM", settings=BaseModel, connect=None, routes=None)
@crmsync.hookimpl
def fields(obj): return {}
@crmsync.hookimpl
def fetch(query): yield crmsync.Page()
"""


OBSERVER = """
import crmsync
@crmsync.hookimpl
def directions(route): return {crmsync.Direction.PULL}
"""


def test_plugins_are_found_one_by_one_and_a_broken_one_stops_no_other(site: Path) -> None:
    install(site, "zebra", CONNECTOR)
    install(site, "careful", OBSERVER)
    install(site, "faulty", "raise RuntimeError('made for another version')")
    install(site, "zebra", CONNECTOR, distribution="another")
    ours = [one for one in installed() if one.name in ("zebra", "careful", "faulty")]
    assert [(one.name, one.distribution, one.version, one.kind, one.title) for one in ours] == [
        ("careful", "crmsync-careful", "1.2", "observer", ""),
        ("faulty", "crmsync-faulty", "1.2", "broken", ""),
        ("zebra", "another", "1.2", "connector", "Zebra CRM"),
        ("zebra", "crmsync-zebra", "1.2", "broken", ""),
    ]
    assert ours[1].problem == "cannot be loaded (RuntimeError: made for another version)"
    assert ours[3].problem == "has the name of a plugin of another"
    plugins = load("zebra")
    assert plugins.directions(ROUTE) == PULL_ONLY
    assert [problem.split()[0] for problem in plugins.problems] == ["'faulty'", "'zebra'"]


def test_a_connector_that_is_not_there_is_an_error_of_the_settings(site: Path) -> None:
    install(site, "zebra", CONNECTOR)
    install(site, "careful", OBSERVER)
    install(site, "faulty", "import nothing_of_that_name")
    with pytest.raises(SettingsError, match=r"No connector 'zebr' is installed\. Did you mean 'zebra'\?"):
        load("zebr")
    with pytest.raises(SettingsError, match=r"No connector 'careful' is installed\. Installed connectors: .*zebra"):
        load("careful")
    with pytest.raises(PluginError, match=r"The plugin 'faulty' cannot be loaded \(ModuleNotFoundError"):
        load("faulty")


def hooks() -> dict[str, str]:
    """Every hook with its argument list."""
    found = {name: one for name, one in vars(Hooks).items() if not name.startswith("_") and inspect.isfunction(one)}
    return {name: str(inspect.signature(one)).replace("'", "") for name, one in found.items()}


def test_there_are_eight_hooks() -> None:
    assert len(hooks()) == 8


@pytest.mark.parametrize("hook", hooks())
def test_every_hook_is_documented_with_its_arguments(hook: str) -> None:
    text = DOCUMENT.read_text("utf-8")
    assert f"\n## `{hook}{hooks()[hook]}`\n" in text
    assert re.search(rf"^\| `{hook}` \|", text, re.MULTILINE), "the table of shapes has every hook"


def recipe(hook: str) -> Any:
    """The documented observer that wraps this hook."""
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    (block,) = [block for block in blocks if f"def {hook}(" in block and "wrapper=True" in block]
    module = ModuleType(f"recipe_{hook}")
    exec(compile(block, str(DOCUMENT), "exec"), vars(module))
    return module


@pytest.mark.parametrize("connector", [Async, Plain])
def test_the_documented_wrapper_of_fetch_works(connector: type) -> None:
    class WithBirthdates(Async):
        @hookimpl
        async def fetch(self, session: Any, query: Query) -> AsyncIterator[Any]:
            yield Page(columns=("Id", "Birthdate"), rows=[("1", "2000-01-01")], mark="m")

    assert [page.mark for page in pages(wire("acme", connector(), {"r": recipe("fetch")}))] == ["m"]
    assert pages(wire("acme", WithBirthdates(), {"r": recipe("fetch")}))[0].rows == [("1", None)]


def test_the_documented_wrapper_of_map_works() -> None:
    page = pages(wire("acme", Async()))[0]
    found = wire("acme", Async(), {"r": recipe("map")}).map(page, ROUTE, Direction.PULL)
    assert [(one.id, one.reason) for one in found.skipped] == [("2", "a test address")]
    assert page.skipped == []


@pytest.mark.parametrize("connector", [Async, Plain])
def test_the_documented_wrapper_of_apply_works(connector: type) -> None:
    module = recipe("apply")
    assert len(asyncio.run(wire("acme", connector(), {"r": module}).apply(None, CHANGES))) == 1
    assert len(module.seconds) == 1


def test_everything_a_wrapper_needs_is_in_aio() -> None:
    assert callable(aio.pages)
    assert callable(aio.settle)
    assert "crmsync.plugins.mapping" in sys.modules
