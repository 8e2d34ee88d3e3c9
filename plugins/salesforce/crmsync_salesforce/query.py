"""All SOQL is built and escaped here. Names are checked, values are literals, and addresses are kept short."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from urllib.parse import quote

from msgspec import Struct

from crmsync.connectors.paging import packed
from crmsync.errors import RouteStopped
from crmsync.model import Condition, Field, Type, Value

MOST_URL = 14_000
"""Bytes of an encoded address; the vendor refuses 16,384 with the headers."""

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*\Z")
_NUMBER = re.compile(r"-?\d+(\.\d+)?\Z")
_DATE = re.compile(r"\d{4}-\d\d-\d\d\Z")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z\Z")
_OPERATORS = frozenset({"=", "!=", "<", "<=", ">", ">=", "in"})
_ESCAPES = str.maketrans(
    {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\b": "\\b", "\f": "\\f", "\0": ""}
)
_UPPER = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_CHECK = _UPPER + "012345"
SHORT_ID, _LONG, _CHUNK = 15, 18, 5


def name(text: str) -> str:
    """A field or object name that may stand in a query. Raises RouteStopped for anything else."""
    if not _NAME.match(text):
        raise RouteStopped(f"{text[:80]!r} is no name of a field or object.", code="name")
    return text


def text_literal(value: str) -> str:
    """A text in single quotes, escaped."""
    return f"'{value.translate(_ESCAPES)}'"


def literal(value: Value, type_: Type) -> str:
    """A value as a literal of its type. Raises RouteStopped for a value that is none."""
    if value is None:
        return "NULL"
    if type_ is Type.BOOLEAN:
        return "TRUE" if value else "FALSE"
    plain = {Type.DATE: _DATE, Type.DATETIME: _MOMENT, Type.INTEGER: _NUMBER, Type.DECIMAL: _NUMBER}.get(type_)
    if plain is None:
        return text_literal(str(value))
    if not plain.match(str(value)):
        raise RouteStopped(f"{str(value)[:80]!r} is no {type_}.", code="literal")
    return str(value)


def condition(test: Condition, types: dict[str, Type]) -> str:
    """One condition as text. The type of a field that is not among `types` is told from the value."""
    if test.op not in _OPERATORS:
        raise RouteStopped(f"{test.op!r} is no operator.", code="operator")
    values = test.value if isinstance(test.value, tuple) else (test.value,)
    spelled = [literal(one, types.get(test.field) or _type_of(one)) for one in values]
    if test.op == "in":
        return f"{name(test.field)} IN ({','.join(spelled)})"
    return f"{name(test.field)} {test.op} {spelled[0]}"


def _type_of(value: Value) -> Type:
    if isinstance(value, bool):
        return Type.BOOLEAN
    if isinstance(value, int | float):
        return Type.DECIMAL
    if isinstance(value, str) and _MOMENT.match(value):
        return Type.DATETIME
    return Type.TEXT


class Select(Struct, frozen=True, kw_only=True):
    """A query in parts. `where` are finished conditions, all of which must hold."""

    fields: tuple[str, ...]
    object: str
    where: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    limit: int | None = None

    def __str__(self) -> str:
        """The query's text."""
        parts = [f"SELECT {','.join(name(one) for one in self.fields)} FROM {name(self.object)}"]
        if self.where:
            parts.append("WHERE " + " AND ".join(self.where))
        if self.order:
            parts.append("ORDER BY " + ", ".join(name(one) for one in self.order))
        if self.limit is not None:
            parts.append(f"LIMIT {int(self.limit)}")
        return " ".join(parts)


def counting(obj: str, where: Sequence[str]) -> str:
    """The query for a number of records."""
    tail = f" WHERE {' AND '.join(where)}" if where else ""
    return f"SELECT COUNT() FROM {name(obj)}{tail}"


def conditions(tests: Iterable[Condition], fields: Iterable[Field] = ()) -> tuple[str, ...]:
    """Conditions as text."""
    types = {one.name: one.type for one in fields}
    return tuple(condition(test, types) for test in tests)


def at_least(field: str, stamp: str) -> str:
    """Stamps from `stamp` on; never without those that are equal."""
    return f"{name(field)} >= {literal(stamp, Type.DATETIME)}"


def before(field: str, stamp: str) -> str:
    """Stamps before `stamp`."""
    return f"{name(field)} < {literal(stamp, Type.DATETIME)}"


def after_row(field: str, stamp: str, identity: str) -> str:
    """Rows behind a row in the order of (stamp, id)."""
    moment = literal(stamp, Type.DATETIME)
    return f"({name(field)} > {moment} OR ({name(field)} = {moment} AND Id > {text_literal(identity)}))"


def id_range(low: str | None, high: str | None, last: str | None) -> tuple[str, ...]:
    """Ids from `low` to before `high`, behind `last`. Only the server compares ids: it has an order of its own."""
    found = []
    if last is not None:
        found.append(f"Id > {text_literal(last)}")
    elif low is not None:
        found.append(f"Id >= {text_literal(low)}")
    if high is not None:
        found.append(f"Id < {text_literal(high)}")
    return tuple(found)


def among(ids: Sequence[str]) -> str:
    """Records with these ids; there must be one."""
    return f"Id IN ({','.join(text_literal(one) for one in ids)})"


def encoded(soql: str) -> str:
    """The query as it stands in an address."""
    return quote(soql, safe=",()'.:*-_")


def chunks(ids: Iterable[str], base: int, most: int = MOST_URL) -> Iterator[tuple[str, ...]]:
    """Ids in groups whose query, `base` encoded bytes without them, fits an address."""
    room = max(most - base - len("Id%20IN%20()"), 200)
    return packed(ids, lambda _: _LONG + 3, room)


def split_fields(fields: Sequence[str], base: int, most: int = MOST_URL) -> list[tuple[str, ...]]:
    """Field names in groups that each fit an address beside `base` encoded bytes; one group where all do."""
    return list(packed(fields, lambda one: len(encoded(one)) + 1, max(most - base, 200))) or [()]


def whole_id(identity: str) -> str:
    """An id of 18 characters from one of 15 or 18; anything else comes back as it is."""
    if len(identity) != SHORT_ID or not identity.isascii() or not identity.isalnum():
        return identity
    check = ""
    for start in range(0, SHORT_ID, _CHUNK):
        bits = sum(1 << at for at, char in enumerate(identity[start : start + _CHUNK]) if char in _UPPER)
        check += _CHECK[bits]
    return identity + check
