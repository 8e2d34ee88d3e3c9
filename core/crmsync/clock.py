"""The one clock of engine and simulators, so that a test can set the time of both.

Only wall-clock time goes through here. Durations are measured with `time.monotonic`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """Anything that knows the time."""

    def now(self) -> datetime:
        """The time as an aware UTC datetime."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> datetime:
        """The time as an aware UTC datetime."""
        return datetime.now(UTC)


class SetClock:
    """A clock that stands still, or runs on from a moment that was set.

    `set` and `advance` move it; with `running` it goes on from there at the machine's pace.
    """

    def __init__(self, start: datetime | None = None, *, running: bool = False) -> None:
        self._machine = SystemClock()
        self._running = running
        self._base = self._at = self._machine.now()
        self.set(start or self._base)

    def now(self) -> datetime:
        """The time as an aware UTC datetime."""
        if self._running:
            return self._base + (self._machine.now() - self._at)
        return self._base

    def set(self, moment: datetime) -> None:
        """Move to `moment`, which must be aware."""
        if moment.tzinfo is None:
            raise ValueError("a clock is set to an aware datetime, for example one with tzinfo=UTC")
        self._base, self._at = moment.astimezone(UTC), self._machine.now()

    def advance(self, by: timedelta) -> None:
        """Move on by `by` from the present moment."""
        self.set(self.now() + by)


def stamp(moment: datetime) -> str:
    """The canonical text of a moment: UTC, milliseconds, `Z` ("2026-01-02T03:04:05.000Z")."""
    if moment.tzinfo is None:
        raise ValueError("only an aware datetime has a canonical text")
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def moment(text: str) -> datetime:
    """The aware UTC datetime of an ISO 8601 text; a text without an offset is taken as UTC."""
    parsed = datetime.fromisoformat(text)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)
