"""Ids that stop standing for themselves: deleted, merged into another, or converted.

Each function may be repeated, and in any order: an id that was merged or converted keeps its link for ever and
never inserts, overwrites, flags or deletes again.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from crmsync.entities import ENGINE_COLUMNS, entity_of
from crmsync.model import Gone, Merged, Value
from crmsync.store.activity import Trailer
from crmsync.store.batch import Applied, Batch
from crmsync.store.capture import AGAIN
from crmsync.store.programs.watched import move_members
from crmsync.store.quarantine import leave_quarantine
from crmsync.store.rows import JOURNAL
from crmsync.store.sending.intents import merging

SUMMED = ("score",)
"""Columns whose values are added up when the CRM merges two persons (R-293); every other keeps the winner's."""


@dataclass(frozen=True, slots=True)
class Link:
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


def apply_gone(con: sqlite3.Connection, batch: Batch, gone: Iterable[Gone]) -> Applied:
    """Flag or remove what was deleted in the CRM; one older than the version stored is ignored."""
    applied, trailer = Applied(), Trailer(con, batch)
    for one in gone:
        found = link(con, batch.route.object, one.id)
        at = one.at or batch.at
        if found is None:
            tie(con, batch, one.id, None, "deleted", at)  # so that a late page cannot bring it back
        elif found.role == "current" and at >= found.modified_at:
            _remove(con, batch, trailer, found)
            sql = "UPDATE crmsync_link SET role = 'deleted', modified_at = ? WHERE object = ? AND crm_id = ?"
            con.execute(sql, (at, found.object, found.crm_id))
            applied.add(deleted=1)
        elif found.role == "current":
            continue
        leave_quarantine(con, batch.route.object, [one.id])  # there is nothing left to be read again
    trailer.flush(applied)
    return applied


def tie(con: sqlite3.Connection, batch: Batch, crm_id: str, row_id: int | None, role: str, at: str) -> None:
    """Let an id lead to a row, in a role."""
    con.execute(
        """INSERT INTO crmsync_link (object, crm_id, entity, row_id, role, modified_at, run)
           VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (object, crm_id) DO UPDATE SET
           row_id = excluded.row_id, role = excluded.role""",
        (batch.route.object, crm_id, batch.route.entity, row_id, role, at, batch.run),
    )


def _remove(con: sqlite3.Connection, batch: Batch, trailer: Trailer, found: Link) -> None:
    values = row_values(con, found.entity, found.row_id)
    if values is None:
        return  # somebody removed the row here already
    if entity_of(found.entity).keeps_deleted:
        con.execute(f'UPDATE "{found.entity}" SET crm_is_deleted = 1 WHERE id = ?', [found.row_id])
        note(con, batch, found.entity, found.row_id, "crm_is_deleted", 0, 1, "deleted")
        if found.entity == "person":
            trailer.changed(found.row_id, found.crm_id, [("crm_is_deleted", 0, 1, "deleted")], values)
        return
    trailer.removed(found.crm_id, values)
    drop_row(con, batch, found.entity, found.row_id or 0, values, "deleted")


def drop_row(
    con: sqlite3.Connection, batch: Batch, entity: str, row_id: int, values: dict[str, Value], rule: str
) -> None:
    """Remove a row and its edits; what it held stays in the journal, whole."""
    note(con, batch, entity, row_id, "*", json.dumps(values, ensure_ascii=False), None, rule)
    con.execute(f'DELETE FROM "{entity}" WHERE id = ?', [row_id])
    con.execute("DELETE FROM crmsync_edit WHERE entity = ? AND row_id = ?", (entity, row_id))


def row_values(con: sqlite3.Connection, entity: str, row_id: int | None) -> dict[str, Value] | None:
    """A row as it stands, by column."""
    cursor = con.execute(f'SELECT * FROM "{entity}" WHERE id = ?', [row_id])
    row = cursor.fetchone()
    return {column[0]: value for column, value in zip(cursor.description, row, strict=True)} if row else None


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


