"""Narrow a route to what may move: fields, scope and directions, the settings' selection, and each field's column."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from msgspec import Struct, field
from msgspec.structs import replace

from crmsync.columns import NUMBERS
from crmsync.entities import IDENTITY
from crmsync.errors import SettingsError
from crmsync.model import Condition, Direction, Fields, Finding, Level, Route, Scope, Type
from crmsync.plugins import narrower
from crmsync.schema.naming import Naming, named_fields
from crmsync.settings import ConnectionSettings

NEEDED = frozenset({"crm_id", "modified_at"})
"""Columns without which no object can be synced."""


class Narrowed(Struct, frozen=True):
    """A route with its maps, and what a person should know of how they came about.

    A finding of level STOP means that the object cannot be synced.
    """

    route: Route
    findings: list[Finding] = field(default_factory=list)


def narrow(
    route: Route,
    fields: Fields,
    scope: Scope,
    directions: frozenset[Direction],
    settings: ConnectionSettings,
    *,
    known: Mapping[str, Mapping[str, str]],
    others: Iterable[Route] = (),
) -> Narrowed:
    """The route as it may run: what every plugin grants, what the settings select, each field with its column.

    `known` is the mapping in force since the first sync (object to field to column; empty before it), `others` the
    routes that were narrowed before. Raises SettingsError where the settings name what does not exist, put a field
    where it cannot go, or change the mapping after the first sync.
    """
    gone = [*_gone(route, fields, settings, known.get(route.object, {})), *_hidden(route, fields, settings)]
    fields = {name: one for name, one in fields.items() if not one.hidden}
    allowed = directions & route.directions
    if not (scope.create or scope.update):
        allowed -= {Direction.PUSH}
    naming = Naming(route, fields, settings.fields, known.get(route.object, {}), list(others))
    chosen = _selected(route, fields, settings)
    maps = naming.maps(chosen, allowed)
    findings = [*_missing(route, fields, scope, allowed), *naming.findings]
    where, lost = _where(route, fields, settings, known)
    filters = tuple(one for one in route.filters if _filters(route, one, fields, settings))
    whole = narrower(narrower(route.scope, scope), Scope(where=(*filters, *where)))
    return Narrowed(replace(route, maps=maps, directions=allowed, scope=whole), [*gone, *findings, *lost])


def check_objects(settings: ConnectionSettings, objects: Collection[str]) -> None:
    """Raise SettingsError where the settings name an object that is not among those on offer."""
    chosen = settings.objects
    named = [("objects.enable", name) for name in chosen.enable]
    named += [("objects.disable", name) for name in chosen.disable]
    named += [("objects.where", name) for name in chosen.where]
    named += [(f"fields.{key}", name.partition(".")[0]) for key, name in named_fields(settings.fields)]
    for key, name in named:
        if name not in objects:
            near = get_close_matches(name, objects, n=3)
            hint = f"Did you mean {' or '.join(near)}?" if near else f"On offer: {', '.join(sorted(objects))}."
            raise SettingsError(f"{key} names the object {name!r}, which these credentials do not see.", hint=hint)


def _selected(route: Route, fields: Fields, settings: ConnectionSettings) -> list[str]:
    """The default mapping in its order, then further fields by name."""
    further = [
        name
        for name, one in sorted(fields.items())
        if name not in route.fields
        and (route.all_fields or (one.custom and route.custom_fields) or _included(f"{route.object}.{name}", settings))
    ]
    standard = [name for name in route.fields if name in fields]
    kept = {name for name, column in route.fields.items() if column in IDENTITY} | set(route.required)
    return [name for name in (*standard, *further) if name in kept or not _excluded(f"{route.object}.{name}", settings)]


def _included(name: str, settings: ConnectionSettings) -> bool:
    choice = settings.fields
    named = [*choice.rename, *choice.split, *(one for group in choice.join for one in group)]
    return name in named or any(fnmatchcase(name, pattern) for pattern in choice.include)


def _excluded(name: str, settings: ConnectionSettings) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in settings.fields.exclude)


def _gone(route: Route, fields: Fields, settings: ConnectionSettings, known: Iterable[str]) -> list[Finding]:
    """Selected fields that are not in the CRM any more, where that stops the object (R-216)."""
    names = [name for name in known if name not in fields] if route.strict else []
    full = [f"{route.object}.{name}" for name in names if _wanted(route, name, settings)]
    return [
        _finding(
            Level.STOP, route,
            f"{one} is selected and not in the CRM any more: {route.object} is not synced until the selection leaves "
            f'it out. Add "{one}" to fields.exclude (R-216); its column and values stay.',
        )
        for one in full
    ]  # fmt: skip


def _hidden(route: Route, fields: Fields, settings: ConnectionSettings) -> list[Finding]:
    """Selected fields that these credentials may not read."""
    names = [name for name, one in fields.items() if one.hidden and _wanted(route, name, settings)]
    return [
        _finding(
            Level.WARN, route, f"{route.object}.{name} may not be read with these credentials: it is left out (R-211).",
            f"read access to {route.object}.{name}",
        )
        for name in names
    ]  # fmt: skip


def _wanted(route: Route, name: str, settings: ConnectionSettings) -> bool:
    """Whether a field is selected, were it there: by the default mapping or by the settings."""
    full = f"{route.object}.{name}"
    return (name in route.fields or _included(full, settings)) and not _excluded(full, settings)


def _filters(route: Route, one: Condition, fields: Fields, settings: ConnectionSettings) -> bool:
    """Whether a filter of the connector's holds: a field that is not selected filters nothing."""
    return one.field in fields and not _excluded(f"{route.object}.{one.field}", settings)


