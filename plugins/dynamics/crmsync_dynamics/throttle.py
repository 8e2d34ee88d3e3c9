"""How many requests run at once, and the pauses in which none of them begins."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Self

MOST = 51
"""Requests at once that the vendor takes from one user; it refuses one more."""


class Throttle:
    """A gate for all requests of one user. After a pause it opens for fewer at once, and widens with good answers."""

    def __init__(self, most: int) -> None:
        self._most = self._wanted = min(most, MOST)
        self._width = float(self._most)
        self._running = 0
        self._until = 0.0
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def width(self) -> int:
        """Requests that may run at once now."""
        return max(1, int(min(self._width, self._wanted)))

    def hint(self, text: str) -> None:
        """Take the server's advice on how many requests to make at once; the settings' cap stays."""
        if text.strip().isdigit() and int(text) > 0:
            self._wanted = min(self._most, int(text))

    def pause(self, seconds: float) -> None:
        """Begin no request for so long, and fewer at once after it."""
        self._until = max(self._until, time.monotonic() + seconds)
        self._width = max(1.0, self.width / 2)

    def good(self) -> None:
        """Note an answer that was no refusal."""
        self._width = min(float(self._most), self._width + 1 / self._width)

    async def __aenter__(self) -> Self:
        """Wait for a turn."""
        while True:
            if (rest := self._until - time.monotonic()) > 0:
                await asyncio.sleep(rest)
            elif self._running < self.width:
                self._running += 1
                return self
            else:
                waiter = asyncio.get_running_loop().create_future()
                self._waiting.append(waiter)
                await waiter

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let whoever waits look again."""
        self._running -= 1
        waiting, self._waiting = self._waiting, []
        for one in waiting:
            if not one.done():
                one.set_result(None)
