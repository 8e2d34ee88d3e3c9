"""Two rows that become one: what the row that stays takes from the one that goes."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from crmsync.entities import ENGINE_COLUMNS
from crmsync.model import Value
from crmsync.store.batch import Batch
from crmsync.store.links.changing import drop_row, edited, identify, note, overwrite
from crmsync.store.links.linked import Link, row_values
from crmsync.store.programs.watched import move_members


def absorb(
    con: sqlite3.Connection,
    batch: Batch,
    winner: Link,
    rows: tuple[int, int],
    roles: Mapping[str, str],
    rule: str = "converted",
) -> None:
    """Of two rows (kept, gone) that stand for one record the first takes the second's id, CRM values and edits.

    So it is with a contact that was stored before its conversion was read, and a new record before its create was
    settled.
    """
    entity, (kept, gone) = batch.route.entity, rows
    values = row_values(con, entity, gone) or {}
    mapped = _mapped(con, winner.object) & set(values)
    overwrite(con, batch, kept, {name: values[name] for name in mapped}, rule)
    con.execute("DELETE FROM crmsync_edit WHERE entity = ? AND row_id = ?", (entity, kept))
    con.execute("UPDATE crmsync_edit SET row_id = ? WHERE entity = ? AND row_id = ?", (kept, entity, gone))
    sql = "UPDATE crmsync_link SET row_id = ? WHERE object = ? AND crm_id = ?"
    con.execute(sql, (kept, winner.object, winner.crm_id))
    _move(con, batch, gone, kept, values, rule)
    identify(con, batch, kept, winner.crm_id, roles.get(winner.object, ""))


def _mapped(con: sqlite3.Connection, obj: str) -> set[str]:
    sql = (
        "SELECT column_name FROM crmsync_field WHERE object = ? AND column_name NOT IN "
        "('crm_id', 'modified_at', 'version')"
    )
    return {row[0] for row in con.execute(sql, [obj])}


def absorb_loser(con: sqlite3.Connection, batch: Batch, loser: int, winner: int, summed: Sequence[str]) -> None:
    """Fill the winner's gaps from the loser and add up scores, as local edits: the CRM does not know of either."""
    entity = batch.route.entity
    values, kept = row_values(con, entity, loser) or {}, row_values(con, entity, winner) or {}
    for name, value in values.items():
        if name in ENGINE_COLUMNS or value is None or name not in kept:
            continue
        if name in summed and kept[name] is not None:
            _edit(con, batch, winner, name, kept[name], int(kept[name] or 0) + int(value or 0))
        elif kept[name] is None and not name.endswith("_crm_id") and entity == "person":
            _edit(con, batch, winner, name, None, value)
    _move(con, batch, loser, winner, values, "merged")


def _edit(con: sqlite3.Connection, batch: Batch, row_id: int, name: str, base: Value, value: Value) -> None:
    edited(con, batch, row_id, name, base, value)
    note(con, batch, batch.route.entity, row_id, name, base, value, "merged")


def _move(con: sqlite3.Connection, batch: Batch, gone: int, kept: int, values: dict[str, Value], rule: str) -> None:
    """Everything that hangs on the row that goes: activities, memberships and former ids."""
    entity = batch.route.entity
    if entity == "person":
        con.execute("UPDATE activity SET person_id = ? WHERE person_id = ?", (kept, gone))
        move_members(con, gone, kept)
    con.execute(
        "UPDATE crmsync_link SET row_id = ? WHERE entity = ? AND row_id = ? AND role <> 'current'", (kept, entity, gone)
    )
    drop_row(con, batch, entity, gone, values, rule)
