"""Rows that need no comparing: their version was long over when it was last looked at, and has not moved since."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from datetime import timedelta
from functools import cache

from crmsync.clock import moment, stamp
from crmsync.model import Kind, Value
from crmsync.store.batch import Batch


def settled(con: sqlite3.Connection, batch: Batch, ids: Sequence[str]) -> dict[Value, str]:
    """Of these ids, those and their versions of which the same version brings nothing new.

    Several saves within a second may share a version, so it has to be a minute older than a read that saw it: in a load
    the run that stored it, before a write this run's own read of changes. Not where a value may move without it.
    """
    known = {one.column: one.field for one in batch.route.maps}
    if batch.refresh or any(known[name].calculated for name in batch.page.columns if name in known):
        return {}
    if batch.kind is Kind.LOAD:
        return _by_first_run(con, batch, ids)
    return _by_this_run(con, batch, ids) if batch.partial else {}


def _by_first_run(con: sqlite3.Connection, batch: Batch, ids: Sequence[str]) -> dict[Value, str]:
    found = con.execute(
        """SELECT l.crm_id, l.modified_at, r.started_at FROM json_each(?2) j
           CROSS JOIN crmsync_link l ON l.object = ?1 AND l.crm_id = j.value AND l.role = 'current'
           JOIN crmsync_run r ON r.id = l.run""",
        (batch.route.object, json.dumps(ids)),
    )
    before = cache(_minute_before)
    return {crm_id: at for crm_id, at, began in found if at < before(began)}


def _by_this_run(con: sqlite3.Connection, batch: Batch, ids: Sequence[str]) -> dict[Value, str]:
    began = con.execute(
        """SELECT r.started_at FROM crmsync_run r JOIN crmsync_cursor c ON c.moved_at >= r.started_at
           WHERE r.id = ? AND c.object = ? AND c.kind = 'changes'""",
        (batch.run, batch.route.object),
    ).fetchone()
    if began is None:
        return {}
    found = con.execute(
        """SELECT l.crm_id, l.modified_at FROM json_each(?2) j
           CROSS JOIN crmsync_link l ON l.object = ?1 AND l.crm_id = j.value AND l.role = 'current'
           WHERE l.modified_at < ?3""",
        (batch.route.object, json.dumps(ids), _minute_before(began[0])),
    )
    return dict(found)


def _minute_before(at: str) -> str:
    return stamp(moment(at) - timedelta(minutes=1))
