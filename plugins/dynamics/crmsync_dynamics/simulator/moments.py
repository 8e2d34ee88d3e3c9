"""Moments as the environment stores them: whole seconds in UTC, in the Web API's spelling, which sorts as text."""

from __future__ import annotations

from datetime import UTC, date, datetime


def spell(moment: datetime) -> str:
    """The stored text of a moment."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def read(text: str) -> datetime:
    """The moment of an ISO 8601 text; one without a zone is UTC. Raises ValueError for anything else."""
    parsed = datetime.fromisoformat(text)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def canonical(text: str) -> str:
    """The stored text of an ISO 8601 text; raises ValueError."""
    return spell(read(text))


def day(text: str) -> str:
    """The stored text of a plain date; raises ValueError for anything with a time."""
    return date.fromisoformat(text).isoformat()
