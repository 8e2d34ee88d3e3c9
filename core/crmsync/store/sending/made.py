"""What an answered write changes here, in the transaction that stores its answer: as a pull would, only sooner."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

from crmsync.model import Direction, Gone, Merged, Value
from crmsync.store.batch import Batch
from crmsync.store.links import absorb, apply_gone, apply_merged, edited, identify, link, living, row_values, tie
from crmsync.store.rows import JOURNAL
from crmsync.store.sending.intents import Asked
from crmsync.writes import Operation

RULE = "create"
"""The journal's word for what a new record in the CRM was given."""


def taken(con: sqlite3.Connection, asked: Asked) -> str | None:
    """The record that a row stands for already, so that nothing has to be made for it."""
    if asked.change.operation is not Operation.CREATE or not asked.link:
        return None
    sql = "SELECT crm_id FROM crmsync_link WHERE entity = ? AND row_id = ? AND role = 'current' LIMIT 1"
    row = con.execute(sql, (asked.entity, asked.row_id)).fetchone()
    return str(row[0]) if row else None


def take_in(con: sqlite3.Connection, batch: Batch, asked: Asked, crm_id: str, roles: Mapping[str, str]) -> None:
    """Do here what the CRM has done. `crm_id` is the answer's; doing it twice changes nothing."""
    change = asked.change
    if change.operation is Operation.CREATE and asked.link and asked.entity == batch.route.entity:
        _created(con, batch, asked, crm_id, roles)
    elif change.operation is Operation.CONVERT:
        into = next((obj for obj, role in roles.items() if role == "contact"), "")
        apply_merged(con, batch, [Merged(str(change.crm_id), crm_id, into, reason="converted")], roles)
    elif change.operation is Operation.MERGE:
        merged = [Merged(loser, crm_id, change.object) for loser in change.wish.losers]
        apply_merged(con, batch, merged, roles)
    elif change.operation is Operation.DELETE:
        apply_gone(con, batch, [Gone(str(change.crm_id), _not_before(con, batch, str(change.crm_id)))])


def _not_before(con: sqlite3.Connection, batch: Batch, crm_id: str) -> str:
    """This moment, or that of the version stored: whose clock is ahead must not matter."""
    found = link(con, batch.route.object, crm_id)
    return max(batch.at, found.modified_at if found else "")


def _created(con: sqlite3.Connection, batch: Batch, asked: Asked, crm_id: str, roles: Mapping[str, str]) -> None:
    """The row stands for the new record from now on, whether a pull met that first or not; its old edits end."""
    entity, row_id = asked.entity, asked.row_id
    row = row_values(con, entity, row_id)
    known = living(con, link(con, batch.route.object, crm_id), roles)
    if row is None or (known and known.row_id == row_id and row["crm_id"] == known.crm_id):
        if known is None:  # deleted here meanwhile: like any such record it comes back when the CRM changes it
            tie(con, batch, crm_id, row_id, "current", "")
        return
    _note(con, batch, asked)
    late = {name: value for name, value in row.items() if name in asked.sent and value != asked.sent[name]}
    late |= {name: row[name] for name in _unsent(batch, asked) if row.get(name) is not None}
    if known is not None and row_values(con, entity, known.row_id) is not None:
        absorb(con, batch, known, (row_id, known.row_id or 0), roles, RULE)
    else:
        con.execute("DELETE FROM crmsync_edit WHERE entity = ? AND row_id = ?", (entity, row_id))
        tie(con, batch, crm_id, row_id, known.role if known else "current", "")
        identify(con, batch, row_id, crm_id, roles.get(batch.route.object, ""))
    if "crm_is_deleted" in row:
        dead = int(known is not None and known.role == "deleted")
        con.execute(f'UPDATE "{entity}" SET crm_is_deleted = ? WHERE id = ?', (dead, row_id))
    _keep_late(con, batch, asked, late)


def _unsent(batch: Batch, asked: Asked) -> set[str]:
    """Columns that a record gets only once it is there."""
    both = {one.column for one in batch.route.maps if Direction.PUSH in one.directions}
    return both - asked.sent.keys()


def _keep_late(con: sqlite3.Connection, batch: Batch, asked: Asked, late: Mapping[str, Value]) -> None:
    """What was edited while the create was under way, or could not be sent with it, goes with the next push."""
    now = row_values(con, asked.entity, asked.row_id) or {}
    for name, value in late.items():
        base = asked.sent.get(name) if now[name] == value else now[name]
        if base != value:
            edited(con, batch, asked.row_id, name, base, value)


def _note(con: sqlite3.Connection, batch: Batch, asked: Asked) -> None:
    values = [(name, value) for name, value in asked.sent.items() if value is not None]
    con.executemany(
        JOURNAL,
        [
            (batch.run, batch.at, asked.entity, asked.row_id, name, None, value, "marketing", RULE)
            for name, value in values
        ],
    )
