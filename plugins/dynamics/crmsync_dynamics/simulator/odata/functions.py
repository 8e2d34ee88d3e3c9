"""The vendor's own query functions, and matching of texts with its wildcards."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from crmsync_dynamics.simulator import moments
from crmsync_dynamics.simulator.errors import bad_syntax
from crmsync_dynamics.simulator.fields import Row
from crmsync_dynamics.simulator.odata.paths import Getter, Reach

Condition = Callable[[Row], bool]
Make = Callable[[Reach, Getter, Sequence[Any]], Condition]


def number(text: str) -> Decimal:
    """The number a text spells; raises the refusal of any other text."""
    try:
        return Decimal(text)
    except InvalidOperation as error:
        raise bad_syntax() from error


def matches(name: str, getter: Getter, text: str) -> Condition:
    """Whether a text contains, begins or ends with another one, without case; `%` and `_` stand for anything."""
    wild = "".join(".*" if char == "%" else "." if char == "_" else re.escape(char) for char in text)
    head = "" if name == "startswith" else ".*"
    tail = "" if name == "endswith" else ".*"
    pattern = re.compile(f"{head}{wild}{tail}", re.IGNORECASE | re.DOTALL)
    return lambda row: (value := getter(row)) is not None and pattern.fullmatch(value) is not None


def _within(*, wanted: bool) -> Make:
    def make(reach: Reach, getter: Getter, values: Sequence[Any]) -> Condition:
        del reach
        known = frozenset(values)
        if wanted:
            return lambda row: (value := getter(row)) is not None and value in known
        return lambda row: getter(row) not in known

    return make


def _between(*, wanted: bool) -> Make:
    def make(reach: Reach, getter: Getter, values: Sequence[Any]) -> Condition:
        del reach
        if len(values) != 2:  # noqa: PLR2004 - a low and a high end
            raise bad_syntax()
        low, high = values
        return lambda row: (value := getter(row)) is not None and (low <= value <= high) == wanted

    return make


def _contain(*, wanted: bool) -> Make:
    def make(reach: Reach, getter: Getter, values: Sequence[Any]) -> Condition:
        del reach
        known = frozenset(map(str, values))
        if wanted:
            return lambda row: (value := getter(row)) is not None and not known.isdisjoint(value.split(","))
        return lambda row: (value := getter(row)) is None or known.isdisjoint(value.split(","))

    return make


def _on(judge: Callable[[str, str], bool]) -> Make:
    def make(reach: Reach, getter: Getter, values: Sequence[Any]) -> Condition:
        del reach
        day = str(values[0])[:10] if values else ""
        return lambda row: (value := getter(row)) is not None and judge(value[:10], day)

    return make


def _last(**unit: int) -> Make:
    def make(reach: Reach, getter: Getter, values: Sequence[Any]) -> Condition:
        now = reach.state.now()
        low = moments.spell(now - timedelta(**unit) * int(values[0] if values else 1))
        high = moments.spell(now)
        return lambda row: (value := getter(row)) is not None and low <= value <= high

    return make


def _caller(*, wanted: bool) -> Make:
    def make(reach: Reach, getter: Getter, values: Sequence[Any]) -> Condition:
        del values
        return lambda row: (getter(row) == reach.user.user_id) == wanted

    return make


FUNCTIONS: dict[str, Make] = {
    "In": _within(wanted=True),
    "NotIn": _within(wanted=False),
    "Between": _between(wanted=True),
    "NotBetween": _between(wanted=False),
    "ContainValues": _contain(wanted=True),
    "DoesNotContainValues": _contain(wanted=False),
    "On": _on(lambda value, day: value == day),
    "OnOrAfter": _on(lambda value, day: value >= day),
    "OnOrBefore": _on(lambda value, day: value <= day),
    "LastXDays": _last(days=1),
    "LastXHours": _last(hours=1),
    "EqualUserId": _caller(wanted=True),
    "NotEqualUserId": _caller(wanted=False),
}
TYPED = frozenset({"In", "NotIn", "Between", "NotBetween"})
"""The functions whose values are of the column's type."""
