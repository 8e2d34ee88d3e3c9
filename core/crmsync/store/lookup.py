"""What the engine itself has to read: the mapping in force, and rows to compare."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from crmsync.model import Route


def mapping(con: sqlite3.Connection) -> dict[str, dict[str, str]]:
    """The mapping since the first sync: object to field to column."""
    found: dict[str, dict[str, str]] = {}
    for obj, name, column in con.execute("SELECT object, field, column_name FROM crmsync_field"):
        found.setdefault(obj, {})[name] = column
    return found


def first_seen(con: sqlite3.Connection, obj: str) -> dict[str, str]:
    """When columns of an object were first selected, or changed their type: those alone that came after the others."""
    sql = """SELECT column_name, first_seen FROM crmsync_field WHERE object = ?1
             AND first_seen > (SELECT MIN(first_seen) FROM crmsync_field WHERE object = ?1)"""
    return dict(con.execute(sql, [obj]).fetchall())


def lost_fields(con: sqlite3.Connection) -> list[dict[str, str]]:
    """Fields that were synced and are not selected now, with the columns that keep their values."""
    names = ("object", "field", "label", "type", "entity", "column")
    sql = "SELECT object, field, label, type, entity, column_name FROM crmsync_field WHERE state = 'hidden'"
    return [dict(zip(names, row, strict=True)) for row in con.execute(sql)]


def next_run(con: sqlite3.Connection) -> int:
    """The number of the next run; only the holder of the lease makes runs."""
    return int(con.execute("SELECT COALESCE(MAX(id), 0) + 1 FROM crmsync_run").fetchone()[0])


class Stored(Struct, frozen=True):
    """One id as the database has it, to be compared with the CRM."""

    role: str
    row_id: int | None
    modified_at: str
    values: tuple[Any, ...] | None  # None where there is no row
    edited: frozenset[str] = frozenset()


def stored(con: sqlite3.Connection, route: Route, columns: Sequence[str], ids: Sequence[str]) -> dict[str, Stored]:
    """What is stored under these ids, with the columns that were edited here."""
    names = "".join(f', t."{name}"' for name in columns)
    sql = f"""SELECT l.crm_id, l.role, l.row_id, l.modified_at, t.id{names} FROM json_each(?2) j
        CROSS JOIN crmsync_link l ON l.object = ?1 AND l.crm_id = j.value
        LEFT JOIN "{route.entity}" t ON t.id = l.row_id"""
    found = con.execute(sql, (route.object, json.dumps(list(ids)))).fetchall()
    edits: dict[int, set[str]] = {}
    if con.execute("SELECT 1 FROM crmsync_edit WHERE entity = ? LIMIT 1", [route.entity]).fetchone():
        for row_id, name in con.execute("SELECT row_id, field FROM crmsync_edit WHERE entity = ?", [route.entity]):
            edits.setdefault(row_id, set()).add(name)
    return {
        row[0]: Stored(
            row[1], row[2], row[3], row[5:] if row[4] is not None else None, frozenset(edits.get(row[2], ()))
        )
        for row in found
    }


def note_seen(con: sqlite3.Connection, ids: Sequence[str] | None) -> None:
    """Remember ids that a comparison has met; None begins anew. Kept on this connection alone."""
    if ids is None:
        con.execute("DROP TABLE IF EXISTS temp.seen")
        con.execute("CREATE TEMP TABLE seen (crm_id TEXT PRIMARY KEY) WITHOUT ROWID")
        return
    con.executemany("INSERT OR IGNORE INTO temp.seen VALUES (?)", ((one,) for one in ids))


def not_seen(con: sqlite3.Connection, obj: str) -> list[str]:
    """Current ids of an object that the comparison has not met."""
    sql = """SELECT l.crm_id FROM crmsync_link l WHERE l.object = ? AND l.role = 'current'
             AND l.crm_id NOT IN (SELECT crm_id FROM temp.seen)"""
    return [row[0] for row in con.execute(sql, [obj])]


def live(con: sqlite3.Connection, obj: str) -> int:
    """Records of an object that are stored and not deleted."""
    sql = "SELECT COUNT(*) FROM crmsync_link WHERE object = ? AND role = 'current' AND row_id IS NOT NULL"
    return int(con.execute(sql, [obj]).fetchone()[0])


def read_at(con: sqlite3.Connection, obj: str) -> str:
    """When the last complete read of an object's changes was stored; what was saved later is not here yet."""
    sql = "SELECT moved_at FROM crmsync_cursor WHERE object = ? AND kind = 'changes'"
    row = con.execute(sql, [obj]).fetchone()
    return str(row[0]) if row else ""
