"""From canonical values to what the vendor's JSON and CSV hold. What could spoil a whole call is refused before it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from crmsync.model import Field, Type, Value

NULL = "#N/A"
"""What empties a field in an upload; the same text as a value cannot be written that way."""

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


def record(values: Mapping[str, Value], fields: Mapping[str, Field]) -> bytes:
    """The values of one record as a JSON object. Raises Unfit."""
    found = {name: None if value is None else _JSON[fields[name].type](name, value) for name, value in values.items()}
    try:
        return _encode(found)
    except UnicodeEncodeError:
        broken = next(name for name, value in values.items() if isinstance(value, str) and not _whole(value))
        raise Unfit(broken, "holds half of a character") from None


def headed(head: Mapping[str, object], body: bytes) -> msgspec.Raw:
    """A JSON object with further members in front of its own."""
    begun = _encode(head)
    return msgspec.Raw(begun[:-1] + b"," + body[1:] if body != b"{}" else begun)


def cells(values: Mapping[str, Value], fields: Mapping[str, Field]) -> dict[str, str]:
    """The values as cells of an upload. Raises Unfit, also for what only JSON can hold."""
    return {name: NULL if value is None else _cell(fields[name], value) for name, value in values.items()}


def _cell(field: Field, value: Value) -> str:
    text = spelled(field, value)
    if text.strip() == NULL or not _whole(text):
        raise Unfit(field.name, f"{NULL} cannot be uploaded as a value, for it empties the field")
    return text


def spelled(field: Field, value: Value) -> str:
    """A value as text, where a form has no types. Raises Unfit."""
    found = _JSON[field.type](field.name, value)
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, msgspec.Raw):
        return bytes(found).decode()
    return found if isinstance(found, str) else repr(found)


def _whole(text: str) -> bool:
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


def _shaped(type_: Type, what: str, tail: str = "") -> Callable[[str, Value], str]:
    shape = _SHAPES[type_]

    def spell(name: str, value: Value) -> str:
        if not isinstance(value, str) or not shape.match(value):
            raise Unfit(name, f"{what} is expected")
        return value + tail

    return spell


_JSON: dict[Type, Callable[[str, Any], object]] = {
    Type.TEXT: _text,
    Type.INTEGER: _integer,
    Type.DECIMAL: _decimal,
    Type.BOOLEAN: _boolean,
    Type.DATE: _shaped(Type.DATE, "a date (2026-01-31)"),
    Type.DATETIME: _shaped(Type.DATETIME, "a moment in UTC (2026-01-31T08:15:00.000Z)"),
    Type.TIME: _shaped(Type.TIME, "a time of day (08:15:00.000)", "Z"),
    Type.MULTI: _text,
    Type.REFERENCE: _text,
}
