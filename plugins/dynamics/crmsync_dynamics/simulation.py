"""The simulated environment as the demo and `crmsync simulate` run it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from crmsync.clock import SetClock
from crmsync.hookspecs import Simulation


@asynccontextmanager
async def simulate(
    *, port: int = 0, records: int = 5000, seed: int = 7, tls: bool = False, users: bool = False, big: int = 0
) -> AsyncIterator[Simulation]:
    """A running environment with `records` contacts beside those of one account with `big` ones."""
    # The simulator's parser and server are what only a simulation needs.
    from crmsync_dynamics.simulator import Org, Server  # noqa: PLC0415
    from crmsync_dynamics.story import OrgStory  # noqa: PLC0415

    org = Org(records, seed, big_account=big, clock=SetClock(running=True))
    async with Server(org, tls=tls, port=port, users=users) as server:
        ready = server.ready
        names = ("url", "token_url", "tenant_id", "client_id", "client_secret", "ca_file")
        reach = {name: ready[name] for name in names if name in ready}
        yield Simulation(settings=reach, ready=ready, story=OrgStory(org, big=big))
