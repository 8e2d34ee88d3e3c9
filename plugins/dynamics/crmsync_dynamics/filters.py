"""Conditions that are tested here, because a read of changes takes none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from crmsync.model import Condition, Row, Value

Test = Callable[[Row], bool]

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
}


def test_of(one: Condition, at: int) -> Test:
    """The test of a condition on the column at a place of canonical rows; texts are compared as the vendor does."""
    wanted = {_folded(value) for value in (one.value if isinstance(one.value, tuple) else (one.value,))}
    if one.op in ("=", "in"):
        return lambda row: _folded(row[at]) in wanted
    if one.op == "!=":
        return lambda row: _folded(row[at]) not in wanted
    compare, limit = _ORDER[one.op], next(iter(wanted))
    return lambda row: row[at] is not None and _compared(compare, _folded(row[at]), limit)


def _folded(value: Value) -> Value:
    return value.casefold() if isinstance(value, str) else value


def _compared(compare: Callable[[Any, Any], bool], value: Value, limit: Value) -> bool:
    if isinstance(value, str) is not isinstance(limit, str):
        value, limit = float(value or 0), float(limit or 0)
    return compare(value, limit)


def outside(rows: Sequence[Row], tests: Sequence[Test]) -> set[int]:
    """The places of rows that fail a test."""
    if not tests:
        return set()
    return {at for at, row in enumerate(rows) if not all(test(row) for test in tests)}
