"""Service protection: how many requests of one user fit into a window, and how many at once."""

from __future__ import annotations

from collections import deque
from math import ceil

from msgspec import Struct, field

from crmsync_dynamics.simulator.errors import Refusal
from crmsync_dynamics.simulator.state import Settings

_HARSHER = 2


class Throttle(Struct):
    """The requests of each user in the present window; who does not wait as told is told to wait longer."""

    begun: dict[str, deque[float]] = field(default_factory=dict)
    running: dict[str, int] = field(default_factory=dict)
    waits: dict[str, tuple[float, int]] = field(default_factory=dict)  # until when, and how long was said

    def enter(self, user: str, now: float, settings: Settings) -> int:
        """Count a request in, and how many are left; raises the refusal with `Retry-After` where there are too many."""
        if self.running.get(user, 0) >= settings.concurrency_limit:
            raise _refused("0x80072326", f"concurrent requests exceeded the limit of {settings.concurrency_limit}.", 2)
        begun = self.begun.setdefault(user, deque())
        while begun and begun[0] <= now - settings.request_window:
            begun.popleft()
        until, said = self.waits.get(user, (0.0, 0))
        if now < until or len(begun) >= settings.request_limit:
            first = begun[0] if begun else now
            wait = max(1, ceil(first + settings.request_window - now), said * _HARSHER if now < until else 0)
            wait = min(wait, settings.request_window)
            self.waits[user] = (now + wait, wait)
            raise _refused(
                "0x80072322",
                f"requests exceeded the limit of {settings.request_limit} over time window of "
                f"{settings.request_window} seconds.",
                wait,
            )
        begun.append(now)
        self.running[user] = self.running.get(user, 0) + 1
        return settings.request_limit - len(begun)

    def leave(self, user: str) -> None:
        """Count a request out."""
        self.running[user] = self.running.get(user, 1) - 1


def _refused(code: str, what: str, wait: int) -> Refusal:
    return Refusal(code, f"Number of {what}", Retry_After=str(wait))


def time_exceeded(wait: int) -> Refusal:
    """The refusal of a user whose requests have run for too long together."""
    return Refusal(
        "0x80072321",
        "Combined execution time of incoming requests exceeded limit of 1,200,000 milliseconds over time window of 300 "
        "seconds. Decrease number of concurrent requests or reduce the duration of requests and try again later.",
        Retry_After=str(wait),
    )
