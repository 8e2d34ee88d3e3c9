"""The simulated org as the demo and `crmsync simulate` run it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from crmsync.clock import SetClock
from crmsync.hookspecs import Simulation


@asynccontextmanager
async def simulate(
    *, port: int = 0, records: int = 5000, seed: int = 7, tls: bool = False, users: bool = False, big: int = 0
) -> AsyncIterator[Simulation]:
    """A running org with `records` contacts beside those of one account with `big` ones."""
    # A tenth of a sync's start goes into the simulator's parser and server, which only a simulation needs.
    from crmsync_salesforce.simulator import Org, Server  # noqa: PLC0415
    from crmsync_salesforce.story import OrgStory  # noqa: PLC0415

    org = Org(records, seed, big_account=big, clock=SetClock(running=True))
    async with Server(org, tls=tls, port=port, users=users) as server:
        ready = server.ready
        reach = {
            key: ready[key] for key in ("url", "client_id", "client_secret", "username", "password", "security_token")
        }
        if "ca_file" in ready:
            reach["ca_file"] = ready["ca_file"]
        yield Simulation(settings=reach, ready=ready, story=OrgStory(org, big=big))
