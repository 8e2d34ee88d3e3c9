"""One SQLite file: how it is opened, and how a function gets to run on the thread that owns it.

Everything that writes is a plain function `work(con, …)` on a `sqlite3.Connection`, run as one piece on aiosqlite's
thread. aiosqlite has no public way to do that: `_on_thread` is the only place that knows how.
"""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import Callable
from contextlib import suppress
from importlib.resources import files
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

import aiosqlite

from crmsync.errors import CrmsyncError, SchemaTooNew, StoreError

P = ParamSpec("P")
T = TypeVar("T")

SCHEMA_VERSION = 2
OLDEST_SQLITE = (3, 37, 0)  # STRICT tables

_AT_CREATION = "PRAGMA page_size = 16384; PRAGMA journal_mode = WAL;"
_ALWAYS = """
PRAGMA foreign_keys = ON; PRAGMA busy_timeout = 30000; PRAGMA synchronous = NORMAL;
PRAGMA wal_autocheckpoint = 4000; PRAGMA cache_size = -32000;
"""

# Binding asks for an adapter of every value that is no plain int, float, str or bytes, and looks longest where there is
# none. These say what SQLite would do anyhow, and make a row of 26 columns a quarter cheaper to bind (measured).
_NOTHING: dict[None, None] = {}
sqlite3.register_adapter(type(None), _NOTHING.get)
sqlite3.register_adapter(bool, int)


class Database:
    """One open file. `write` runs in one immediate transaction, `read` on a connection of its own."""

    def __init__(self, path: Path, writer: aiosqlite.Connection, reader: aiosqlite.Connection) -> None:
        self.path = path
        self._writer = writer
        self._reader = reader

    @classmethod
    async def open(cls, path: Path, *, create: bool = True) -> Database:
        """Open or create the file and bring its schema up to date.

        Raises StoreError where it cannot be opened, SchemaTooNew where a newer version wrote it.
        """
        if sqlite3.sqlite_version_info < OLDEST_SQLITE:
            wanted = ".".join(map(str, OLDEST_SQLITE))
            raise StoreError(f"SQLite {sqlite3.sqlite_version} is too old; crmsync needs {wanted} or newer.")
        if not create and not path.exists():  # noqa: ASYNC240 - one look before anything runs
            raise StoreError(f"There is no database at {path}.", hint="Run a sync first, or check the path.")
        with faults(path):
            if not path.exists():  # noqa: ASYNC240 - as above
                with suppress(OSError):  # SQLite says better what is wrong with the path
                    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))  # persons' data: nobody else's by default
            writer = await _connect(path)
            try:
                await cls._on_thread(writer, _prepare)
                reader = await _connect(path)
            except BaseException:
                await writer.close()
                raise
            database = cls(path, writer, reader)
            try:
                await database._on_thread(reader, lambda con: con.executescript("PRAGMA busy_timeout = 30000;"))
            except BaseException:
                await database.close()
                raise
        return database

    async def write(
        self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        """Run `work(con, …)` in one immediate transaction: all of it is kept, or nothing."""
        with faults(self.path):
            return await self._on_thread(self._writer, lambda con: _transaction(con, work, *args, **kwargs))

    async def read(self, work: Callable[Concatenate[sqlite3.Connection, P], T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Run `work(con, …)` on the reading connection; it sees only what was committed."""
        with faults(self.path):
            return await self._on_thread(self._reader, lambda con: work(con, *args, **kwargs))

    async def close(self) -> None:
        """Close both connections; what was committed is safe."""
        for connection in (self._reader, self._writer):
            with suppress(sqlite3.Error, ValueError):
                await connection.close()

    @staticmethod
    async def _on_thread(connection: aiosqlite.Connection, work: Callable[[sqlite3.Connection], T]) -> T:
        # A cancelled caller must not leave the thread inside a transaction that nobody waits for.
        call = connection._execute(work, connection._conn)  # type: ignore[no-untyped-call]  # noqa: SLF001
        task: asyncio.Future[T] = asyncio.ensure_future(call)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            with suppress(Exception):
                await task
            raise


async def _connect(path: Path) -> aiosqlite.Connection:
    """A connection with a thread of its own; where that fails no thread is left to speak to a loop that is closed."""
    connection = aiosqlite.connect(path, isolation_level=None)
    try:
        return await connection
    except BaseException:
        thread: Any = getattr(connection, "_thread", connection)  # told to stop, and on its way out
        thread.join(1)
        raise


def _transaction(con: sqlite3.Connection, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    con.execute("BEGIN IMMEDIATE")
    try:
        result = work(con, *args, **kwargs)
        con.execute("COMMIT")
    except BaseException:
        if con.in_transaction:
            con.execute("ROLLBACK")
        raise
    return result


def _prepare(con: sqlite3.Connection) -> None:
    version = con.execute("PRAGMA user_version").fetchone()[0]
    if version > SCHEMA_VERSION:
        raise SchemaTooNew(
            f"The database has schema version {version}; this crmsync knows up to {SCHEMA_VERSION}.",
            hint="Install the newer crmsync that wrote it.",
        )
    if version == 0:
        con.executescript(_AT_CREATION)
    con.executescript(_ALWAYS)
    if version < SCHEMA_VERSION:
        _transaction(con, migrate)


def migrate(con: sqlite3.Connection, upto: int = SCHEMA_VERSION) -> None:
    """Bring the engine's tables from their version to `upto`, a numbered file a step."""
    version = con.execute("PRAGMA user_version").fetchone()[0]  # again, inside the transaction: two may start
    for step in range(version + 1, upto + 1):
        script = files("crmsync.store").joinpath("schema").joinpath(f"{step:04d}.sql").read_text("utf-8")
        for statement in statements(script):
            con.execute(statement)
        con.execute(f"PRAGMA user_version = {step:d}")


def statements(script: str) -> list[str]:
    """The statements of a script, one by one (`executescript` would commit the transaction around it)."""
    found, rest = [], ""
    for line in script.splitlines(keepends=True):
        rest += line
        if line.rstrip().endswith(";") and sqlite3.complete_statement(rest):
            found.append(rest.strip())
            rest = ""
    return found


class faults:  # noqa: N801 - reads as a statement
    """Turn SQLite's errors about the file into StoreErrors that say what to do."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        """Nothing to prepare."""

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """Raise what a person can act on; other errors pass."""
        if not isinstance(error, sqlite3.DatabaseError) or isinstance(error, CrmsyncError):
            return
        if isinstance(error, sqlite3.IntegrityError | sqlite3.DataError | sqlite3.ProgrammingError):
            return
        text = str(error)
        hint = next((say for part, say in _HINTS if part in text.lower()), "")
        if hint or isinstance(error, sqlite3.OperationalError):
            raise StoreError(f"The database {self.path} failed: {text}.", hint=hint, code="sqlite") from error
        raise StoreError(f"{self.path} is not a usable database: {text}.", code="sqlite") from error


_HINTS = (
    ("readonly", "Give this user the right to write the file and its folder; nothing was changed."),
    ("disk is full", "Free some space; nothing of this page was kept, and the next cycle carries on."),
    ("unable to open", "Check that the folder exists and that this user may write there."),
    ("locked", "Another program holds a long write transaction; the next cycle tries again."),
    ("not a database", "The path names another kind of file; check `database` in the settings."),
    ("disk image is malformed", "Restore the file from a copy; the CRM still holds its half."),
    ("i/o error", "The disk reported an error; nothing of this page was kept."),
)
