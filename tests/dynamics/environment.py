"""A connection of the Dynamics plugin with a simulated environment over HTTP, opened anew for all that is done."""

from __future__ import annotations

import crmsync_dynamics.plugin
from crmsync.settings import ConnectionSettings
from crmsync_dynamics.simulator import Org, Ref, Server
from crmsync_dynamics.simulator.merging import merge
from crmsync_dynamics.simulator.qualification import Qualification, Wish
from crmsync_dynamics.simulator.writes import Writer
from dynamics.orgs import REACH
from support.simulated import Hosted


class Environment(Hosted[Org]):
    """What a test does with one connection to a simulated environment.

    `org` may be edited between the calls, as another CRM user. Its clock is the engine's; `later` moves it.
    """

    plugin = ("dynamics", crmsync_dynamics.plugin)
    simulator = (Org, Server)

    def connection(self, server: Server) -> ConnectionSettings:
        """Settings that reach the server as `user`."""
        user = self.org.user(self.user)
        own = {key: server.ready[key] for key in REACH if key in server.ready} | {"backoff_seconds": 0, "attempts": 3}
        own |= {"client_id": user.client_id, "client_secret": user.client_secret}
        return ConnectionSettings(connector="dynamics", database=self.path, settings={**own, **self.own}, **self.given)

    def qualify(self, lead: str, *, account: bool = False) -> str:
        """Qualify a lead in the CRM; returns the contact."""
        wish = Wish(lead=lead, account=account, contact=True, opportunity=False)
        made = Qualification(self.org.state, Writer(self.org.state, self.org.user("admin")), wish).run()
        return next(one.id for one in made if one.table == "contact")

    def merge(self, table: str, winner: str, loser: str) -> None:
        """Merge two records in the CRM."""
        writer = Writer(self.org.state, self.org.user("admin"))
        merge(self.org.state, writer, Ref(table, winner), Ref(table, loser), {}, parents=False)
