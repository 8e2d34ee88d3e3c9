"""What any other program does to a database file, with the plain driver."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any


class File:
    """Something with a database at `path`."""

    path: Path

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement and commit it; its rows."""
        with closing(sqlite3.connect(self.path)) as con, con:
            return con.execute(statement, values).fetchall()

    def one(self, statement: str, *values: Any) -> Any:
        """The only value of the only row."""
        ((value,),) = self.sql(statement, *values)
        return value
