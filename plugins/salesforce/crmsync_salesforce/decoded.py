"""A page of the vendor's as rows of canonical values, and what both of its forms do with a single value."""

from __future__ import annotations

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct, field

from crmsync import values
from crmsync.model import Field, Row, Skipped, Type, Value
from crmsync_salesforce.query import SHORT_ID, whole_id

Column = Sequence[Value]


class Decoded(Struct):
    """A page as rows, whose values are in the order of the decoder's fields."""

    rows: list[Row]
    skipped: list[Skipped] = field(default_factory=list)
    done: bool = True
    next: str | None = None
    total: int | None = None

    @property
    def count(self) -> int:
        """How many rows there are."""
        return len(self.rows)

    def column(self, at: int) -> list[Value]:
        """The values at one place of every row."""
        return [row[at] for row in self.rows]


def one_of(value: Any, one: Field) -> Value:
    """One value in canonical form. Raises ValueError, OverflowError."""
    if value is None:
        return None
    if isinstance(value, Decimal):
        return values.FROM_TEXT[one.type](str(value))
    if isinstance(value, str):
        value.encode()
        if one.type is Type.REFERENCE:
            value = whole_id(value)
        return values.FROM_TEXT[one.type](value)
    if isinstance(value, dict | list) and one.type is Type.TEXT:
        return json.dumps(value, ensure_ascii=False, default=str)
    return values.from_json(value, one.type)


def whole_ids(column: Column) -> Column:
    """A column of ids in their long form; a server that gives the short one gives nothing else."""
    first = next((value for value in column if value is not None), "")
    if len(str(first)) != SHORT_ID:
        return column
    return [None if value is None else whole_id(str(value)) for value in column]


def refused(record: dict[str, Any], reason: str) -> Skipped:
    """A row that cannot be read, with what there is of it."""
    shown = {key: _show(value) for key, value in record.items() if key != "attributes"}
    return Skipped(str(record.get("Id") or ""), reason, shown)


def _show(value: Any) -> Value:
    return value if value is None or isinstance(value, bool) else str(value).encode("utf-8", "replace").decode()
