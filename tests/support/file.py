"""What any other program does to a database file, with the plain driver."""

from __future__ import annotations

import sqlite3
import weakref
from pathlib import Path
from typing import Any


class File:
    """Something with a database at `path`."""

    path: Path
    _open: tuple[tuple[int, int], sqlite3.Connection] | None = None

    def _program(self) -> sqlite3.Connection:
        """A program that keeps the file open, as most do; another one where the file was replaced."""
        known = self._open
        if known is None or not self.path.exists() or known[0] != _identity(self.path):
            con = sqlite3.connect(self.path, check_same_thread=False)  # whatever thread collects the garbage ends it
            self._ended = weakref.finalize(self, con.close)
            self._open = known = _identity(self.path), con
        return known[1]

    def leave(self) -> None:
        """End the program, so that the file stands alone again."""
        if self._open is not None:
            self._ended()
            self._open = None

    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """Run a statement and commit it; its rows."""
        with self._program() as con:
            return con.execute(statement, values).fetchall()

    def one(self, statement: str, *values: Any) -> Any:
        """The only value of the only row."""
        ((value,),) = self.sql(statement, *values)
        return value


def _identity(path: Path) -> tuple[int, int]:
    found = path.stat()
    return found.st_dev, found.st_ino
