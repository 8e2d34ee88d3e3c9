"""What people ask of the schema: the check before the first sync, the table of fields, a refresh of some of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase
from typing import Any

from msgspec.structs import replace

from crmsync.errors import SettingsError
from crmsync.hookspecs import Session, System
from crmsync.model import PULL_ONLY, Condition, Direction, FieldMap, Finding, Kind, Level, Query, Route
from crmsync.plugins import Plugins
from crmsync.pull.reads import Read, count, fields_of
from crmsync.pull.run import UPDATES, Drained, Pull
from crmsync.schema import Schema
from crmsync.schema.naming import goes_out
from crmsync.settings import ConnectionSettings


async def check(system: System, session: Session, schema: Schema) -> list[Finding]:
    """Findings of the connector, then object by object: what stops, what is missing, what is well."""
    routes = sorted(schema.routes.values(), key=lambda route: (route.order, route.object))
    found = list(await system.check(session, routes)) if system.check is not None else []
    found += schema.findings
    for route in routes:
        hidden = len(schema.visible[route.object]) - len(route.maps)
        message = f"{len(route.maps)} fields into {route.entity}{_outward(route)}"
        message += f"; {hidden} more are visible and not selected"
        found.append(Finding(level=Level.OK, topic=route.object, message=message))
        found += [Finding(level=Level.WARN, topic=route.object, message=g, grant=g) for g in route.scope.grants]
        found += _denied(route)
    return found


def _outward(route: Route) -> str:
    """What of an object may go to the CRM, for a sentence."""
    if Direction.PUSH not in route.directions:
        return ""
    both = sum(Direction.PUSH in one.directions for one in route.maps)
    verbs = {"made": route.scope.create, "changed": route.scope.update, "deleted": route.scope.delete}
    return f", {both} of them both ways; records may be {', '.join(verb for verb, may in verbs.items() if may)} there"


def _denied(route: Route) -> list[Finding]:
    """Fields whose edits stay here only because these credentials may not write them."""
    names = [f"{route.object}.{one.field.name}" for one in route.maps if one.field.denied and _goes(route, one)]
    if not names or Direction.PUSH not in route.directions:
        return []
    message = f"{len(names)} fields of {route.object} may not be written: what is edited in them stays here (R-251)."
    return [Finding(level=Level.WARN, topic=route.object, message=message, grant=f"edit access to {', '.join(names)}")]


def _goes(route: Route, one: FieldMap) -> bool:
    return goes_out(route, one.field, one.column)


def granted(schema: Schema, plugins: Plugins, settings: ConnectionSettings) -> list[Route]:
    """The routes as they would run if the credentials had every right that the settings and plugins leave to them.

    Objects that the credentials do not see at all are not among them. Tasks go out where activities are sent as such.
    """
    offered = {route.object: route for route in schema.offered}
    found = {name: _granted(route, plugins.directions(offered[name])) for name, route in schema.routes.items()}
    if settings.activities and (tasks := found.get(plugins.system.tasks)):
        found[tasks.object] = replace(tasks, directions=tasks.directions | {Direction.PUSH})
    return list(found.values())


def _granted(route: Route, ways: frozenset[Direction]) -> Route:
    maps = tuple(
        replace(one, directions=ways if (one.field.updateable or one.field.denied) and _goes(route, one) else PULL_ONLY)
        for one in route.maps
    )
    return replace(route, directions=ways, maps=maps)


def table(schema: Schema, settings: ConnectionSettings, lost: Sequence[Mapping[str, str]] = ()) -> list[dict[str, Any]]:
    """One dict a visible field of every object on offer that is synced, and one for each field that was and is lost."""
    lines = []
    for obj, fields in schema.visible.items():
        route = schema.routes.get(obj)
        chosen = {m.field.name: m for m in route.maps} if route else {}
        entity = route.entity if route else ""
        for name, seen in sorted(fields.items()):
            one = chosen.get(name)
            state, reason = ("selected", "") if one else _why_not(obj, name, settings)
            lines.append(
                {
                    "object": obj, "field": name, "label": seen.label, "type": seen.type.value, "entity": entity,
                    "column": one.column if one else None,
                    "directions": sorted(one.directions) if one else [],
                    "state": state, "reason": reason,
                }
            )  # fmt: skip
    for gone in lost:
        if gone["field"] not in schema.visible.get(gone["object"], {}):
            reason = "not visible any more; its column and values stay"
            lines.append({**gone, "directions": [], "state": "hidden", "reason": reason})
    return lines


def _why_not(obj: str, name: str, settings: ConnectionSettings) -> tuple[str, str]:
    pattern = next((p for p in settings.fields.exclude if fnmatchcase(f"{obj}.{name}", p)), None)
    if pattern is not None:
        return "excluded", f"fields.exclude has {pattern!r}"
    return "not mapped", f'no default mapping; add "{obj}.{name}" to fields.include to sync it'


async def refresh(pull: Pull, chosen: Mapping[str, Sequence[str]], since: str = "", until: str = "") -> None:
    """Read these columns of all records of an object, or of those that were made or changed in a time.

    What differs is stored; nothing else of the records is touched.
    """
    for route, columns in chosen.items():
        wanted = next(one for one in pull.routes.values() if one.object == route)
        window = _window(wanted, since, until)
        whole = replace(wanted.scope, where=(*wanted.scope.where, *window))
        await _refresh(pull, replace(wanted, scope=whole), columns)


def chosen(routes: Mapping[str, Route], names: Sequence[str]) -> dict[str, list[str]]:
    """The columns of fields that are named as "Object.Field", by object. Raises SettingsError for one not synced."""
    found: dict[str, list[str]] = {}
    known = {f"{r.object}.{m.field.name}": (r.object, m.column) for r in routes.values() for m in r.maps}
    for name in names:
        if name not in known:
            near = get_close_matches(name, known, n=3)
            hint = f"Did you mean {', '.join(near)}?" if near else '"Object.Field" is expected; see `crmsync fields`.'
            raise SettingsError(f"{name!r} is not a selected field.", hint=hint)
        obj, column = known[name]
        found.setdefault(obj, []).append(column)
    return found


def _window(route: Route, since: str, until: str) -> list[Condition]:
    """Records whose version is of a time; making a record is its first version."""
    name = next(one.field.name for one in route.maps if one.column == "modified_at")
    asked = ((">=", since), ("<", until))
    return [Condition(field=name, op=op, value=value) for op, value in asked if value]


async def _refresh(pull: Pull, route: Route, columns: Sequence[str]) -> None:
    expected = await count(pull, route) if Kind.COUNT in route.kinds else None
    asked = Query(
        kind=Kind.LOAD,
        object=route.object,
        fields=fields_of(route, columns),
        where=route.scope.where,
        expected=expected,
    )
    read = Read(pull, route, asked)
    try:
        while (page := await read.next()) is not None:
            if pull.stopping():
                raise Drained
            batch = pull.batch(route, page, Kind.LOAD, refresh=True)
            _, step = await pull.store.apply(batch, pull.step(route.object, UPDATES))
            pull.keep(step)
            pull.on_page(step, expected)
            if page.mark is not None:
                break
    finally:
        await read.close()


async def cost(pull: Pull, schema: Schema) -> dict[str, int]:
    """Records a verification will read, and about how many calls at 2,000 records each, the counting included."""
    records, calls = 0, 0
    for route in schema.routes.values():
        found = await count(pull, route) if Kind.COUNT in route.kinds else None
        records += found or 0
        calls += 1 + -(-(found or 1) // 2_000)
    return {"records": records, "calls": calls}
