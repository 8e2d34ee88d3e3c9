"""Records that were deleted in the CRM: flagged here, or removed."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable

from crmsync.entities import entity_of
from crmsync.model import Gone
from crmsync.store.activity import Trailer
from crmsync.store.batch import Applied, Batch
from crmsync.store.links.changing import drop_row, note
from crmsync.store.links.linked import Link, link, row_values, tie
from crmsync.store.quarantine import leave_quarantine


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
