"""Conditions that are tested here, because a read of changes takes none."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from crmsync.model import Condition, Value

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda value, limit: value < limit,
    "<=": lambda value, limit: value <= limit,
    ">": lambda value, limit: value > limit,
    ">=": lambda value, limit: value >= limit,
}


def failing(one: Condition, column: Sequence[Value]) -> set[int]:
    """The places in a column of canonical values that fail a condition; texts are compared as the vendor does."""
    wanted = {_folded(value) for value in (one.value if isinstance(one.value, tuple) else (one.value,))}
    if one.op in ("=", "in"):
        return {at for at, value in enumerate(column) if _folded(value) not in wanted}
    if one.op == "!=":
        return {at for at, value in enumerate(column) if _folded(value) in wanted}
    compare, limit = _ORDER[one.op], next(iter(wanted))
    return {at for at, value in enumerate(column) if value is None or not _compared(compare, _folded(value), limit)}


def _folded(value: Value) -> Value:
    return value.casefold() if isinstance(value, str) else value


def _compared(compare: Callable[[Any, Any], bool], value: Value, limit: Value) -> bool:
    if isinstance(value, str) is not isinstance(limit, str):
        value, limit = float(value or 0), float(limit or 0)
    return compare(value, limit)
