"""A simulated Salesforce org that speaks the vendor's HTTP.

    async with Server(Org(records=500, seed=7)) as server:
        print(server.url, server.ready["client_id"])

`Org` is the data and everything that can happen in it; `Server` puts it on a local port, with a control path beside the
vendor's own paths; `serve` is what the command line runs.
"""

from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.fields import Field
from crmsync_salesforce.simulator.org import Org
from crmsync_salesforce.simulator.server import Server
from crmsync_salesforce.simulator.serving import main, serve
from crmsync_salesforce.simulator.state import Settings

__all__ = ["Field", "Org", "Refusal", "Server", "Settings", "main", "serve"]
