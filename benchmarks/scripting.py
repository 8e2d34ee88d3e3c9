"""What the yardsticks share: rows into SQLite as plainly as may be, and a session that leaves the TLS out.

The vendors' clients speak https only; the other side is spoken to without, too.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from typing import Any

import requests
from requests.adapters import HTTPAdapter


class Plain(HTTPAdapter):
    """Speaks http where https is asked for."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send it without TLS."""
        request.url = (request.url or "").replace("https://", "http://", 1)
        return super().send(request, *args, **options)


def stored(database: str, fields: Sequence[str], rows: Iterable[Any]) -> None:
    """Upsert the rows by their first column, in one transaction. No types but SQLite's own."""
    key, *others = fields
    con = sqlite3.connect(database)
    con.execute("PRAGMA journal_mode = WAL")
    con.execute("PRAGMA synchronous = NORMAL")
    con.execute(f"CREATE TABLE IF NOT EXISTS contact ({key} TEXT PRIMARY KEY, {', '.join(others)})")
    upsert = (
        f"INSERT INTO contact ({', '.join(fields)}) VALUES ({', '.join('?' * len(fields))}) "
        f"ON CONFLICT ({key}) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in others)}"
    )
    with con:
        con.executemany(upsert, rows)
    con.close()


class Marked:
    """A database whose changed rows are marked, and in which marks are taken away."""

    def __init__(self, database: str, key: str, column: str) -> None:
        self.con, self.key, self.column = sqlite3.connect(database), key, column
        self.con.execute("PRAGMA synchronous = NORMAL")

    def changed(self) -> list[tuple[str, Any]]:
        """Ids and values of what is marked."""
        return self.con.execute(f"SELECT {self.key}, {self.column} FROM contact WHERE changed").fetchall()

    def done(self, ids: Iterable[str]) -> None:
        """These were written."""
        with self.con:
            self.con.executemany(
                f"UPDATE contact SET changed = 0 WHERE {self.key} = ?",
                [(one,) for one in ids],
            )

    def close(self) -> None:
        """No more of it."""
        self.con.close()
