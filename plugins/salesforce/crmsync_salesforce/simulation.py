"""The simulated org as the demo and `crmsync simulate` run it."""

from __future__ import annotations

from crmsync.connectors.simulated import Parts, simulation


def _parts() -> Parts:
    # A tenth of a sync's start goes into the simulator's parser and server, which only a simulation needs.
    from crmsync_salesforce.simulator import Org, Server  # noqa: PLC0415
    from crmsync_salesforce.story import OrgStory  # noqa: PLC0415

    return Org, Server, OrgStory


simulate = simulation(
    _parts, ("url", "client_id", "client_secret", "username", "password", "security_token", "ca_file")
)
