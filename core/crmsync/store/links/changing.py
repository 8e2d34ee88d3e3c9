"""Changes of single rows that ids bring about, each with its entry in the journal."""

from __future__ import annotations

import json
import sqlite3

from crmsync.model import Value
from crmsync.store.batch import Batch
from crmsync.store.capture import AGAIN
from crmsync.store.links.linked import row_values
from crmsync.store.rows import JOURNAL


def note(
    con: sqlite3.Connection,
    batch: Batch,
    entity: str,
    row_id: int | None,
    field: str,
    old: Value,
    new: Value,
    rule: str,
) -> None:
    """One journal entry for something the CRM did."""
    con.execute(JOURNAL, (batch.run, batch.at, entity, row_id, field, old, new, "crm", rule))


def drop_row(
    con: sqlite3.Connection, batch: Batch, entity: str, row_id: int, values: dict[str, Value], rule: str
) -> None:
    """Remove a row and its edits; what it held stays in the journal, whole."""
    note(con, batch, entity, row_id, "*", json.dumps(values, ensure_ascii=False), None, rule)
    con.execute(f'DELETE FROM "{entity}" WHERE id = ?', [row_id])
    con.execute("DELETE FROM crmsync_edit WHERE entity = ? AND row_id = ?", (entity, row_id))


def identify(con: sqlite3.Connection, batch: Batch, row_id: int, crm_id: str, role: str) -> None:
    """Let a row stand for a record of the CRM from now on."""
    old = row_values(con, batch.route.entity, row_id) or {}
    new: dict[str, Value] = {"crm_id": crm_id}
    if "crm_type" in old and role:
        new["crm_type"] = role
    sets = ", ".join(f"{name} = ?" for name in new)
    con.execute(f'UPDATE "{batch.route.entity}" SET {sets} WHERE id = ?', (*new.values(), row_id))
    for name, value in new.items():
        if old.get(name) != value:
            note(con, batch, batch.route.entity, row_id, name, old.get(name), value, "identity")


def overwrite(con: sqlite3.Connection, batch: Batch, row_id: int, values: dict[str, Value], rule: str) -> None:
    """Give columns of a row the CRM's values; those that differ are noted."""
    old = row_values(con, batch.route.entity, row_id) or {}
    for name, value in values.items():
        if old.get(name) != value:
            con.execute(f'UPDATE "{batch.route.entity}" SET "{name}" = ? WHERE id = ?', (value, row_id))
            note(con, batch, batch.route.entity, row_id, name, old.get(name), value, rule)


def edited(con: sqlite3.Connection, batch: Batch, row_id: int, name: str, base: Value, value: Value) -> None:
    """Give a column a value as any program would: a local edit, on the value both sides last agreed on."""
    entity = batch.route.entity
    con.execute(f'UPDATE "{entity}" SET "{name}" = ? WHERE id = ?', (value, row_id))
    two_way = con.execute(
        "SELECT MAX(two_way) FROM crmsync_field WHERE object = ? AND column_name = ?", (batch.route.object, name)
    ).fetchone()[0]
    if two_way is not None:  # a column that no field of this object fills has nothing to differ from
        con.execute(
            "INSERT INTO crmsync_edit (entity, row_id, field, base, seq, state, edited_at) "
            f"VALUES (?, ?, ?, ?, 1, ?, ?) {AGAIN}",
            (entity, row_id, name, base, "pending" if two_way else "local", batch.at),
        )
