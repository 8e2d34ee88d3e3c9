"""Records that a run brought into being, here or in the CRM, and those of them that nobody has touched since."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from crmsync.store.capture import captured
from crmsync.store.history.undoing import LEFT, RULE, Reversal
from crmsync.store.links import row_values
from crmsync.store.people.finding import Record
from crmsync.store.rows import JOURNAL

NEW, SENT = "new here", "new in the CRM"
"""What a listing calls a record that was read, and one that was made in the CRM from here."""

ASK = "a new record is taken back on request only (--creates)"
_MADE = """SELECT 1 FROM crmsync_intent WHERE entity = ? AND row_id = ? AND operation = 'create' AND state = 'done'
           AND object = ? AND crm_id = ?"""
_TOUCHED = """SELECT 1 FROM crmsync_journal WHERE entity = ?1 AND row_id = ?2 AND run > ?3
    AND NOT (old IS NULL AND side = 'crm' AND rule = 'pull' AND run = ?4) LIMIT 1"""
_FIRST_READ = "SELECT MIN(run) FROM crmsync_journal WHERE entity = ? AND row_id = ? AND run > ?"


class Created(Reversal):
    """One record that came into being with a run; `left` says on which side."""

    touched: bool = False


def created(con: sqlite3.Connection, run: int) -> list[Created]:
    """The records that a run made and that are still what their rows stand for."""
    found = con.execute(
        """SELECT object, crm_id, entity, row_id FROM crmsync_link WHERE run = ? AND role = 'current'
           AND row_id IS NOT NULL ORDER BY id""",
        [run],
    ).fetchall()
    return [
        _created(con, run, Record(entity, row_id, obj, crm_id))
        for obj, crm_id, entity, row_id in found
        if row_values(con, entity, row_id) is not None
    ]


def _created(con: sqlite3.Connection, run: int, of: Record) -> Created:
    made = con.execute(_MADE, (of.entity, of.row_id, of.object, of.crm_id)).fetchone() is not None
    one = Created(of, "*", SENT if made else NEW, None)
    one.touched = touched(con, one, run)
    return one


def touched(con: sqlite3.Connection, one: Created, run: int) -> bool:
    """Whether a value of a record moved after the run that made it, on either side.

    What a new record of the CRM got there by itself comes with the first read after; that is nobody's doing.
    """
    key = (one.of.entity, one.of.row_id)
    (first,) = con.execute(_FIRST_READ, (*key, run)).fetchone() if one.left == SENT else (None,)
    edited = "SELECT 1 FROM crmsync_edit WHERE entity = ? AND row_id = ? AND state <> 'done' LIMIT 1"
    moved = con.execute(_TOUCHED, (*key, run, first)).fetchone()
    return moved is not None or con.execute(edited, key).fetchone() is not None


def remove(con: sqlite3.Connection, ones: Iterable[Created], run: int, at: str) -> int:
    """Delete rows here as any program would: the CRM keeps the record. How many were."""
    gone = 0
    for one in ones:
        values = row_values(con, one.of.entity, one.of.row_id)
        whole = json.dumps(values, ensure_ascii=False)
        with captured(con):
            con.execute(f'DELETE FROM "{one.of.entity}" WHERE id = ?', [one.of.row_id])
        con.execute(JOURNAL, (run, at, one.of.entity, one.of.row_id, "*", whole, None, "marketing", RULE))
        gone += 1
    return gone


def others(con: sqlite3.Connection, run: int) -> list[Reversal]:
    """What else a run asked of the CRM: conversions, merges, deletions, tasks, memberships. None is taken back."""
    found = con.execute(
        """SELECT operation, object, crm_id, entity, row_id, state FROM crmsync_intent WHERE run = ?
           AND operation <> 'create' AND state IN ('done', 'sent', 'ambiguous') ORDER BY id""",
        [run],
    )
    return [
        Reversal(Record(entity, row_id, obj, crm_id), "*", operation, None, LEFT, _WHY.get(state, _DONE))
        for operation, obj, crm_id, entity, row_id, state in found
    ]


_DONE = "what was asked of the CRM is not taken back"
_WHY = {"sent": "its answer was lost; nobody knows yet whether it was done"}
