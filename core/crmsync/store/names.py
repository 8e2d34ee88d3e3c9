"""Names as SQL spells them, and the columns that a table has."""

from __future__ import annotations

import sqlite3


def quoted(name: str) -> str:
    """An identifier as SQL text."""
    return '"' + name.replace('"', '""') + '"'


def columns_of(con: sqlite3.Connection, table: str) -> dict[str, str]:
    """The columns of a table with their declared types; none where there is no such table."""
    return {row[1]: row[2] for row in con.execute(f"PRAGMA table_info({quoted(table)})")}
