"""Entity tables and the view `person_full`, made and altered from the mapping.

Tables are STRICT, so that a wrong type is refused where it is written. Decimals are ANY: a number where 15 digits
hold it, else its exact text.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from crmsync.clock import Clock, stamp
from crmsync.entities import (
    ACCOUNT_IN_FULL,
    COMPANY_OF_ACCOUNT,
    Entity,
    entity_of,
)
from crmsync.model import Direction, FieldMap, Route, Type, Value
from crmsync.store.capture import VERSION, capture, capture_view
from crmsync.store.memory import recalled, remember
from crmsync.store.programs.watched import watch
from crmsync.store.records import notice
from crmsync.values import FROM_TEXT

STORAGE = {Type.INTEGER: "INTEGER", Type.BOOLEAN: "INTEGER", Type.DECIMAL: "ANY"}
"""Declared type of a column by the type of its field; everything else is TEXT."""
SHAPE = "shape"


@dataclass(frozen=True, slots=True)
class Table:
    """One entity as it is to be: every column with its type, and those that travel back to the CRM."""

    entity: Entity
    columns: dict[str, Type]
    two_way: frozenset[str]

    @property
    def name(self) -> str:
        """The table's name."""
        return self.entity.name


def quoted(name: str) -> str:
    """An identifier as SQL text."""
    return '"' + name.replace('"', '""') + '"'


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
    _record(con, routes, at)
    state = repr((VERSION, [(t.name, sorted(t.columns.items()), sorted(t.two_way)) for t in tables.values()]))
    if changes or recalled(con, SHAPE) != state:
        _rebuild(con, tables)
        remember(con, {SHAPE: state})
    return changes


def columns_of(con: sqlite3.Connection, table: str) -> dict[str, str]:
    """The present columns of a table with their declared types."""
    return {row[1]: row[2] for row in con.execute(f"PRAGMA table_info({quoted(table)})")}


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


def full_view(person: Sequence[str], account: Sequence[str]) -> tuple[str, dict[str, str]]:
    """The SELECT of `person_full`, and its account columns as view name → account column."""
    shared = {mine: theirs for mine, theirs in COMPANY_OF_ACCOUNT.items() if mine in person and theirs in account}
    skip = {"id", "crm_id", "crm_is_deleted", "created_at", *shared.values()}
    further = {name: name for name in ACCOUNT_IN_FULL if name in account and name not in person}
    for name in account:
        if name not in skip and name not in further:
            further[name if name not in person and "__" in name else f"account_{name}"] = name
    parts = [
        f"CASE WHEN a.id IS NULL THEN p.{quoted(name)} ELSE a.{quoted(shared[name])} END AS {quoted(name)}"
        if name in shared
        else f"p.{quoted(name)}"
        for name in person
    ]
    parts += [f"a.{quoted(theirs)} AS {quoted(mine)}" for mine, theirs in further.items()]
    parts += ["a.id AS account_id"]
    parts += [f"o.{name} AS owner_{name}" for name in ("first_name", "last_name", "title", "phone", "email")]
    parts += [f"ao.{name} AS account_owner_{name}" for name in ("first_name", "last_name", "email")]
    sql = f"""SELECT {", ".join(parts)} FROM person p
        LEFT JOIN crmsync_link la ON la.crm_id = p.account_crm_id AND la.object = {_object("account")}
        LEFT JOIN account a ON a.id = la.row_id
        LEFT JOIN crm_user o ON o.crm_id = p.owner_crm_id
        LEFT JOIN crm_user ao ON ao.crm_id = a.owner_crm_id"""
    return sql, {**shared, **further}


def _object(entity: str) -> str:
    return f"(SELECT object FROM crmsync_field WHERE entity = '{entity}' LIMIT 1)"


def _record(con: sqlite3.Connection, routes: Sequence[Route], at: str) -> None:
    for route in routes:
        _tell_choices(con, route, at)
        names = [mapped.field.name for mapped in route.maps]
        marks = ", ".join("?" * len(names))
        lost = con.execute(
            f"""UPDATE crmsync_field SET state = 'hidden'
                WHERE object = ? AND state = 'present' AND field NOT IN ({marks}) RETURNING field, column_name""",
            [route.object, *names],
        ).fetchall()
        for name, column in lost:
            said = f"{route.object}.{name} is not read any more; the column {column} and its values stay (R-202, R-204)"
            notice(con, "fields", said, at)
        con.executemany(
            """INSERT INTO crmsync_field VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'present', ?)
               ON CONFLICT (object, field) DO UPDATE SET type = excluded.type, choices = excluded.choices,
                   two_way = excluded.two_way, state = 'present',
                   first_seen = iif(type = excluded.type AND state = 'present', first_seen, excluded.first_seen)
               WHERE (type, choices, two_way, state)
                   IS NOT (excluded.type, excluded.choices, excluded.two_way, 'present')""",
            [
                (
                    route.object, mapped.field.name, route.entity, mapped.column, mapped.field.type.value,
                    mapped.field.label, "\n".join(mapped.field.values), Direction.PUSH in mapped.directions, at,
                )
                for mapped in route.maps
            ],
        )  # fmt: skip


def _tell_choices(con: sqlite3.Connection, route: Route, at: str) -> None:
    """A notice for every picklist that gained or lost a value since it was last looked at (R-222, R-223)."""
    sql = "SELECT field, choices FROM crmsync_field WHERE object = ? AND choices <> ''"
    held = dict(con.execute(sql, [route.object]).fetchall())
    for mapped in route.maps:
        before, now = set(held.get(mapped.field.name, "").split("\n")) - {""}, set(mapped.field.values)
        if before and now and before != now:
            told = [f"new: {', '.join(sorted(now - before))}"] if now - before else []
            told += [f"gone: {', '.join(sorted(before - now))}"] if before - now else []
            notice(con, "picklist", f"{route.object}.{mapped.field.name} has other values. {'; '.join(told)}", at)


def build_indexes(con: sqlite3.Connection) -> None:
    """Make the indexes of every entity table that has none yet; called when a first load is through."""
    (kept,) = con.execute("PRAGMA cache_size").fetchone()
    con.execute("PRAGMA cache_size = -8000")  # sorting takes as much memory as the cache may
    present = {row[0] for row in con.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    names = [row[0] for row in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for name in names:
        if name.startswith(("crmsync_", "sqlite_")) or name == "activity":
            continue
        columns = columns_of(con, name)
        wanted = {"crm_id", *entity_of(name).indexes}
        for column in sorted(wanted & set(columns)):
            index = f"{name}_{column}_index"
            if index not in present:
                con.execute(f"CREATE INDEX {quoted(index)} ON {quoted(name)} ({quoted(column)})")
    con.execute(f"PRAGMA cache_size = {kept:d}")
