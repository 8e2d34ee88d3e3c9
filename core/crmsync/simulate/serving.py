"""Running a simulator as a process of its own: a ready line, and then service until a signal ends it."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

from crmsync.clock import SetClock
from crmsync.simulate.ready import serve_until_signal
from crmsync.simulate.server import Server


async def serve_org(
    org: Callable[..., Any],
    server: Callable[..., Server[Any, Any]],
    *,
    port: int = 0,
    records: int = 5000,
    seed: int = 7,
    tls: bool = False,
    users: bool = False,
    **more: Any,
) -> None:
    """Make an org of `more` too, print its ready line, and serve it until SIGTERM or SIGINT.

    The clock runs with the machine's and can be moved over the control path.
    """
    made = org(records, seed, clock=SetClock(running=True), **more)
    async with server(made, tls=tls, port=port, users=users) as running:
        await serve_until_signal(running.ready)


def serving_options(module: str, description: str) -> argparse.ArgumentParser:
    """The options of every simulator's command line, by the names of what `serve_org` takes."""
    parser = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--records", type=int, default=5000, help="contacts beside those of the big account")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--tls", action="store_true", help="serve https with a certificate made on the spot")
    parser.add_argument("--users", action="store_true", help="list further users in the ready line")
    parser.add_argument("--big", type=int, default=0, dest="big_account", help="contacts of one more, big account")
    return parser
