"""A connector's simulator as the demo and `crmsync simulate` run it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from crmsync.clock import SetClock
from crmsync.hookspecs import Simulation, Story

Parts = tuple[Callable[..., Any], Callable[..., AbstractAsyncContextManager[Any]], Callable[..., Story]]
"""How an org is made, how it is served, and what happens in it."""


def simulation(
    parts: Callable[[], Parts], reach: Sequence[str]
) -> Callable[..., AbstractAsyncContextManager[Simulation]]:
    """The `simulate` of a `System`. `reach` are the keys of the ready line by which a connection is configured.

    `parts` imports what only a simulation needs; it is called when one begins.
    """

    @asynccontextmanager
    async def simulate(
        *, port: int = 0, records: int = 5000, seed: int = 7, tls: bool = False, users: bool = False, big: int = 0
    ) -> AsyncIterator[Simulation]:
        """A running org with `records` contacts beside those of one account with `big` ones."""
        make, serve, story = parts()
        org = make(records, seed, big_account=big, clock=SetClock(running=True))
        async with serve(org, tls=tls, port=port, users=users) as server:
            ready = server.ready
            settings = {name: ready[name] for name in reach if name in ready}
            yield Simulation(settings=settings, ready=ready, story=story(org, big=big))

    return simulate