def _missing(route: Route, fields: Fields, scope: Scope, allowed: Collection[Direction]) -> list[Finding]:
    found = []
    if not scope.read:
        grant = "; ".join(scope.grants) or f"read access to {route.object}"
        found.append(_finding(Level.STOP, route, f"{route.object} may not be read.", grant))
    elif not allowed:
        found.append(_finding(Level.STOP, route, f"A plugin lets {route.object} move neither way."))
    needed = [name for name, column in route.fields.items() if column in NEEDED]
    needed += [f"a field for {column}" for column in sorted(NEEDED - set(route.fields.values()))]
    for name in dict.fromkeys([*needed, *route.required]):
        if name not in fields:
            message = f"{route.object} cannot be synced without {name}, which these credentials do not see."
            found.append(_finding(Level.STOP, route, message, f"read access to {route.object}.{name}"))
    for name in route.wanted:
        if name not in fields and name not in route.required:
            message = f"{route.object}.{name} is not visible; the sync goes on without it (R-250)."
            found.append(_finding(Level.WARN, route, message, f"read access to {route.object}.{name}"))
    return found


def _finding(level: Level, route: Route, message: str, grant: str = "") -> Finding:
    return Finding(level=level, topic=route.object, message=message, grant=grant)


def _where(
    route: Route, fields: Fields, settings: ConnectionSettings, known: Mapping[str, Mapping[str, str]]
) -> tuple[tuple[Condition, ...], list[Finding]]:
    """The settings' conditions; one on a field that was lost stops the object, since without it more would move."""
    conditions, lost = [], []
    for one in settings.objects.where.get(route.object, []):
        condition = one.condition()
        if condition.field in fields:
            _check_value(route, fields[condition.field].type, condition)
            conditions.append(condition)
        elif route.object in known:
            message = f"objects.where tests {route.object}.{condition.field}, which these credentials do not see."
            lost.append(_finding(Level.STOP, route, message, f"read access to {route.object}.{condition.field}"))
        else:
            raise _unseen("objects.where", f"{route.object}.{condition.field}", fields)
    return tuple(conditions), lost


def _check_value(route: Route, kind: Type, condition: Condition) -> None:
    values: Sequence[object] = condition.value if isinstance(condition.value, tuple) else [condition.value]
    wanted = {Type.BOOLEAN: (bool,), **dict.fromkeys(NUMBERS, (int, float))}.get(kind, (str,))
    for value in values:
        if value is not None and (not isinstance(value, wanted) or (isinstance(value, bool) and bool not in wanted)):
            raise SettingsError(
                f"objects.where tests {route.object}.{condition.field}, a {kind} field, against {value!r}.",
                hint=f"A value of type {' or '.join(one.__name__ for one in wanted)} is expected.",
            )


def _unseen(key: str, name: str, fields: Fields) -> SettingsError:
    near = get_close_matches(name.partition(".")[2], list(fields), n=2)
    hint = f"Did you mean {' or '.join(near)}?" if near else "`crmsync fields` lists what is visible."
    return SettingsError(f"{key} names {name!r}, which these credentials do not see.", hint=hint)
