"""Entity tables, made and altered from the mapping.

Tables are STRICT, so that a wrong type is refused where it is written. Decimals are ANY: a number where 15 digits
hold it, else its exact text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

from msgspec import Struct

from crmsync.clock import Clock, stamp
from crmsync.entities import Entity, entity_of
from crmsync.model import Direction, FieldMap, Route, Type, Value
from crmsync.store.capture import VERSION, capture, capture_view
from crmsync.store.full import full_view
from crmsync.store.mapped import keep_mapping
from crmsync.store.memory import recalled, remember
from crmsync.store.names import columns_of, quoted
from crmsync.store.programs.watched import watch
from crmsync.store.records import notice
from crmsync.values import FROM_TEXT

STORAGE = {Type.INTEGER: "INTEGER", Type.BOOLEAN: "INTEGER", Type.DECIMAL: "ANY"}
"""Declared type of a column by the type of its field; everything else is TEXT."""
SHAPE = "shape"


class Table(Struct, frozen=True):
    """One entity as it is to be: every column with its type, and those that travel back to the CRM."""

    entity: Entity
    columns: dict[str, Type]
    two_way: frozenset[str]

    @property
    def name(self) -> str:
        """The table's name."""
        return self.entity.name


def storage(type_: Type) -> str:
    """The declared type of a column that holds values of `type_`."""
    return STORAGE.get(type_, "TEXT")


def tables_of(routes: Iterable[Route]) -> dict[str, Table]:
    """The tables that these narrowed routes need; `person` and `account` always stand."""
    found: dict[str, Table] = {}
    for name in ("person", "account", "crm_user", "queue"):
        found[name] = Table(entity_of(name), dict(entity_of(name).columns), frozenset())
    for route in sorted(routes, key=lambda route: (route.order, route.object)):
        old = found.get(route.entity) or Table(
            entity_of(route.entity), dict(entity_of(route.entity).columns), frozenset()
        )
        columns = {**old.columns}
        for mapped in data_maps(route):
            columns.setdefault(mapped.column, mapped.field.type)
        found[route.entity] = Table(old.entity, columns, old.two_way | two_way(route))
    return found


def data_maps(route: Route) -> list[FieldMap]:
    """The maps of a route that fill columns, without the record's identity."""
    return [mapped for mapped in route.maps if mapped.column not in ("crm_id", "modified_at", "version")]


def two_way(route: Route) -> frozenset[str]:
    """The columns of a route whose local edits are meant for the CRM."""
    return frozenset(mapped.column for mapped in data_maps(route) if Direction.PUSH in mapped.directions)


def prepare(con: sqlite3.Connection, routes: Sequence[Route], clock: Clock) -> list[str]:
    """Make or alter every table these routes need, their triggers and the view; returns what changed.

    Values are never dropped: a column whose type changed is kept under `<column>__was_<type>` and the values
    that fit the new type are carried over.
    """
    changes: list[str] = []
    tables = tables_of(routes)
    at = stamp(clock.now())
    for table in tables.values():
        changes += _shape(con, table, at)
    keep_mapping(con, routes, at)
    state = repr((VERSION, [(t.name, sorted(t.columns.items()), sorted(t.two_way)) for t in tables.values()]))
    if changes or recalled(con, SHAPE) != state:
        _rebuild(con, tables)
        remember(con, {SHAPE: state})
    return changes


def _shape(con: sqlite3.Connection, table: Table, at: str) -> list[str]:
    present = columns_of(con, table.name)
    if not present:
        con.execute(_create(table))
        return [f"created {table.name}"]
    changes = []
    for column, type_ in table.columns.items():
        if column not in present:
            _unguard(con, table.name)
            con.execute(f"ALTER TABLE {quoted(table.name)} ADD COLUMN {quoted(column)} {storage(type_)}")
            changes.append(f"added {table.name}.{column}")
        elif present[column] != storage(type_):
            _unguard(con, table.name)
            changes.append(_retype(con, table.name, column, present, type_))
            notice(con, "fields", changes[-1], at)
    return changes


def _create(table: Table) -> str:
    entity = table.entity
    own = ["id INTEGER PRIMARY KEY AUTOINCREMENT"]
    if entity.name == "person":
        own.append("crm_type TEXT")
    own.append("crm_id TEXT")
    if entity.keeps_deleted:
        own.append("crm_is_deleted INTEGER NOT NULL DEFAULT 0")
    own.append("created_at TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ'))")
    data = [f"{quoted(column)} {storage(type_)}" for column, type_ in table.columns.items()]
    return f"CREATE TABLE {quoted(entity.name)} ({', '.join(own + data)}) STRICT"


def _retype(con: sqlite3.Connection, table: str, column: str, present: dict[str, str], wanted: Type) -> str:
    was = f"{column}__was_{present[column].lower()}"
    while was in present:
        was += "_"
    name, old, new = quoted(table), quoted(was), quoted(column)
    sql = "SELECT type FROM crmsync_field WHERE entity = ? AND column_name = ? LIMIT 1"
    former = con.execute(sql, [table, column]).fetchone()
    con.execute(f"ALTER TABLE {name} RENAME COLUMN {new} TO {old}")
    con.execute(f"ALTER TABLE {name} ADD COLUMN {new} {storage(wanted)}")
    boolean = former is not None and former[0] == Type.BOOLEAN
    con.create_function("crmsync_convert", 1, lambda value: convert(value, wanted, boolean=boolean), deterministic=True)
    con.execute(f"UPDATE {name} SET {new} = crmsync_convert({old}) WHERE {old} IS NOT NULL")
    sql = "UPDATE crmsync_edit SET base = crmsync_convert(base) WHERE entity = ? AND field = ? AND base IS NOT NULL"
    con.execute(sql, [table, column])
    con.create_function("crmsync_convert", 1, None)
    return f"{table}.{column} holds {wanted} now; its former values are kept in {was}"


def convert(value: float | str, wanted: Type, *, boolean: bool = False) -> Value:
    """A stored value in the form of another type; None where it does not fit."""
    text = ("false", "true")[bool(value)] if boolean and isinstance(value, int) else str(value)
    try:
        return FROM_TEXT[wanted](text)
    except (ValueError, OverflowError):
        return None


def _unguard(con: sqlite3.Connection, table: str) -> None:
    """Drop view and triggers, which would not survive a change of columns; `_rebuild` makes them again."""
    con.execute("DROP VIEW IF EXISTS person_full")
    rows = con.execute("SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?", [table]).fetchall()
    for (name,) in rows:
        con.execute(f"DROP TRIGGER {quoted(name)}")


def _rebuild(con: sqlite3.Connection, tables: dict[str, Table]) -> None:
    for table in tables.values():
        _unguard(con, table.name)
        present = columns_of(con, table.name)
        for statement in capture(table.name, list(present), table.two_way):
            con.execute(statement)
    person, account = columns_of(con, "person"), columns_of(con, "account")
    select, writable = full_view(list(person), list(account))
    con.execute(f"CREATE VIEW person_full AS {select}")
    for statement in capture_view(list(person), writable):
        con.execute(statement)
    watch(con)
