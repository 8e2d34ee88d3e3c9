"""A connection of the Dynamics plugin with a simulated environment over HTTP, opened anew for all that is done."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import crmsync_dynamics.plugin
from crmsync.clock import SetClock
from crmsync.connection import Connection, Summary
from crmsync.plugins import wire
from crmsync.settings import ConnectionSettings
from crmsync_dynamics.simulator import Org, Ref, Server
from crmsync_dynamics.simulator.merging import merge
from crmsync_dynamics.simulator.qualification import Qualification, Wish
from crmsync_dynamics.simulator.writes import Writer
from dynamics.orgs import REACH
from support.engine import Engine

T = TypeVar("T")


class Environment(Engine):
    """What a test does with one connection to a simulated environment.

    `org` may be edited between the calls, as another CRM user. Its clock is the engine's; `later` moves it.
    """

    def __init__(self, path: Path, org: Org | None = None, *, user: str = "full", **settings: Any) -> None:
        self.clock = SetClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
        self.org = org or Org(records=20, seed=7, clock=self.clock)
        if isinstance(self.org.clock, SetClock):
            self.clock = self.org.clock
        self.path = path
        self.user = user
        self.given = settings
        self.faults: Callable[[Server], object] = lambda _server: None
        self.own: dict[str, Any] = {}  # settings of the connector itself
        self.asked: dict[str, Any] = {}  # what the last thing done asked of the server

    def use(self, work: Callable[[Connection], Awaitable[T]]) -> T:
        """Start the server, open the connection, do one thing, close both: a process of its own."""

        async def run() -> T:
            async with Server(self.org) as server:
                self.faults(server)
                connection = Connection(
                    "acme", self.connection(server), wire("dynamics", crmsync_dynamics.plugin), self.clock
                )
                try:
                    return await work(connection)
                finally:
                    await connection.close()
                    self.asked = server.statistics.show()

        return asyncio.run(run())

    def connection(self, server: Server) -> ConnectionSettings:
        """Settings that reach the server as `user`."""
        user = self.org.user(self.user)
        own = {key: server.ready[key] for key in REACH if key in server.ready} | {"backoff_seconds": 0, "attempts": 3}
        own |= {"client_id": user.client_id, "client_secret": user.client_secret}
        return ConnectionSettings(connector="dynamics", database=self.path, settings={**own, **self.own}, **self.given)

    def later(self, seconds: float = 3600) -> None:
        """Let time pass, by default far beyond the overlap of the reads."""
        self.clock.advance(timedelta(seconds=seconds))

    def sync(self, **options: Any) -> Summary:
        """One cycle, a while after whatever happened before."""
        self.later()
        return self.use(lambda connection: connection.sync(**options))

    def qualify(self, lead: str, *, account: bool = False) -> str:
        """Qualify a lead in the CRM; returns the contact."""
        wish = Wish(lead=lead, account=account, contact=True, opportunity=False)
        made = Qualification(self.org.state, Writer(self.org.state, self.org.user("admin")), wish).run()
        return next(one.id for one in made if one.table == "contact")

    def merge(self, table: str, winner: str, loser: str) -> None:
        """Merge two records in the CRM."""
        writer = Writer(self.org.state, self.org.user("admin"))
        merge(self.org.state, writer, Ref(table, winner), Ref(table, loser), {}, parents=False)
