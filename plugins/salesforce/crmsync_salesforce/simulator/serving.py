"""Running the simulator as a process of its own: a ready line, and then service until a signal ends it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from crmsync.simulate import serve_org, serving_options
from crmsync_salesforce.simulator.org import Org
from crmsync_salesforce.simulator.server import Server


async def serve(**chosen: Any) -> None:
    """Make an org, print its ready line, and serve it until SIGTERM or SIGINT.

    `chosen` are what `serve_org` takes, and further arguments of Org:
    big_account, person_accounts, duplicates, api_version, commit_lag and so on.
    """
    await serve_org(Org, Server, **chosen)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line of the simulator alone."""
    parser = serving_options("crmsync_salesforce.simulator", str(__doc__))
    parser.add_argument("--person-accounts", type=int, default=0)
    parser.add_argument("--api-version", default="62.0")
    parser.add_argument("--commit-lag", type=float, default=0)
    parser.add_argument("--daily-limit", type=int, default=100_000)
    asyncio.run(serve(**vars(parser.parse_args(arguments))))
