"""What a value is, and the types whose forms the package lists."""

from __future__ import annotations

from enum import StrEnum

Value = str | int | float | bool | None
Row = tuple[Value, ...]


class Type(StrEnum):
    """How a field's values look in canonical form."""

    TEXT = "text"
    INTEGER = "integer"
    DECIMAL = "decimal"
    BOOLEAN = "boolean"
    DATE = "date"
    DATETIME = "datetime"
    TIME = "time"
    MULTI = "multi"
    REFERENCE = "reference"
