"""Moments as the org stores them: whole seconds in UTC, in the vendor's REST spelling, which sorts as text."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

SUFFIX = "+0000"
_OFFSET = re.compile(r"([+-]\d\d)(\d\d)$")


def spell(moment: datetime) -> str:
    """The stored text of a moment, at millisecond resolution."""
    utc = moment.astimezone(UTC)
    return f"{utc:%Y-%m-%dT%H:%M:%S}.{utc.microsecond // 1000:03d}{SUFFIX}"


def whole(moment: datetime) -> datetime:
    """The moment cut to its second, as stamps are."""
    return moment.replace(microsecond=0)


def read(text: str) -> datetime:
    """The moment of an ISO 8601 text with a zone; raises ValueError for anything else."""
    parsed = datetime.fromisoformat(_OFFSET.sub(r"\1:\2", text))
    if parsed.tzinfo is None:
        raise ValueError(text)
    return parsed.astimezone(UTC)


def zulu(text: str) -> str:
    """The stored text in the spelling of bulk CSV."""
    return text.removesuffix(SUFFIX) + "Z"


def day(moment: datetime) -> datetime:
    """Midnight of the moment's day."""
    return moment.replace(hour=0, minute=0, second=0, microsecond=0)


def month(moment: datetime, ahead: int = 0) -> datetime:
    """Midnight of the first day of the month that many months on."""
    months = moment.year * 12 + moment.month - 1 + ahead
    return day(moment).replace(year=months // 12, month=months % 12 + 1, day=1)


def days(count: int) -> timedelta:
    """That many days."""
    return timedelta(days=count)
