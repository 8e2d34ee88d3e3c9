"""Running the simulator as a process of its own: a ready line, and then service until a signal ends it."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from typing import Any

from crmsync.clock import SetClock
from crmsync.simulate import serve_until_signal
from crmsync_dynamics.simulator.org import Org
from crmsync_dynamics.simulator.server import Server


async def serve(
    *, port: int = 0, records: int = 5000, seed: int = 7, tls: bool = False, users: bool = False, **more: Any
) -> None:
    """Make an environment, print its ready line, and serve it until SIGTERM or SIGINT.

    `more` are further arguments of Org: big_account, duplicates, page_size, change_tracking_days and so on.
    The clock runs with the machine's and can be moved over the control path.
    """
    org = Org(records, seed, clock=SetClock(running=True), **more)
    async with Server(org, tls=tls, port=port, users=users) as server:
        await serve_until_signal(server.ready)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line of the simulator alone."""
    parser = argparse.ArgumentParser(prog="python -m crmsync_dynamics.simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--records", type=int, default=5000, help="contacts beside those of the big account")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--tls", action="store_true", help="serve https with a certificate made on the spot")
    parser.add_argument("--users", action="store_true", help="list further users in the ready line")
    parser.add_argument("--big", type=int, default=0, help="contacts of one more, big account")
    parser.add_argument("--change-tracking-days", type=int, default=7)
    chosen = vars(parser.parse_args(arguments))
    chosen["big_account"] = chosen.pop("big")
    asyncio.run(serve(**chosen))
