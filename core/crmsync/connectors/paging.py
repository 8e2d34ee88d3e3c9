"""What reads by pages share: what a page cost, the question for the next one asked ahead, and questions made short."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Iterator
from contextlib import suppress
from typing import Protocol, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from crmsync.model import Page


class Paid(Protocol):
    """An answer with what it cost."""

    @property
    def calls(self) -> int:
        """Calls that were made for it."""

    @property
    def bytes(self) -> int:
        """Bytes that were received."""


P = TypeVar("P", bound=Paid)
T = TypeVar("T")


class Meter(Struct):
    """What a read cost since its last page."""

    calls: int = 0
    bytes: int = 0

    def add(self, answer: P) -> P:
        """Count an answer, and hand it on."""
        self.calls += answer.calls
        self.bytes += answer.bytes
        return answer

    def on(self, page: Page) -> Page:
        """The page with the cost so far, which is counted from zero again."""
        paid = replace(page, calls=self.calls, bytes=self.bytes)
        self.calls = self.bytes = 0
        return paid


async def abandon(ahead: asyncio.Task[T] | None) -> None:
    """End what was asked ahead and nobody waits for any more, whatever it would have said."""
    if ahead is not None:
        ahead.cancel()
        with suppress(asyncio.CancelledError, Exception):
            await ahead


async def in_order(asks: Iterable[Callable[[], Awaitable[T]]], most: int) -> AsyncGenerator[T, None]:
    """The answers to questions, in their order; up to `most` questions are under way at once."""
    under_way: deque[asyncio.Task[T]] = deque()
    try:
        for ask in asks:
            under_way.append(asyncio.ensure_future(ask()))
            if len(under_way) >= most:
                yield await under_way.popleft()
        while under_way:
            yield await under_way.popleft()
    finally:
        for one in under_way:
            await abandon(one)


def packed(items: Iterable[T], size: Callable[[T], int], room: int, most: int = 100_000) -> Iterator[tuple[T, ...]]:
    """Items in groups of at most `most`, each as large as has room; one that is larger goes alone."""
    group: list[T] = []
    used = 0
    for one in items:
        its = size(one)
        if group and (used + its > room or len(group) >= most):
            yield tuple(group)
            group, used = [], 0
        group.append(one)
        used += its
    if group:
        yield tuple(group)
