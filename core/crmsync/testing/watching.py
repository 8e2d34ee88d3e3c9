"""Whether everything else on the loop goes on while hooks work."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

LONGEST_BLOCK = 0.5  # seconds
TURN = 0.01


@asynccontextmanager
async def watched() -> AsyncIterator[Callable[[], Awaitable[None]]]:
    """Fail if the loop stood still meanwhile. What is yielded lets the watch take its turn between two calls."""
    longest = 0.0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = time.monotonic()
            await asyncio.sleep(TURN)
            longest = max(longest, time.monotonic() - before)

    async def turn() -> None:
        await asyncio.sleep(2 * TURN)

    watching = asyncio.create_task(watch())
    try:
        await turn()
        yield turn
        await turn()
    finally:
        watching.cancel()
    assert longest < LONGEST_BLOCK, f"a hook held the loop for {longest:.2f} s: make it plain, or let it await"