def apply_merged(con: sqlite3.Connection, batch: Batch, merged: Iterable[Merged], roles: Mapping[str, str]) -> Applied:
    """Let merged and converted ids live on under the id they became; `roles` names the person role of each object.

    A conversion keeps the lead's row, which becomes the contact; a merge keeps the winner's row, fills its gaps
    from the loser and adds up the standard score. Activities follow the surviving row.
    """
    applied, trailer = Applied(), Trailer(con, batch)
    for one in merged:
        leave_quarantine(con, batch.route.object, [one.id])
        loser = link(con, batch.route.object, one.id)
        if loser is not None and loser.role in ("merged", "converted"):
            continue
        winner = living(con, link(con, one.into_object, one.into), roles)
        if _join(con, batch, one, (loser, winner), roles):
            kind = "Lead Converted" if one.reason == "converted" else "Persons Merged"
            _log_joined(con, batch, trailer, one, kind)
            applied.add(**({"updated": 1} if one.reason == "converted" else {"deleted": 1}))
    trailer.flush(applied)
    return applied


def living(con: sqlite3.Connection, found: Link | None, roles: Mapping[str, str]) -> Link | None:
    """The link an id lives on under: its own or, where it was merged or converted before, the one its row has now."""
    if found is None or found.role not in ("merged", "converted"):
        return found
    now = (row_values(con, found.entity, found.row_id) or {}).get("crm_id")
    others = (link(con, obj, str(now)) for obj in roles) if now is not None else ()
    return next((one for one in others if one is not None and one.row_id == found.row_id), found)


def _join(
    con: sqlite3.Connection, batch: Batch, one: Merged, links: tuple[Link | None, Link | None], roles: Mapping[str, str]
) -> bool:
    """Bring both ids to one row; True where a row was there to change."""
    loser, winner = links
    mine = _row_of(con, loser)
    theirs = _row_of(con, winner)
    at = one.at or batch.at
    if mine is None:
        tie(con, batch, one.id, theirs, one.reason, at)
        return False
    survivor = mine
    if theirs is None:
        _rename(con, batch, one, mine, winner, roles)
    elif mine != theirs and winner is not None and one.reason == "converted":
        absorb(con, batch, winner, (mine, theirs), roles)
    elif mine != theirs:
        absorb_loser(con, batch, mine, theirs, () if merging(con, batch.route.object, one.id) else SUMMED)
        survivor = theirs
    if entity_of(batch.route.entity).keeps_deleted and mine == survivor:
        # The row stands for the winner now, whether the loser's own deletion was read before or not.
        dead = int(winner is not None and winner.role == "deleted")
        _overwrite(con, batch, survivor, {"crm_is_deleted": dead}, one.reason)
    tie(con, batch, one.id, survivor, one.reason, at)
    return True


def _row_of(con: sqlite3.Connection, found: Link | None) -> int | None:
    if found is None or found.row_id is None:
        return None
    present = con.execute(f'SELECT 1 FROM "{found.entity}" WHERE id = ?', [found.row_id]).fetchone()
    return found.row_id if present else None


def _rename(
    con: sqlite3.Connection, batch: Batch, one: Merged, row_id: int, winner: Link | None, roles: Mapping[str, str]
) -> None:
    """The record it became was never seen: the row takes its id and type; its values come with its next update."""
    sql = """INSERT INTO crmsync_link (object, crm_id, entity, row_id, role, modified_at, run)
             VALUES (?, ?, ?, ?, 'current', '', ?)
             ON CONFLICT (object, crm_id) DO UPDATE SET row_id = excluded.row_id"""
    con.execute(sql, (one.into_object, one.into, batch.route.entity, row_id, batch.run))
    if winner is None or winner.role in ("current", "deleted"):
        identify(con, batch, row_id, one.into, roles.get(one.into_object, ""))


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
    _overwrite(con, batch, kept, {name: values[name] for name in mapped}, rule)
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


def _overwrite(con: sqlite3.Connection, batch: Batch, row_id: int, values: dict[str, Value], rule: str) -> None:
    old = row_values(con, batch.route.entity, row_id) or {}
    for name, value in values.items():
        if old.get(name) != value:
            con.execute(f'UPDATE "{batch.route.entity}" SET "{name}" = ? WHERE id = ?', (value, row_id))
            note(con, batch, batch.route.entity, row_id, name, old.get(name), value, rule)


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


def _log_joined(con: sqlite3.Connection, batch: Batch, trailer: Trailer, one: Merged, kind: str) -> None:
    if batch.route.entity != "person" or batch.silent:
        return
    row = link(con, batch.route.object, one.id)
    if row is not None and row.row_id is not None:
        trailer.direct.append(
            (row.row_id, kind, batch.at, None, one.id, one.into, one.into_object, one.into, trailer.reason, batch.run)
        )
