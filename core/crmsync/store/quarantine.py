"""Records that could not be stored: set aside with the reason, read again, and let go."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable

from crmsync.model import Skipped


def quarantine(con: sqlite3.Connection, obj: str, entity: str, skipped: Iterable[Skipped], at: str) -> None:
    """Set records aside with the reason."""
    for one in skipped:
        row = con.execute("SELECT row_id FROM crmsync_link WHERE object = ? AND crm_id = ?", (obj, one.id)).fetchone()
        data = json.dumps(dict(one.row), ensure_ascii=True, default=str)
        con.execute(
            """INSERT INTO crmsync_quarantine VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)
               ON CONFLICT (object, crm_id) DO UPDATE SET reason = excluded.reason, data = excluded.data,
               tries = tries + 1, last_at = excluded.last_at""",
            (obj, one.id, entity, row[0] if row else None, one.reason, data, at, at),
        )


def leave_quarantine(con: sqlite3.Connection, obj: str, ids: Iterable[str]) -> None:
    """Records that could be stored leave by themselves."""
    if con.execute("SELECT 1 FROM crmsync_quarantine WHERE object = ? LIMIT 1", [obj]).fetchone():
        sql = "DELETE FROM crmsync_quarantine WHERE object = ? AND crm_id = ?"
        con.executemany(sql, ((obj, one) for one in ids))


def tried(con: sqlite3.Connection, obj: str, ids: Iterable[str], since: str, at: str) -> None:
    """Count a try of records in quarantine that were read again and did not come."""
    sql = "UPDATE crmsync_quarantine SET tries = tries + 1, last_at = ? WHERE object = ? AND crm_id = ? AND last_at < ?"
    con.executemany(sql, ((at, obj, one, since) for one in ids))


def quarantined_ids(con: sqlite3.Connection, obj: str, retries: int, before: str) -> list[str]:
    """Records in quarantine that have tries left, and were not tried since then."""
    sql = "SELECT crm_id FROM crmsync_quarantine WHERE object = ? AND tries < ? AND last_at < ?"
    return [row[0] for row in con.execute(sql, (obj, retries, before))]


def in_quarantine(con: sqlite3.Connection, obj: str) -> list[str]:
    """Every id of an object that is set aside."""
    return [row[0] for row in con.execute("SELECT crm_id FROM crmsync_quarantine WHERE object = ?", [obj])]
