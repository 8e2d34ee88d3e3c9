"""Canonical forms: how values of every type look after a connector has read them, whichever way they came.

A converter takes one value that is not None and returns its canonical form; it raises ValueError for what is none of
the type. `None` in place of a converter means that values of the type are canonical as they come.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from crmsync.model import Type, Value

Convert = Callable[[str], Value]

DIGITS = 15
"""Significant digits that a float holds whatever the number."""

_UTC_MILLIS = 24  # characters of 2026-01-31T08:15:00.000Z
_UTC_OFFSET = 28  # characters of 2026-01-31T08:15:00.000+0000
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
_TIME = re.compile(r"\d\d:\d\d:\d\d")
_NUMBER = re.compile(r"([+-]?)(\d*)\.?(\d*)(?:[eE]([+-]?\d{1,4}))?\Z")
_ISO = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:[.,](\d+))?(Z|[+-]\d\d(?::?\d\d)?)?\Z", re.IGNORECASE)
_TRUE = frozenset({"true", "1", "yes", "t"})
_FALSE = frozenset({"false", "0", "no", "f"})


def text(value: str) -> str | None:
    """The text without NUL characters; None for an empty one."""
    if "\0" in value:
        value = value.replace("\0", "")
    return value or None


def integer(value: str) -> int | None:
    """A whole number, also one that is spelled "1000.0" or "1E3"."""
    try:
        return int(value) if value else None
    except ValueError:
        number = decimal(value)
        whole = str(number)
        if not whole.lstrip("-").isdigit():
            raise ValueError(f"not a whole number: {value[:40]!r}") from None
        return int(whole)


def decimal(value: str) -> int | float | str | None:
    """A number exactly: int or float up to 15 significant digits, beyond those its plain decimal text."""
    if not value:
        return None
    found = _NUMBER.match(value)
    if found is None or not (found[2] or found[3]):
        raise ValueError(f"not a number: {value[:40]!r}")
    sign, whole, part, power = found[1], found[2], found[3], int(found[4] or 0)
    if not power and not part and len(whole) <= DIGITS:
        return int(sign + whole)
    digits = (whole + part).lstrip("0")
    shift = power - len(part)
    while digits.endswith("0"):
        digits, shift = digits[:-1], shift + 1
    if not digits:
        return 0
    if len(digits) + max(shift, 0) <= DIGITS and shift >= 0:
        return int(f"{sign}{digits}{'0' * shift}")
    if len(digits) <= DIGITS and shift < 0:
        return float(value)
    return _plain(sign, digits, shift)


def _plain(sign: str, digits: str, shift: int) -> str:
    sign = "-" if sign == "-" else ""
    if shift >= 0:
        return f"{sign}{digits}{'0' * shift}"
    digits = digits.rjust(1 - shift, "0")
    return f"{sign}{digits[:shift]}.{digits[shift:]}"


def boolean(value: str) -> bool | None:
    """A truth value from "true" or "false" in any case."""
    lower = value.lower()
    if lower in _TRUE:
        return True
    if lower in _FALSE:
        return False
    if not value:
        return None
    raise ValueError(f"neither true nor false: {value[:40]!r}")


def date(value: str) -> str | None:
    """A calendar date, any year; a time behind it is cut off and never shifts the day."""
    if not value:
        return None
    if _DATE.match(value):
        return value
    if _DATE.match(value[:10]) and value[10:11] in ("T", " "):
        return value[:10]
    raise ValueError(f"not a date: {value[:40]!r}")


def moment(value: str) -> str | None:
    """A moment in UTC with milliseconds: "2026-01-31T08:15:00.000Z". A text without an offset is taken as UTC."""
    if len(value) == _UTC_MILLIS and value[23] == "Z" and value[10] == "T":
        return value
    if value[23:] == "+0000" and value[19:20] == ".":
        return value[:23] + "Z"
    if not value:
        return None
    found = _ISO.match(value)
    if found is None:
        raise ValueError(f"not a date-time: {value[:40]!r}")
    day, clock, part, zone = found.groups()
    clock = clock if len(clock) > len("08:15") else f"{clock}:00"
    millis = (part or "")[:3].ljust(3, "0")
    if zone in (None, "Z", "z") or zone.strip("+-0:") == "":
        return f"{day}T{clock}.{millis}Z"
    shifted = datetime.fromisoformat(f"{day}T{clock}.{millis}{zone}").astimezone(UTC)
    return f"{shifted.isoformat(timespec='milliseconds')[:23]}Z"


def time(value: str) -> str | None:
    """A time of day: "08:15:00.000"."""
    if not value:
        return None
    if not _TIME.match(value):
        raise ValueError(f"not a time of day: {value[:40]!r}")
    part = value[9:].split("Z", 1)[0].split("+", 1)[0] if value[8:9] == "." else ""
    return f"{value[:8]}.{part[:3].ljust(3, '0')}"


def multi(value: str) -> str | None:
    """Chosen values, each once, sorted and joined with ";"."""
    if ";" not in value:
        return value or None
    return ";".join(sorted({part for part in value.split(";") if part})) or None


FROM_TEXT: dict[Type, Convert] = {
    Type.TEXT: text,
    Type.INTEGER: integer,
    Type.DECIMAL: decimal,
    Type.BOOLEAN: boolean,
    Type.DATE: date,
    Type.DATETIME: moment,
    Type.TIME: time,
    Type.MULTI: multi,
    Type.REFERENCE: text,
}
"""Converters for values that came as text (CSV); an empty text is None."""


def from_json(value: object, type_: Type) -> Value:
    """The canonical form of one decoded JSON value; numbers that need every digit come as str. Raises ValueError."""
    if value is None:
        return None
    if isinstance(value, bool):
        return _from_bool(value, type_)
    if isinstance(value, str):
        return FROM_TEXT[type_](value)
    if isinstance(value, int | float):
        return FROM_TEXT[type_](repr(value))
    raise ValueError(f"a {type_} is expected, not {type(value).__name__}")


def _from_bool(value: bool, type_: Type) -> Value:
    if type_ in (Type.BOOLEAN, Type.INTEGER):
        return value if type_ is Type.BOOLEAN else int(value)
    if type_ is Type.TEXT:
        return "true" if value else "false"
    raise ValueError(f"a {type_} is expected, not a truth value")


def column_from_text(values: Sequence[str], type_: Type) -> Sequence[Value]:
    """A whole column of texts (CSV) at once. Raises ValueError without saying for which row."""
    if type_ in (Type.TEXT, Type.REFERENCE):
        return [value or None for value in values] if "" in values else values
    return _column(values, FROM_TEXT[type_])


def column_from_json(values: Sequence[str | None], type_: Type) -> Sequence[Value]:
    """A whole column of JSON strings, for types that JSON has no word for. Raises ValueError as above."""
    if type_ in (Type.TEXT, Type.REFERENCE):
        return [value or None for value in values] if "" in values else values
    return _column(values, FROM_TEXT[type_])


def _column(values: Sequence[str | None], convert: Convert) -> Sequence[Value]:
    distinct = set(values)
    if 2 * len(distinct) <= len(values):
        known = {value: None if value is None else convert(value) for value in distinct}
        return list(map(known.__getitem__, values))
    if convert is moment and None not in distinct and (found := _moments(values)) is not None:  # type: ignore[arg-type]
        return found
    return [None if value is None else convert(value) for value in values]


def _moments(values: Sequence[str]) -> Sequence[str] | None:
    """Moments that are all spelled "…T08:15:00.000+0000", or all as they should be; None where they are not.

    As one text, since a look at each of them is what costs here: each value has one length if every so manieth
    character is the mark between two, and no other is.
    """
    count, text = len(values), "\0".join([*values, ""])
    size = len(text) // count
    if text.count("\0") != count or text[size - 1 :: size] != "\0" * count or text[10::size] != "T" * count:
        return None
    if size == _UTC_MILLIS + 1 and text[23::size] == "Z" * count:
        return values
    ends = [text[at::size] == mark * count for at, mark in zip((19, 23, 24, 25, 26, 27), ".+0000", strict=True)]
    return text.replace("+0000\0", "Z\0").split("\0")[:-1] if size == _UTC_OFFSET + 1 and all(ends) else None
