"""All addresses of queries are built and escaped here. Names are checked, values are literals, lengths are kept."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from urllib.parse import quote

from msgspec import Struct

from crmsync.connectors.paging import packed
from crmsync.errors import RouteStopped
from crmsync.model import Condition, Type, Value
from crmsync_dynamics.tables import Column

MOST_URL = 14_000
"""Characters of an address; the vendor takes 32,768, what stands in between often less."""
MOST_IDS = 150

_NAME = re.compile(r"[^\W\d]\w*\Z")
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")
_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,7})?Z\Z")
_ADDRESSABLE = re.compile(r"[A-Za-z0-9(),':.*\-_$=/~ ]*\Z")
_OPERATORS = {"=": "eq", "!=": "ne", "<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
_PATTERNS = {
    Type.DATE: _DATE, Type.DATETIME: _MOMENT, Type.INTEGER: _NUMBER, Type.DECIMAL: _NUMBER,
}  # fmt: skip


def is_name(text: str) -> bool:
    """Whether a text may stand in an address as the name of a table or column."""
    return _NAME.match(text) is not None


def name(text: str) -> str:
    """A name of a table or column that may stand in an address. Raises RouteStopped for anything else."""
    if not is_name(text):
        raise RouteStopped(f"{text[:80]!r} is no name of a table or column.", code="name")
    return text


def is_guid(text: str) -> bool:
    """Whether a text is an id as the vendor makes them."""
    return _GUID.match(text) is not None


def text_literal(value: str) -> str:
    """A text in single quotes, escaped."""
    return "'" + value.replace("\0", "").replace("'", "''") + "'"


def identity(value: str, native: str = "") -> str:
    """An id as a literal: of GUIDs and numbers without quotes."""
    number = native.startswith("Edm.") and native not in ("Edm.Guid", "Edm.String")
    return value.lower() if is_guid(value) else value if number and _NUMBER.match(value) else text_literal(value)


def literal(value: Value, column: Column) -> str:
    """A value as a literal of its column. Raises RouteStopped for a value that is none."""
    kind = column.field.type
    if value is None:
        return "null"
    if kind is Type.BOOLEAN:
        return "true" if bool(value) is not column.negated else "false"
    if kind is Type.REFERENCE:
        return identity(str(value), column.field.native)
    if column.options or column.field.native in ("Picklist", "State", "Status"):
        return _number_of(str(value), column)
    pattern = _PATTERNS.get(kind)
    if pattern is None:
        return text_literal(str(value))
    if not pattern.match(str(value)):
        raise RouteStopped(f"{str(value)[:80]!r} is no {kind}.", code="literal")
    return _second(str(value)) if kind is Type.DATETIME else str(value)


def _number_of(label: str, column: Column) -> str:
    """The number of a choice by its label."""
    for number, one in column.options.items():
        if label in (one, str(number)):
            return str(number)
    if _NUMBER.match(label):
        return label
    raise RouteStopped(f"{label[:80]!r} is no choice of {column.field.name}.", code="literal")


def _second(moment: str) -> str:
    """A moment without a part of a second that is nought."""
    return moment.replace(".000Z", "Z")


def condition(test: Condition, columns: Mapping[str, Column]) -> str:
    """One condition as text. Unlike empty is also different: `!=` finds records without a value."""
    column = columns.get(test.field)
    if column is None:
        raise RouteStopped(f"{test.field!r} is no column that can be tested.", code="name")
    wire = name(column.wire)
    values = test.value if isinstance(test.value, tuple) else (test.value,)
    if test.op == "in":
        return "(" + " or ".join(f"{wire} eq {literal(one, column)}" for one in values) + ")"
    if test.op not in _OPERATORS:
        raise RouteStopped(f"{test.op!r} is no operator.", code="operator")
    said = f"{wire} {_OPERATORS[test.op]} {literal(values[0], column)}"
    return f"({said} or {wire} eq null)" if test.op == "!=" and values[0] is not None else said


class Select(Struct, frozen=True, kw_only=True):
    """A query in parts. `where` are finished conditions, all of which must hold."""

    set: str
    columns: tuple[str, ...] = ()
    where: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    top: int | None = None

    def __str__(self) -> str:
        """The address below the service root."""
        parts = [f"$select={encoded(','.join(name(one) for one in self.columns))}"] if self.columns else []
        if self.where:
            parts.append(f"$filter={encoded(' and '.join(self.where))}")
        if self.order:
            parts.append(f"$orderby={encoded(','.join(self.order))}")
        if self.top is not None:
            parts.append(f"$top={self.top}")
        return f"{encoded(self.set)}?{'&'.join(parts)}" if parts else encoded(self.set)


def encoded(text: str) -> str:
    """A part of a query as it stands in an address."""
    if _ADDRESSABLE.match(text):  # nearly always, and quoting goes character by character
        return text.replace(" ", "%20")
    return quote(text, safe="(),':.*-_$=/")


def among(wire: str, ids: Sequence[str], native: str = "") -> str:
    """Records with these ids in a column; there must be one."""
    found = " or ".join(f"{name(wire)} eq {identity(one, native)}" for one in ids)
    return f"({found})" if len(ids) > 1 else found


def chunks(ids: Iterable[str], wire: str, base: int, most: int = MOST_URL) -> Iterator[tuple[str, ...]]:
    """Ids in groups whose query, `base` characters without them, fits an address."""
    room, around = max(most - base, 400), len(encoded(f" or {wire} eq "))
    return packed(ids, lambda one: around + len(encoded(one)), room, MOST_IDS)
