"""The line by which a simulator says that it is ready, and the wait for the signal that ends it."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Mapping
from typing import Any


def print_ready(values: Mapping[str, Any]) -> None:
    """Print one JSON line and flush it, so that a parent process can read it at once."""
    sys.stdout.write(json.dumps(values, ensure_ascii=False) + "\n")
    sys.stdout.flush()


async def serve_until_signal(ready: Mapping[str, Any]) -> None:
    """Print the ready line and return when the process is asked to stop by SIGTERM or SIGINT."""
    end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.set)
    try:
        print_ready(ready)  # after the handlers, because a signal may follow at once
        await end.wait()
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
