"""Rows that are being written to the CRM just now: a cycle and the actions of a person never send one row at once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager


class Flight:
    """The rows of one connection that are under way, by entity and number; writes by their keys."""

    def __init__(self) -> None:
        self._held: set[tuple[str, int | str]] = set()
        self._freed = asyncio.Condition()

    def holds(self, entity: str, row: int | str) -> bool:
        """Whether a row is under way just now."""
        return (entity, row) in self._held

    @asynccontextmanager
    async def hold(self, entity: str, rows: Iterable[int | str]) -> AsyncIterator[None]:
        """Wait until nobody else has any of these rows, then have them all."""
        wanted = {(entity, row) for row in rows}
        async with self._freed:
            await self._freed.wait_for(lambda: not wanted & self._held)
            self._held |= wanted
        try:
            yield
        finally:
            self._held -= wanted
            async with self._freed:
                self._freed.notify_all()
