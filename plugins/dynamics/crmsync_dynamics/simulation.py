"""The simulated environment as the demo and `crmsync simulate` run it."""

from __future__ import annotations

from crmsync.connectors.simulated import Parts, simulation


def _parts() -> Parts:
    # The simulator's parser and server are what only a simulation needs.
    from crmsync_dynamics.simulator import Org, Server  # noqa: PLC0415
    from crmsync_dynamics.story import OrgStory  # noqa: PLC0415

    return Org, Server, OrgStory


simulate = simulation(_parts, ("url", "token_url", "tenant_id", "client_id", "client_secret", "ca_file"))
