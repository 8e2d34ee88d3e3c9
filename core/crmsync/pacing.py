"""Pacing: how long to wait before trying again, one attempt for many who wait, and the day's budget of calls.

When calls are short, whoever has the better claim goes on: actions, then pushes, then pulls. The claim belongs to the
task that makes the calls, and to the tasks it begins, so that a connector asks its budget and nothing else.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Generic, TypeVar

from msgspec import Struct, field

from crmsync.errors import QuotaKept, QuotaSpent

T = TypeVar("T")


class Claim(Struct, frozen=True):
    """What calls are made for, and which part of the share such work may use up: the rest is kept for better ones."""

    name: str
    part: float = 1.0


class Claims(Struct, frozen=True, kw_only=True):
    """The claims of one connection, from the weakest to the best."""

    pulls: Claim = Claim("pulls", 0.9)
    pushes: Claim = Claim("pushes", 0.95)
    actions: Claim = Claim("actions")


_claim: ContextVar[Claim] = ContextVar("claim", default=Claims().actions)


def claimed() -> Claim:
    """The claim under which calls are made here."""
    return _claim.get()


@contextmanager
def claiming(claim: Claim) -> Iterator[None]:
    """Whatever is asked of a CRM inside, also by tasks begun inside, is asked under this claim.

    Outside of any, calls may use up the whole share, as what a person asks for does.
    """
    before = _claim.set(claim)
    try:
        yield
    finally:
        _claim.reset(before)


class Backoff(Struct, frozen=True):
    """Waits with jitter: up to `first` seconds, doubled each time, at most `longest`; `attempts` attempts in all."""

    first: float = 1.0
    longest: float = 60.0
    attempts: int = 5

    def delay(self, attempt: int, asked: float | None = None) -> float:
        """Seconds to wait after attempt number `attempt` (from 1); what the server asked for is obeyed exactly."""
        if asked is not None:
            return asked
        ceiling = min(self.longest, self.first * 2.0 ** min(attempt - 1, 30))
        return random.uniform(ceiling / 10, ceiling)

    def left(self, attempt: int) -> bool:
        """Whether another attempt may follow attempt number `attempt`."""
        return attempt < self.attempts


class SingleFlight(Generic[T]):
    """Runs one piece of work for all who ask while it runs; they share its result or its error.

    It runs under the claim of whoever asked first. Where that is too weak for its calls, the others try under theirs.
    """

    def __init__(self) -> None:
        self._running: asyncio.Task[T] | None = None

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """The result of the work that runs, or of `work`, begun now. A caller that is cancelled stops no other."""
        joined = self._running
        if joined is None:
            self._running = asyncio.ensure_future(self._work(work))
            self._running.add_done_callback(self._done)
            return await asyncio.shield(self._running)
        try:
            return await asyncio.shield(joined)
        except QuotaKept:
            return await self.run(work)

    @property
    def runs(self) -> bool:
        """Whether it is under way."""
        return self._running is not None

    async def _work(self, work: Callable[[], Awaitable[T]]) -> T:
        return await work()

    def _done(self, task: asyncio.Task[T]) -> None:
        self._running = None
        if not task.cancelled():
            task.exception()  # looked at, so that nobody is told of an error nobody waited for


class Flights(Generic[T]):
    """Single flights by name."""

    def __init__(self) -> None:
        self._known: dict[str, SingleFlight[T]] = {}

    async def run(self, name: str, work: Callable[[], Awaitable[T]]) -> T:
        """As `SingleFlight.run`, for all who ask for this name."""
        return await self._known.setdefault(name, SingleFlight()).run(work)

    def runs(self, name: str) -> bool:
        """Whether the work for this name is under way."""
        return name in self._known and self._known[name].runs


FIGURES_AGE = 900.0
"""Seconds after which the server's figures refuse nothing any more: only a call can find out what is free again."""


class Budget(Struct):
    """The share of a daily allowance of calls that may be used, whoever else uses the allowance too.

    `used` and `limit` are what the server said last; `pending` are calls that it has not yet counted for us.
    """

    share: float = 0.8
    used: int | None = None
    limit: int | None = None
    pending: int = field(default=0)
    told_at: float = field(default=0.0)
    monotonic: Callable[[], float] = time.monotonic

    @property
    def allowed(self) -> int | None:
        """Calls a day that may be used up by all; None while the limit is unknown."""
        return None if self.limit is None else int(self.limit * self.share)

    @property
    def left(self) -> int | None:
        """Calls that may still be made; None while the limit is unknown."""
        if self.allowed is None or self.used is None:
            return None
        return max(0, self.allowed - self.used - self.pending)

    def reserve(self, calls: int = 1) -> None:
        """Take calls before they are made, under the claim of whoever asks.

        Raises QuotaSpent, taking none, where they would pass the share; QuotaKept where what is left of it is kept
        for better claims.
        """
        refusal = self._refusal(calls, _claim.get())
        if refusal is not None:
            if self.monotonic() - self.told_at < FIGURES_AGE:
                raise refusal
            self.used = self.limit = None
        self.pending += calls

    def _refusal(self, calls: int, claim: Claim) -> QuotaSpent | None:
        allowed, left = self.allowed, self.left
        if allowed is None or left is None:
            return None
        said = f"{self.used:,} of {self.limit:,} API calls of the last 24 hours are used"
        if left < calls:
            return QuotaSpent(
                f"{said}, and the share of {self.share:.0%} is not passed.",
                hint="The sync goes on by itself when calls are free again; `quota_share` sets the share.",
                code="quota",
            )
        over = calls - (left - allowed + int(allowed * claim.part))
        if over <= 0:
            return None
        return QuotaKept(
            f"{said}: the rest of the share is not for {claim.name}.",
            hint="It goes on by itself when calls are free again; `quota_pulls` and `quota_pushes` set what is kept.",
            code="quota",
            over=over,
        )

    def settle(self, calls: int = 1) -> None:
        """The calls reserved are over; what they cost is in the server's figures, or is counted here."""
        self.pending = max(0, self.pending - calls)

    def tell(self, used: int, limit: int) -> None:
        """Take over the server's figures; answers that overtook each other never lower the use by a few."""
        self.told_at = self.monotonic()
        if self.used is None or self.limit != limit or used > self.used or self.used - used > max(100, self.pending):
            self.used, self.limit = used, limit

    def count(self, calls: int = 1) -> None:
        """Count calls ourselves, where the server does not tell with each answer."""
        if self.used is not None:
            self.used += calls
