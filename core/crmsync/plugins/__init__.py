"""Find plugins, wire them together and call them: the only module that runs pluggy.

Plugins are entry points of the group `crmsync`, loaded one by one. Every connection has a manager of its own, with
core's defaults, its connector, and the observers in name order; so no hook has to ask whether it is meant.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module, metadata
from typing import NamedTuple

import pluggy
from msgspec import Struct

from crmsync.errors import PluginError, SettingsError
from crmsync.hookspecs import PROJECT, Hooks, System
from crmsync.plugins.calls import Plugins, narrower
from crmsync.plugins.shapes import Impls, problem

__all__ = ["Installed", "Plugins", "installed", "load", "narrower", "wire"]

GROUP = "crmsync"
CONNECTOR, OBSERVER, BROKEN = "connector", "observer", "broken"

DEFAULTS = ("crmsync.plugins.mapping",)
"""Core's own plugins, by module: they come in through the same door as everybody's."""


class Installed(NamedTuple):
    """One entry point of the group: who it is, and what is wrong with it where it is broken."""

    name: str
    distribution: str
    version: str
    kind: str  # connector, observer or broken
    problem: str = ""
    title: str = ""  # of a connector, for people


class _Found(Struct, frozen=True):
    installed: Installed
    plugin: object = None


def installed() -> list[Installed]:
    """Every installed plugin by name, the broken ones with the reason."""
    return [one.installed for one in _find()]


def load(connector: str) -> Plugins:
    """The plugins of a connection: the connector of that name and all installed observers.

    Raises SettingsError if no connector has that name, PluginError if it is broken. A broken plugin with another
    name stops nothing; `Plugins.problems` names it.
    """
    found = _find()
    chosen = next((one for one in found if one.installed.name == connector), None)
    if chosen is None or chosen.installed.kind == OBSERVER:
        raise _unknown(connector, [one.installed.name for one in found if one.installed.kind == CONNECTOR])
    if chosen.installed.kind == BROKEN:
        raise PluginError(f"The plugin {connector!r} {chosen.installed.problem}.")
    observers = {one.installed.name: one.plugin for one in found if one.installed.kind == OBSERVER}
    broken = [f"{i.name!r} {i.problem}" for i in (one.installed for one in found) if i.kind == BROKEN]
    return _together(connector, chosen.plugin, observers, broken)


def _unknown(connector: str, known: Sequence[str]) -> SettingsError:
    near = get_close_matches(connector, known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Installed connectors: {', '.join(known) or 'none'}."
    return SettingsError(f"No connector {connector!r} is installed.", hint=hint)


def _find() -> list[_Found]:
    found: dict[str, _Found] = {}
    extra: list[_Found] = []
    for entry in sorted(metadata.entry_points(group=GROUP), key=lambda entry: (entry.name, entry.value)):
        one = _look_at(entry)
        if entry.name not in found:
            found[entry.name] = one
        elif one != found[entry.name]:
            taken = f"has the name of a plugin of {found[entry.name].installed.distribution}"
            extra.append(_Found(one.installed._replace(kind=BROKEN, problem=taken, title="")))
    return [*found.values(), *extra]


def _look_at(entry: metadata.EntryPoint) -> _Found:
    dist = entry.dist
    plugin: object = None
    title = ""
    try:
        plugin = entry.load()
        kind, wrong, title = _kind(entry.name, plugin)
    except Exception as error:  # noqa: BLE001 - whatever a plugin raises while it loads, the others go on
        kind, wrong = BROKEN, f"cannot be loaded ({type(error).__name__}: {error})"
    name, version = (dist.name, dist.version) if dist is not None else ("", "")
    return _Found(Installed(entry.name, name, version, kind, wrong, title), plugin)


def _kind(name: str, plugin: object) -> tuple[str, str, str]:
    """What a plugin is, what is wrong with it, and a connector's title."""
    manager = _manager()
    try:
        manager.register(plugin, name)
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        return BROKEN, _misspelt(error), ""
    impls = _impls(manager, plugin)
    wrong = problem(name, impls)
    if wrong or "system" not in impls:
        return BROKEN if wrong else OBSERVER, wrong, ""
    system = impls["system"][0].function()
    return CONNECTOR, "", system.title if isinstance(system, System) else ""


def _misspelt(error: pluggy.PluginValidationError) -> str:
    words = str(error).replace("\n", " ").split("'")
    near = [hook for word in words for hook in get_close_matches(word, _hook_names(), n=1)]
    return f"has a hook that does not fit ({error})".replace("\n", " ") + (f"; did you mean {near[0]}?" if near else "")


def _hook_names() -> list[str]:
    return [name for name in vars(Hooks) if not name.startswith("_")]


def _manager() -> pluggy.PluginManager:
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(Hooks)
    return manager


def _impls(manager: pluggy.PluginManager, plugin: object) -> Impls:
    callers = manager.get_hookcallers(plugin) or []
    return {caller.name: [impl for impl in caller.get_hookimpls() if impl.plugin is plugin] for caller in callers}


def wire(
    name: str, connector: object, observers: Mapping[str, object] | None = None, *, problems: Sequence[str] = ()
) -> Plugins:
    """Plugins from objects at hand, for tests and for programs that bring their own. Raises PluginError."""
    for called, plugin in [(name, connector), *sorted((observers or {}).items())]:
        kind, wrong, _ = _kind(called, plugin)
        expected = CONNECTOR if plugin is connector else OBSERVER
        wrong = wrong or ("" if kind == expected else f"is not the {expected} it should be")
        if wrong:
            raise PluginError(f"The plugin {called!r} {wrong}.")
    return _together(name, connector, observers or {}, problems)


def _together(name: str, connector: object, observers: Mapping[str, object], problems: Sequence[str]) -> Plugins:
    """Plugins that were looked at before."""
    manager = _manager()
    for module in DEFAULTS:
        manager.register(import_module(module), module)
    for called, plugin in [(name, connector), *sorted(observers.items())]:
        manager.register(plugin, called)
    return Plugins(name, manager, tuple(problems))
