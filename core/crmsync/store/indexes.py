"""Indexes of entity tables, made once a first load is through."""

from __future__ import annotations

import sqlite3

from crmsync.entities import entity_of
from crmsync.store.names import columns_of, quoted


def build_indexes(con: sqlite3.Connection) -> None:
    """Make the indexes of every entity table that has none yet; called when a first load is through."""
    (kept,) = con.execute("PRAGMA cache_size").fetchone()
    con.execute("PRAGMA cache_size = -8000")  # sorting takes as much memory as the cache may
    present = {row[0] for row in con.execute("SELECT name FROM sqlite_master WHERE type = 'index'")}
    names = [row[0] for row in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for name in names:
        if name.startswith(("crmsync_", "sqlite_")) or name == "activity":
            continue
        columns = columns_of(con, name)
        wanted = {"crm_id", *entity_of(name).indexes}
        for column in sorted(wanted & set(columns)):
            index = f"{name}_{column}_index"
            if index not in present:
                con.execute(f"CREATE INDEX {quoted(index)} ON {quoted(name)} ({quoted(column)})")
    con.execute(f"PRAGMA cache_size = {kept:d}")
