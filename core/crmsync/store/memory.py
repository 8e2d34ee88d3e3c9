"""What the engine remembers from one process to the next: texts under keys."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping

DATABASE = "database"


def memory(con: sqlite3.Connection) -> dict[str, str]:
    """Everything that was remembered, by key."""
    return dict(con.execute("SELECT key, value FROM crmsync_meta").fetchall())


def recalled(con: sqlite3.Connection, key: str) -> str | None:
    """What is remembered under one key."""
    row = con.execute("SELECT value FROM crmsync_meta WHERE key = ?", [key]).fetchone()
    return row[0] if row else None


def begun_with(con: sqlite3.Connection, *prefixes: str) -> dict[str, str]:
    """What is remembered under keys that begin like one of these."""
    where = " OR ".join("substr(key, 1, length(?)) = ?" for _ in prefixes)
    given = [text for prefix in prefixes for text in (prefix, prefix)]
    return dict(con.execute(f"SELECT key, value FROM crmsync_meta WHERE {where}", given).fetchall())


def remember(con: sqlite3.Connection, values: Mapping[str, str]) -> None:
    """Keep values under their keys."""
    sql = "INSERT INTO crmsync_meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    con.executemany(sql, values.items())


def forget(con: sqlite3.Connection, key: str) -> None:
    """Remember nothing under a key any more."""
    con.execute("DELETE FROM crmsync_meta WHERE key = ?", [key])


def forget_unless(con: sqlite3.Connection, key: str, other: str) -> None:
    """Forget what is remembered under `key`, unless something is remembered under `other`."""
    if recalled(con, other) is None:
        forget(con, key)


def database_id(con: sqlite3.Connection) -> str:
    """What tells a database from others; a copy of it has the same."""
    return recalled(con, DATABASE) or ""
