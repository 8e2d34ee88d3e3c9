"""WHERE as a Python function over rows, and the stamp and look-up bounds by which most rows need not be looked at."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from crmsync_salesforce.simulator import ids, moments
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.fields import NUMBERS, Field, Row
from crmsync_salesforce.simulator.reader import Getter, Reader
from crmsync_salesforce.simulator.soql import dates, tree
from crmsync_salesforce.simulator.table import Table, fold

Test = Callable[[Row], bool]
SubQuery = Callable[[tree.Query], set[str]]

_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_LONGEST = 4000


class Conditions:
    """Compiles the conditions of one query on one table."""

    def __init__(self, reader: Reader, table: Table, now: datetime, within: SubQuery) -> None:
        self._reader = reader
        self._table = table
        self._now = now
        self._within = within

    def compile(self, condition: tree.Condition) -> Test:
        """A function that says whether a row meets the condition."""
        match condition:
            case tree.Both(parts):
                return _all_of([self.compile(part) for part in parts])
            case tree.Either(parts):
                return _any_of([self.compile(part) for part in parts])
            case tree.Not(inner):
                test = self.compile(inner)
                return lambda row: not test(row)
            case tree.Compare(path, sign, literal):
                return self._compare(path, sign, literal)
            case tree.Among(path, sign, literals):
                return self._among(path, sign, literals)
            case tree.Within(path, query):
                found = self._within(query)
                _, read = self._filterable(path)
                return lambda row: read(row) in found

    def _filterable(self, path: str) -> tuple[Field, Getter]:
        field, read = self._reader.path(self._table, path)
        if not field.filterable or field.type == "address":
            raise Refusal("INVALID_FIELD", f"field '{path}' can not be filtered in a query call")
        return field, read

    def _compare(self, path: str, sign: str, literal: tree.Literal) -> Test:
        field, read = self._filterable(path)
        if sign == "LIKE":
            return _like(field, read, literal)
        if literal.kind == "relative":
            return _relative(field, read, sign, dates.span(literal.value, self._now))
        value = cell(field, literal)
        read = _folded(field, read)
        if sign == "=":
            return lambda row: bool(read(row) == value)
        if sign == "!=":
            return lambda row: bool(read(row) != value)
        compare = _COMPARE[sign]
        if value is None or field.type == "boolean":
            raise Refusal("INVALID_QUERY_FILTER_OPERATOR", f"{field.name}: filter operator {sign} is not allowed here")
        return lambda row: (one := read(row)) is not None and compare(one, value)

    def _among(self, path: str, sign: str, literals: tuple[tree.Literal, ...]) -> Test:
        field, read = self._filterable(path)
        if sign == "IN":
            values = {cell(field, literal) for literal in literals}
            read = _folded(field, read)
            return lambda row: read(row) in values
        if field.type != "multipicklist":
            raise Refusal("INVALID_QUERY_FILTER_OPERATOR", f"{field.name}: filter operator {sign} is not allowed here")
        groups = [frozenset(str(literal.value).casefold().split(";")) for literal in literals]

        def includes(row: Row) -> bool:
            chosen = frozenset((read(row) or "").casefold().split(";"))
            return any(group <= chosen for group in groups)

        return includes if sign == "INCLUDES" else lambda row: not includes(row)


# Types whose stored text compares as it is: ids by case, moments by their one spelling.
_PLAIN = frozenset({"id", "reference", "date", "datetime", "boolean"}) | NUMBERS


def _folded(field: Field, read: Getter) -> Getter:
    return read if field.type in _PLAIN else lambda row: fold(read(row))


def _all_of(tests: list[Test]) -> Test:
    if len(tests) == 2:  # noqa: PLR2004 - the common case, without a loop per row
        first, second = tests
        return lambda row: first(row) and second(row)
    return lambda row: all(test(row) for test in tests)


def _any_of(tests: list[Test]) -> Test:
    if len(tests) == 2:  # noqa: PLR2004 - the common case, without a loop per row
        first, second = tests
        return lambda row: first(row) or second(row)
    return lambda row: any(test(row) for test in tests)


def _like(field: Field, read: Getter, literal: tree.Literal) -> Test:
    if literal.kind != "string" or field.type in NUMBERS | {"date", "datetime", "boolean", "id", "reference"}:
        raise Refusal("INVALID_FIELD", f"invalid operator LIKE on {field.type} field {field.name}")
    parts = re.split(r"(\\[%_\\]|%|_)", literal.value)
    pattern = "".join({"%": ".*", "_": "."}.get(part) or re.escape(part.removeprefix("\\") or part) for part in parts)
    match = re.compile(pattern, re.IGNORECASE | re.DOTALL).fullmatch
    return lambda row: match(read(row) or "") is not None


def _relative(field: Field, read: Getter, sign: str, span: dates.Span) -> Test:
    if field.type not in {"date", "datetime"}:
        raise _mismatch(field)
    spell = moments.spell if field.type == "datetime" else "{:%Y-%m-%d}".format
    low, high = (spell(moment) for moment in span)
    tests: dict[str, Callable[[str], bool]] = {
        "=": lambda value: low <= value < high,
        "!=": lambda value: not low <= value < high,
        "<": lambda value: value < low,
        "<=": lambda value: value < high,
        ">": lambda value: value >= high,
        ">=": lambda value: value >= low,
    }
    test = tests[sign]
    return lambda row: (value := read(row)) is not None and test(value)


def _mismatch(field: Field) -> Refusal:
    kind = {"datetime": "dateTime", "reference": "reference", "currency": "double"}.get(field.type, field.type)
    tail = (
        "should not be enclosed in quotes" if field.type in NUMBERS | {"date", "datetime", "boolean"} else "in quotes"
    )
    return Refusal(
        "INVALID_FIELD", f"value of filter criterion for field '{field.name}' must be of type {kind} and {tail}"
    )


def _moment(field: Field, literal: tree.Literal) -> str:
    if literal.kind != "datetime":
        raise _mismatch(field)
    try:
        return moments.spell(moments.read(literal.value))
    except ValueError as error:
        raise Refusal("MALFORMED_QUERY", f"invalid date-time literal: {literal.value}") from error


def _identity(field: Field, literal: tree.Literal) -> str:
    if literal.kind != "string":
        raise _mismatch(field)
    whole = ids.normalise(literal.value)
    if whole is None and literal.value:
        raise Refusal("INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {literal.value}")
    return whole or ""


def cell(field: Field, literal: tree.Literal) -> Any:
    """The literal as the field's values compare, after the vendor's check of its type."""
    if literal.kind == "null":
        return None
    if field.type in {"id", "reference"}:
        return _identity(field, literal)
    if field.type == "datetime":
        return _moment(field, literal)
    wanted = "number" if field.type in NUMBERS else field.type if field.type in {"date", "boolean"} else "string"
    if literal.kind != wanted:
        raise _mismatch(field)
    if wanted == "string" and len(literal.value) > _LONGEST:
        raise Refusal("MALFORMED_QUERY", "String literals in a filter cannot be longer than 4000 characters.")
    return literal.value if field.type in _PLAIN else fold(literal.value)
