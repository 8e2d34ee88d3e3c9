"""Which plugins are installed, and the simulators among them."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import typer

from crmsync.cli import screen
from crmsync.cli.options import AsJson
from crmsync.errors import CrmsyncError, SettingsError
from crmsync.hookspecs import Simulation, System
from crmsync.plugins import Installed, installed, load

COLUMNS = ("name", "kind", "title", "distribution", "version", "simulator", "error")


def plugins(*, as_json: AsJson = False) -> None:
    """List the installed connectors and observers.

    And why one does not load. Exit codes: 0 all of them load (also if there is none), 1 one or more do not; the
    others work all the same.
    """
    rows = [_row(one) for one in installed()]
    if as_json:
        screen.write_json(rows)
    else:
        screen.table(rows, COLUMNS, empty="No plugin is installed; a connector is a distribution of its own.")
    if any(row["error"] for row in rows):
        raise typer.Exit(1)


def _row(one: Installed) -> dict[str, Any]:
    system, problem = None, one.problem
    if one.kind == "connector":
        try:
            system = load(one.name).system
        except CrmsyncError as error:  # its hooks look right, and what they answer does not
            problem = str(error)
    return {
        "name": one.name,
        "kind": one.kind if not problem else "broken",
        "title": system.title if system else "",
        "distribution": one.distribution,
        "version": one.version,
        "simulator": system is not None and system.simulate is not None,
        "error": problem,
    }


def connectors() -> list[str]:
    """The names of the installed connectors."""
    return [one.name for one in installed() if one.kind == "connector"]


def simulated(name: str) -> Callable[..., AbstractAsyncContextManager[Simulation]]:
    """The simulator of a connector. Raises SettingsError where there is none."""
    system = load(name).system
    if system.simulate is None:
        raise SettingsError(f"The connector {name!r} has no simulator.")
    return system.simulate


def with_simulator(name: str | None) -> list[System]:
    """The connectors that can act out a story: that one, or every one. Raises SettingsError where there is none."""
    if name is not None:
        simulated(name)
        return [load(name).system]
    found = [system for one in connectors() if (system := load(one).system).simulate is not None]
    if not found:
        raise SettingsError(
            "No installed connector has a simulator.",
            hint="A connector is a distribution of its own: pip install crmsync-NAME",
        )
    return found
