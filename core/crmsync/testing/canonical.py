"""Whether a value is in the canonical form of its type."""

from __future__ import annotations

import math
import re

from crmsync.model import Field, Type, Value

SHAPES = {
    Type.DATE: re.compile(r"\d{4}-\d\d-\d\d"),
    Type.DATETIME: re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"),
    Type.TIME: re.compile(r"\d\d:\d\d:\d\d\.\d{3}"),
}
LONG_DECIMAL = re.compile(r"-?\d+(\.\d+)?")
DIGITS = 15


def problem(value: Value, field: Field) -> str:
    """What is wrong with a value of this field; empty if it is canonical."""
    if value is None or _is_canonical(value, field.type):
        return ""
    return f"{field.name} is {value!r}, which is not the canonical form of type {field.type}"


def _is_canonical(value: Value, kind: Type) -> bool:
    if kind is Type.BOOLEAN:
        return isinstance(value, bool)
    if kind is Type.INTEGER:
        return isinstance(value, int) and not isinstance(value, bool)
    if kind is Type.DECIMAL:
        return _is_decimal(value)
    if not isinstance(value, str) or not value or "\0" in value:
        return False
    if kind is Type.MULTI:
        return value == ";".join(sorted(set(value.split(";"))))
    return kind not in SHAPES or SHAPES[kind].fullmatch(value) is not None


def _is_decimal(value: Value) -> bool:
    if isinstance(value, str):
        digits = value.lstrip("-0").replace(".", "")
        return LONG_DECIMAL.fullmatch(value) is not None and len(digits) > DIGITS
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
