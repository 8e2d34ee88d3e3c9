"""Answers as a connector's client hands them on, at the server's own time."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from msgspec import Struct

from crmsync.hookspecs import Context
from crmsync.http import Response


class Answer(Struct, frozen=True):
    """A good answer: its body, when it was asked for by the server's clock, and what it cost."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    asked_at: datetime
    calls: int = 1
    bytes: int = 0


class Asker(Struct, kw_only=True):
    """The part of a client that counts calls, and learns the server's time from what it answers."""

    context: Context
    calls: int = 0
    offset: timedelta = timedelta()

    def now(self) -> datetime:
        """The server's time, from its last answer."""
        return self.context.clock.now() + self.offset

    def note(self, response: Response) -> None:
        """Set the server's time; its date is of the answer's beginning, so that the offset is taken low."""
        if (date := response.date) is not None:
            self.offset = date - self.context.clock.now()

    def asked_at(self, response: Response) -> datetime:
        """When the question was sent, by the server's clock."""
        return self.now() - timedelta(seconds=response.seconds)
