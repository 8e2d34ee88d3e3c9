"""A connection of the Salesforce plugin with a simulated org over HTTP, opened anew for all that is done with it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import crmsync_salesforce.plugin
from crmsync.clock import SetClock
from crmsync.connection import Connection, Summary
from crmsync.plugins import wire
from crmsync.settings import ConnectionSettings
from crmsync_salesforce.simulator import Org, Server
from support.engine import Engine


class Simulated(Engine):
    """What a test does with one connection to a simulated org.

    `org` may be edited between the calls, as another CRM user. Its clock is the engine's; `later` moves it.
    `calls` is what the last thing done cost, as the vendor charges.
    """

    def __init__(self, path: Path, org: Org | None = None, *, user: str = "full", **settings: Any) -> None:
        self.clock = SetClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
        self.org = org or Org(records=20, seed=7, clock=self.clock)
        if isinstance(self.org.clock, SetClock):
            self.clock = self.org.clock
        self.path = path
        self.user = user
        self.given = settings
        self.calls = 0
        self.faults: Callable[[Server], object] = lambda _server: None
        self.own: dict[str, Any] = {}  # settings of the connector itself

    @asynccontextmanager
    async def process(self) -> AsyncIterator[Connection]:
        """The org's server, and the connection to it."""
        async with Server(self.org) as self.server:
            self.faults(self.server)
            settings = self.connection(self.server)
            connection = Connection("acme", settings, wire("salesforce", crmsync_salesforce.plugin), self.clock)
            before = self.server.statistics.charged
            try:
                yield connection
            finally:
                await connection.close()
                self.calls = self.server.statistics.charged - before

    def connection(self, server: Server) -> ConnectionSettings:
        """Settings that reach the server as `user`."""
        ready, rights = server.ready, self.org.user(self.user)
        own = {"url": server.url, "flow": "password", "backoff_seconds": 0}
        own |= {name: ready[name] for name in ("client_id", "client_secret")}
        own |= {name: getattr(rights, name) for name in ("username", "password", "security_token")}
        return ConnectionSettings(
            connector="salesforce", database=self.path, settings={**own, **self.own}, **self.given
        )

    def later(self, seconds: float = 3600) -> None:
        """Let time pass, by default far beyond the overlap of the reads."""
        self.clock.advance(timedelta(seconds=seconds))

    def sync(self, **options: Any) -> Summary:
        """One cycle, a while after whatever happened before."""
        self.later()
        return self.use(lambda connection: connection.sync(**options))
