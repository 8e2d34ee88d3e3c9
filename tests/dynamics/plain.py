"""A connection of the Dynamics plugin with a server that is no Dynamics, opened anew for all that is done."""

from __future__ import annotations

import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import crmsync_dynamics.plugin
from crmsync.clock import SetClock
from crmsync.connection import Connection
from crmsync.plugins import wire
from crmsync.settings import ConnectionSettings, FieldSettings, ObjectSettings


@dataclass
class Desk:
    """What a test does with one such connection."""

    url: str
    path: Path
    clock: SetClock
    enable: Sequence[str] = ()
    include: Sequence[str] = ()
    told: list[str] = field(default_factory=list)

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        settings = ConnectionSettings(
            connector="dynamics", database=self.path, settings={"url": self.url, "backoff_seconds": 0},
            objects=ObjectSettings(enable=list(self.enable)), fields=FieldSettings(include=list(self.include)),
        )  # fmt: skip
        connection = Connection("plain", settings, wire("dynamics", crmsync_dynamics.plugin), self.clock)
        try:
            yield connection
        finally:
            await connection.close()

    async def sync(self, **options: Any) -> Any:
        """One cycle, an hour later; what `verify` finds then."""
        self.clock.advance(timedelta(hours=1))
        async with self.connection() as connection:
            run = await connection.sync(**options)
            self.told = list(run.notes)
            assert run.status == "succeeded", (run.status, run.steps)
            return await connection.verify()

    def rows(self, sql: str) -> list[Any]:
        with sqlite3.connect(self.path) as con:
            return con.execute(sql).fetchall()


def a_clock() -> SetClock:
    """The engine's clock, and the server's."""
    return SetClock(datetime(2026, 5, 4, 12, tzinfo=UTC))
