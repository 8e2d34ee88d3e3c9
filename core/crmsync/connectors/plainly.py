"""Canonical values as JSON. What is none of its type is refused before it can spoil a whole call."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from crmsync.model import Type, Value

_SHAPES = {
    Type.DATE: re.compile(r"\d{4}-\d\d-\d\d\Z"),
    Type.DATETIME: re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z\Z"),
    Type.TIME: re.compile(r"\d\d:\d\d:\d\d(\.\d{1,3})?\Z"),
    Type.DECIMAL: re.compile(r"-?\d+(\.\d+)?\Z"),
}
_encode = msgspec.json.Encoder().encode


class Unfit(ValueError):
    """A value that is not one of its field's type; the message says why, and never repeats the value."""

    def __init__(self, field: str, why: str) -> None:
        super().__init__(f"{field}: {why}.")
        self.field = field


def plain(name: str, kind: Type, value: Value) -> object:
    """What stands in JSON for a value that is not None. Raises Unfit, with the name."""
    return _PLAIN[kind](name, value)


def encoded(found: object, values: Mapping[str, Value]) -> bytes:
    """A record's JSON, made of these values. Raises Unfit for a text that is none."""
    try:
        return _encode(found)
    except UnicodeEncodeError:
        broken = next(name for name, value in values.items() if isinstance(value, str) and not is_whole(value))
        raise Unfit(broken, "holds half of a character") from None


def headed(head: Mapping[str, object], body: bytes) -> msgspec.Raw:
    """A JSON object with further members in front of its own."""
    begun = _encode(head)
    return msgspec.Raw(begun[:-1] + b"," + body[1:] if body != b"{}" else begun)


def is_whole(text: str) -> bool:
    """Whether no character of a text is cut in half."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _text(name: str, value: Value) -> str:
    if not isinstance(value, str):
        raise Unfit(name, "a text is expected")
    return value


def _boolean(name: str, value: Value) -> bool:
    if value not in (True, False):
        raise Unfit(name, "true or false is expected")
    return bool(value)


def _integer(name: str, value: Value) -> int:
    if isinstance(value, str) or value != int(value or 0):
        raise Unfit(name, "a whole number is expected")
    return int(value or 0)


def _decimal(name: str, value: Value) -> object:
    if isinstance(value, str):
        # A text has more digits than a float would keep; as JSON it is a number like any other.
        return msgspec.Raw(_shaped(Type.DECIMAL, "a number")(name, value).encode())
    if value is None or isinstance(value, bool) or not math.isfinite(value):
        raise Unfit(name, "a number is expected")
    return value


def _shaped(kind: Type, what: str) -> Callable[[str, Value], str]:
    shape = _SHAPES[kind]

    def spell(name: str, value: Value) -> str:
        if not isinstance(value, str) or not shape.match(value):
            raise Unfit(name, f"{what} is expected")
        return value

    return spell


_PLAIN: dict[Type, Callable[[str, Any], object]] = {
    Type.TEXT: _text,
    Type.INTEGER: _integer,
    Type.DECIMAL: _decimal,
    Type.BOOLEAN: _boolean,
    Type.DATE: _shaped(Type.DATE, "a date (2026-01-31)"),
    Type.DATETIME: _shaped(Type.DATETIME, "a moment in UTC (2026-01-31T08:15:00.000Z)"),
    Type.TIME: _shaped(Type.TIME, "a time of day (08:15:00.000)"),
    Type.MULTI: _text,
    Type.REFERENCE: _text,
}
