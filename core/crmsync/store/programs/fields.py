"""Columns of program members that are joined to fields of campaign members: which fit, and which do not any more."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping
from difflib import get_close_matches

from msgspec import Struct, field

from crmsync.columns import why_not
from crmsync.entities import IDENTITY
from crmsync.model import Direction, FieldMap, Route, Type
from crmsync.store.names import columns_of
from crmsync.store.programs.watched import watch
from crmsync.store.records import notice

TABLE = "program_member"
KEPT = frozenset({*IDENTITY, "status", "campaign_crm_id", "lead_crm_id", "contact_crm_id"})
"""Columns of campaign members that make the membership itself; they are kept in step without a mapping."""

_OWN = frozenset({"id", "program_id", "person_id", "status", "created_at"})
_DECLARED = {Type.INTEGER: ("INTEGER", "INT"), Type.BOOLEAN: ("INTEGER", "INT"), Type.DECIMAL: ("ANY",)}


class Joined(Struct, frozen=True):
    """One column and its field, as they were last found to fit. `source` is the campaign member's column."""

    column: str
    object: str
    field: str
    type: str
    source: str
    two_way: int
    state: str = "mapped"


class Plan(Struct):
    """What the settings' mapping comes to: `refused` is why some of it cannot be, `said` what somebody should know."""

    joined: list[Joined] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def plan(con: sqlite3.Connection, wanted: Mapping[str, str], route: Route | None) -> Plan:
    """Hold the mapping, column to "Object.Field", against the fields of campaign members; `route` is theirs, if any.

    What never fitted is refused (R-160); what fitted before and does not any more is dropped with a notice (R-159).
    """
    before = {one.column: one for one in held(con)}
    found = Plan()
    for column, name in wanted.items():
        known = before.get(column)
        again = known if known is not None and f"{known.object}.{known.field}" == name else None
        if route is None:
            found.joined += [again] if again else []
            found.refused += [] if again else [f"{column} is joined to {name}, but campaign members are not synced"]
        elif again is not None:
            _again(found, again, route)
        else:
            _anew(con, found, column, name, route)
    found.joined.sort(key=lambda one: one.column)
    return found


def held(con: sqlite3.Connection) -> list[Joined]:
    """The mapping as it was last found, dropped columns too."""
    return [Joined(*row) for row in con.execute("SELECT * FROM crmsync_program_field ORDER BY column_name")]


def _again(found: Plan, known: Joined, route: Route) -> None:
    now = _map_of(route, known.field)
    state = "mapped" if now is not None and now.field.type == known.type else "dropped"
    if now is None or state == "dropped":
        found.joined.append(Joined(*_key(known), known.source, known.two_way, "dropped"))
        why = "is not there any more" if now is None else f"is of type {now.field.type} now, not {known.type}"
        if known.state == "mapped":
            found.said.append(
                f"{known.object}.{known.field} {why}: {TABLE}.{known.column} keeps its values and is joined to it no "
                "more. Join a column of the right type to the field in programs.member_fields (R-159)."
            )
        return
    found.joined.append(Joined(*_key(known), now.column, int(Direction.PUSH in now.directions)))
    if known.state == "dropped":
        said = f"{known.object}.{known.field} is back: {TABLE}.{known.column} is joined to it from now on"
        found.said.append(f"{said}; what changed meanwhile is not carried over.")


def _key(known: Joined) -> tuple[str, str, str, str]:
    return known.column, known.object, known.field, known.type


def _map_of(route: Route, name: str) -> FieldMap | None:
    return next((one for one in route.maps if one.field.name == name), None)


def _anew(con: sqlite3.Connection, found: Plan, column: str, name: str, route: Route) -> None:
    obj, _, field_name = name.partition(".")
    now = _map_of(route, field_name) if obj == route.object else None
    reasons = list(_reasons(con, found, column, name, (route, now)))
    if now is None or reasons:
        found.refused += [f"{column} cannot be joined to {name}: {reason}" for reason in reasons]
        return
    two_way = Direction.PUSH in now.directions
    found.joined.append(Joined(column, obj, field_name, now.field.type, now.column, int(two_way)))
    if not two_way:
        found.said.append(f"{name} cannot be written: {TABLE}.{column} takes its values and sends none.")


def _reasons(
    con: sqlite3.Connection, found: Plan, column: str, name: str, among: tuple[Route, FieldMap | None]
) -> Iterator[str]:
    """Why a mapping cannot be."""
    route, now = among
    if now is None:
        near = get_close_matches(name, [f"{route.object}.{one.field.name}" for one in route.maps], n=2, cutoff=0.5)
        meant = f"; did you mean {' or '.join(near)}?" if near else ""
        yield f"no such field of {route.object} is synced{meant}"
        return
    if why := why_not(column) or ("it is a column of crmsync's own" if column in _OWN else ""):
        yield why
    if now.column in KEPT:
        yield "it is part of the membership itself, which is kept in step anyhow"
    if any((one.object, one.field) == (route.object, now.field.name) for one in found.joined):
        yield "another column is joined to that field already"
    declared = columns_of(con, TABLE).get(column)
    if declared is not None and declared not in _DECLARED.get(now.field.type, ("TEXT",)):
        yield f"the field is of type {now.field.type}, and the column, which is there, holds {declared} (R-160)"


def join(con: sqlite3.Connection, wanted: Plan, at: str) -> None:
    """Put a mapping into force: columns that are not there yet are made, and from now on their changes are noted."""
    declared = columns_of(con, TABLE)
    for said in wanted.said:
        notice(con, "program", said, at)
    for one in wanted.joined:
        if one.column not in declared:
            kind = _DECLARED.get(Type(one.type), ("TEXT",))[0]
            con.execute(f"ALTER TABLE {TABLE} ADD COLUMN {one.column} {kind}")
    con.execute("DELETE FROM crmsync_program_field")
    con.executemany(
        "INSERT INTO crmsync_program_field VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(*_key(one), one.source, one.two_way, one.state) for one in wanted.joined],
    )
    watch(con)
