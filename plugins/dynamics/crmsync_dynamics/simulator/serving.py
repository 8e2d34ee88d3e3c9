"""Running the simulator as a process of its own: a ready line, and then service until a signal ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from crmsync.simulate import serve_org, serving_options
from crmsync_dynamics.simulator.org import Org
from crmsync_dynamics.simulator.server import Server


async def serve(**chosen: Any) -> None:
    """Make an environment, print its ready line, and serve it until SIGTERM or SIGINT.

    `chosen` are what `serve_org` takes, and further arguments of Org:
    big_account, duplicates, page_size, change_tracking_days and so on.
    """
    await serve_org(Org, Server, **chosen)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line of the simulator alone."""
    parser = serving_options("crmsync_dynamics.simulator", str(__doc__))
    parser.add_argument("--change-tracking-days", type=int, default=7)
    asyncio.run(serve(**vars(parser.parse_args(arguments))))
