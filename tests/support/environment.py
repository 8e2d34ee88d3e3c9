"""A connection of the Dynamics plugin with a simulated environment over HTTP, opened anew for all that is done."""

from __future__ import annotations

from types import ModuleType
from typing import Any, ClassVar

import crmsync_dynamics.plugin
from crmsync.settings import ConnectionSettings
from crmsync_dynamics.simulator import Org, Server
from support.simulated import Simulated

REACH = ("url", "token_url", "tenant_id")
IDLE = ["account", "systemuser", "team", "campaign", "opportunity", "opportunity_customer", "connection", "task"]
"""Objects that a test of persons can do without."""


class Environment(Simulated):
    """What a test does with one connection to a simulated environment."""

    plugin: ClassVar[tuple[str, ModuleType]] = ("dynamics", crmsync_dynamics.plugin)
    simulator: ClassVar[tuple[Any, Any]] = (Org, Server)

    def connection(self, server: Any) -> ConnectionSettings:
        """Settings that reach the server as `user`."""
        user = self.org.user(self.user)
        own = {name: server.ready[name] for name in REACH} | {"backoff_seconds": 0}
        own |= {"client_id": user.client_id, "client_secret": user.client_secret}
        return ConnectionSettings(connector="dynamics", database=self.path, settings={**own, **self.own}, **self.given)
