"""A simulated Dynamics 365 environment that speaks the vendor's Web API.

    async with Server(Org(records=500, seed=7)) as server:
        print(server.url, server.ready["client_id"])

`Org` is the data and everything that can happen in it; `Server` puts it on a local port, with a control path beside the
vendor's own paths; `serve` is what the command line runs.
"""

from crmsync_dynamics.simulator.errors import Refusal
from crmsync_dynamics.simulator.fields import Column, Option, Ref
from crmsync_dynamics.simulator.org import Org
from crmsync_dynamics.simulator.server import Server
from crmsync_dynamics.simulator.serving import main, serve
from crmsync_dynamics.simulator.state import Settings

__all__ = ["Column", "Option", "Org", "Ref", "Refusal", "Server", "Settings", "main", "serve"]
