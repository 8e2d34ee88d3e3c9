"""Which row an id stands for, and in what role."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence

from msgspec import Struct

from crmsync.model import Value
from crmsync.store.batch import Batch


class Link(Struct, frozen=True):
    """One row of `crmsync_link`."""

    object: str
    crm_id: str
    entity: str
    row_id: int | None
    role: str
    modified_at: str


def link(con: sqlite3.Connection, obj: str, crm_id: str) -> Link | None:
    """The link of an id."""
    row = con.execute(
        "SELECT object, crm_id, entity, row_id, role, modified_at FROM crmsync_link WHERE object = ? AND crm_id = ?",
        (obj, crm_id),
    ).fetchone()
    return Link(*row) if row else None


def unlinked(con: sqlite3.Connection, obj: str, ids: Sequence[str]) -> list[str]:
    """Those of `ids` that no link knows."""
    sql = """SELECT value FROM json_each(?) WHERE value NOT IN
             (SELECT crm_id FROM crmsync_link WHERE object = ? AND crm_id IN (SELECT value FROM json_each(?)))"""
    text = json.dumps(sorted(set(ids)))
    return [row[0] for row in con.execute(sql, (text, obj, text))]


def tie(con: sqlite3.Connection, batch: Batch, crm_id: str, row_id: int | None, role: str, at: str) -> None:
    """Let an id lead to a row, in a role."""
    con.execute(
        """INSERT INTO crmsync_link (object, crm_id, entity, row_id, role, modified_at, run)
           VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (object, crm_id) DO UPDATE SET
           row_id = excluded.row_id, role = excluded.role""",
        (batch.route.object, crm_id, batch.route.entity, row_id, role, at, batch.run),
    )


def living(con: sqlite3.Connection, found: Link | None, roles: Mapping[str, str]) -> Link | None:
    """The link an id lives on under: its own or, where it was merged or converted before, the one its row has now."""
    if found is None or found.role not in ("merged", "converted"):
        return found
    now = (row_values(con, found.entity, found.row_id) or {}).get("crm_id")
    others = (link(con, obj, str(now)) for obj in roles) if now is not None else ()
    return next((one for one in others if one is not None and one.row_id == found.row_id), found)


def row_values(con: sqlite3.Connection, entity: str, row_id: int | None) -> dict[str, Value] | None:
    """A row as it stands, by column."""
    cursor = con.execute(f'SELECT * FROM "{entity}" WHERE id = ?', [row_id])
    row = cursor.fetchone()
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)} if row else None
