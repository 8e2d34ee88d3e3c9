"""Date literals: what TODAY or LAST_N_DAYS:3 mean at a given moment, as a half-open span."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from crmsync_salesforce.simulator import moments
from crmsync_salesforce.simulator.errors import Refusal

Span = tuple[datetime, datetime]


def _week(now: datetime, ahead: int) -> Span:
    start = moments.day(now) - moments.days((now.weekday() + 1) % 7) + moments.days(7 * ahead)
    return start, start + moments.days(7)


def _days(now: datetime, first: int, last: int) -> Span:
    today = moments.day(now)
    return today + moments.days(first), today + moments.days(last)


def _months(now: datetime, first: int, last: int) -> Span:
    return moments.month(now, first), moments.month(now, last)


def _quarter(now: datetime, ahead: int) -> Span:
    start = -((now.month - 1) % 3) + 3 * ahead
    return _months(now, start, start + 3)


def _year(now: datetime, ahead: int) -> Span:
    start = 1 - now.month + 12 * ahead
    return _months(now, start, start + 12)


_FIXED: dict[str, Callable[[datetime], Span]] = {
    "YESTERDAY": lambda now: _days(now, -1, 0),
    "TODAY": lambda now: _days(now, 0, 1),
    "TOMORROW": lambda now: _days(now, 1, 2),
    "LAST_WEEK": lambda now: _week(now, -1),
    "THIS_WEEK": lambda now: _week(now, 0),
    "NEXT_WEEK": lambda now: _week(now, 1),
    "LAST_MONTH": lambda now: _months(now, -1, 0),
    "THIS_MONTH": lambda now: _months(now, 0, 1),
    "NEXT_MONTH": lambda now: _months(now, 1, 2),
    "LAST_90_DAYS": lambda now: _days(now, -90, 1),
    "NEXT_90_DAYS": lambda now: _days(now, 1, 91),
    "LAST_QUARTER": lambda now: _quarter(now, -1),
    "THIS_QUARTER": lambda now: _quarter(now, 0),
    "NEXT_QUARTER": lambda now: _quarter(now, 1),
    "LAST_YEAR": lambda now: _year(now, -1),
    "THIS_YEAR": lambda now: _year(now, 0),
    "NEXT_YEAR": lambda now: _year(now, 1),
}
_COUNTED: dict[str, Callable[[datetime, int], Span]] = {
    "LAST_N_DAYS": lambda now, n: _days(now, -n, 1),
    "NEXT_N_DAYS": lambda now, n: _days(now, 1, n + 1),
    "N_DAYS_AGO": lambda now, n: _days(now, -n, 1 - n),
    "LAST_N_WEEKS": lambda now, n: (_week(now, -n)[0], _week(now, -1)[1]),
    "NEXT_N_WEEKS": lambda now, n: (_week(now, 1)[0], _week(now, n)[1]),
    "LAST_N_MONTHS": lambda now, n: _months(now, -n, 0),
    "NEXT_N_MONTHS": lambda now, n: _months(now, 1, n + 1),
    "LAST_N_QUARTERS": lambda now, n: (_quarter(now, -n)[0], _quarter(now, -1)[1]),
    "LAST_N_YEARS": lambda now, n: (_year(now, -n)[0], _year(now, -1)[1]),
}


def span(word: str, now: datetime) -> Span:
    """The span a date literal covers; raises MALFORMED_QUERY for a word that is none."""
    name, _, count = word.partition(":")
    if not count and name in _FIXED:
        return _FIXED[name](now)
    if count and name in _COUNTED:
        return _COUNTED[name](now, int(count))
    raise Refusal("MALFORMED_QUERY", f"unexpected token: '{word}'")
