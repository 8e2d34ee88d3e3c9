"""A connection of a plugin with a simulated org over HTTP, opened anew for all that is done with it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar, Generic, TypeVar

import crmsync_salesforce.plugin
from crmsync.clock import SetClock
from crmsync.connection import Connection, Summary
from crmsync.plugins import wire
from crmsync.settings import ConnectionSettings
from crmsync_salesforce.simulator import Org, Server
from support.engine import Engine

Site = TypeVar("Site")


class Hosted(Engine, Generic[Site]):
    """What a test does with one connection to a simulated org.

    `org` may be edited between the calls, as another CRM user. Its clock is the engine's; `later` moves it.
    `calls` is what the last thing done cost, as the vendor charges, and `asked` all that it asked of the server.
    """

    plugin: ClassVar[tuple[str, ModuleType]]
    simulator: ClassVar[tuple[Any, Any]]  # the org, and what serves it

    def __init__(self, path: Path, org: Site | None = None, *, user: str = "full", **settings: Any) -> None:
        self.clock = SetClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
        self.org: Site = org or self.simulator[0](records=20, seed=7, clock=self.clock)
        clock = getattr(self.org, "clock", None)
        if isinstance(clock, SetClock):
            self.clock = clock
        self.path = path
        self.user = user
        self.given = settings
        self.calls = 0
        self.asked: dict[str, Any] = {}
        self.faults: Callable[[Any], object] = lambda _server: None
        self.own: dict[str, Any] = {}  # settings of the connector itself

    @asynccontextmanager
    async def process(self) -> AsyncIterator[Connection]:
        """The org's server, and the connection to it."""
        async with self.simulator[1](self.org) as self.server:
            self.faults(self.server)
            connection = Connection("acme", self.connection(self.server), wire(*self.plugin), self.clock)
            before = self.server.statistics.charged
            try:
                yield connection
            finally:
                await connection.close()
                self.calls, self.asked = self.server.statistics.charged - before, self.server.statistics.show()

    @abstractmethod
    def connection(self, server: Any) -> ConnectionSettings:
        """Settings that reach the server as `user`."""

    def later(self, seconds: float = 3600) -> None:
        """Let time pass, by default far beyond the overlap of the reads."""
        self.clock.advance(timedelta(seconds=seconds))

    def sync(self, **options: Any) -> Summary:
        """One cycle, a while after whatever happened before."""
        self.later()
        return self.use(lambda connection: connection.sync(**options))


class Simulated(Hosted[Org]):
    """The same with the Salesforce plugin."""

    plugin = ("salesforce", crmsync_salesforce.plugin)
    simulator = (Org, Server)

    def connection(self, server: Any) -> ConnectionSettings:
        """Settings that reach the server as `user`."""
        ready, rights = server.ready, self.org.user(self.user)
        own = {"url": server.url, "flow": "password", "backoff_seconds": 0}
        own |= {name: ready[name] for name in ("client_id", "client_secret")}
        own |= {name: getattr(rights, name) for name in ("username", "password", "security_token")}
        return ConnectionSettings(
            connector="salesforce", database=self.path, settings={**own, **self.own}, **self.given
        )
