"""A connection of the CRM in memory with a database file, opened anew for everything that is done with it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from crmsync.connection import Connection, Summary
from crmsync.plugins import wire
from crmsync.settings import ConnectionSettings
from crmsync.verify import Verification
from support.file import File
from support.memory import Crm

T = TypeVar("T")


class Engine(File):
    """What a test does with one connection."""

    def __init__(self, path: Path, crm: Crm | None = None, **settings: Any) -> None:
        self.path = path
        self.crm = crm or Crm()
        self.settings = ConnectionSettings(connector="memory", database=path, **settings)

    @asynccontextmanager
    async def process(self) -> AsyncIterator[Connection]:
        """The connection, as one process has it."""
        connection = Connection("acme", self.settings, wire("memory", self.crm), self.crm.clock)
        try:
            yield connection
        finally:
            await connection.close()

    def use(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Open the connection, do one thing, close it: a process of its own."""

        async def run() -> T:
            async with self.process() as connection:
                return await work(connection)

        return asyncio.run(run())

    def sync(self, **options: Any) -> Summary:
        """One cycle; a second passes before it."""
        self.crm.tick()
        return self.use(lambda connection: connection.sync(**options))

    def verify(self) -> Verification:
        """Compare both sides."""
        return self.use(lambda connection: connection.verify())

    def steps(self, run: int) -> dict[tuple[str, str], dict[str, Any]]:
        """The steps of a run by object and operation."""
        names = [
            "object",
            "operation",
            "status",
            "new",
            "updated",
            "deleted",
            "failed",
            "skipped",
            "pages",
            "calls",
            "message",
        ]
        rows = self.sql(f"SELECT {', '.join(names)} FROM crmsync_step WHERE run = ?", run)
        return {(row[0], row[1]): dict(zip(names, row, strict=True)) for row in rows}
