"""A person taken out of this side alone, as if any program had deleted the row."""

from __future__ import annotations

import json
import sqlite3

from crmsync.store.links import row_values
from crmsync.store.rows import JOURNAL


def remove_here(con: sqlite3.Connection, row_id: int, run: int, at: str) -> None:
    """Delete a person's row, edits and memberships; what it held stays in the journal, and its activities stay."""
    values = row_values(con, "person", row_id)
    if values is None:
        return
    whole = json.dumps(values, ensure_ascii=False)
    con.execute(JOURNAL, (run, at, "person", row_id, "*", whole, None, "marketing", "delete"))
    con.execute("DELETE FROM person WHERE id = ?", [row_id])
    con.execute("DELETE FROM crmsync_edit WHERE entity = 'person' AND row_id = ?", [row_id])
    con.execute("DELETE FROM program_member WHERE person_id = ?", [row_id])
    con.execute(
        "INSERT INTO crmsync_deleted (entity, row_id, crm_id, deleted_at) VALUES ('person', ?, ?, ?)",
        (row_id, values["crm_id"], at),
    )
