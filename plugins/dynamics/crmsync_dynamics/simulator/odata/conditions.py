"""Filters as functions over rows: texts compare without case, null equals nothing but null, and `ne` takes nulls in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from crmsync_dynamics.simulator import moments
from crmsync_dynamics.simulator.errors import Refusal, bad_syntax
from crmsync_dynamics.simulator.fields import CLOCK, DATE_ONLY, MULTI, Column, Entity, Row
from crmsync_dynamics.simulator.odata import functions
from crmsync_dynamics.simulator.odata.paths import Getter, Reach
from crmsync_dynamics.simulator.odata.tree import Both, Call, Comparison, Lambda, Literal, Negation, Path

Condition = Callable[[Row], bool]
_NUMBERS = frozenset({"Integer", "BigInt", "Decimal", "Double", "Money", "Picklist", "State", "Status"})
_EDM = {"string": "Edm.String", "number": "Edm.Int32", "guid": "Edm.Guid", "truth": "Edm.Boolean", "date": "Edm.Date"}
_COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "gt": lambda a, b: a > b,
    "ge": lambda a, b: a >= b,
    "lt": lambda a, b: a < b,
    "le": lambda a, b: a <= b,
}
_MATCH = frozenset({"contains", "startswith", "endswith"})


class Compiler(Struct, frozen=True):
    """Makes conditions over the rows of one table; `variables` are the tables behind the variables of lambdas."""

    reach: Reach
    entity: Entity
    variable: str = ""

    def condition(self, tree: Any) -> Condition:
        """The condition of a filter's tree; raises Refusal for names and types that do not fit."""
        if isinstance(tree, Both):
            return _joined([self.condition(part) for part in tree.parts], every=tree.every)
        if isinstance(tree, Negation):
            inner = self.condition(tree.part)
            return lambda row: not inner(row)
        if isinstance(tree, Comparison):
            return self._comparison(tree)
        if isinstance(tree, Call):
            return self._call(tree)
        if isinstance(tree, Lambda):
            return self._lambda(tree)
        if isinstance(tree, Path):
            _, column, getter = self._path(tree)
            if column.type == "Boolean":
                return lambda row: bool(getter(row))
        raise bad_syntax()

    def _path(self, path: Path) -> tuple[Entity, Column, Getter]:
        parts = path.parts
        if self.variable and parts[0] == self.variable:
            parts = parts[1:]
        return self.reach.path(self.entity, parts)

    def _comparison(self, tree: Comparison) -> Condition:
        left, right, operator = tree.left, tree.right, tree.operator
        if isinstance(left, Literal) and isinstance(right, Path):
            left, right = right, left
            operator = {"gt": "lt", "lt": "gt", "ge": "le", "le": "ge"}.get(operator, operator)
        if not isinstance(left, Path):
            raise bad_syntax()
        _, column, getter = self._path(left)
        if isinstance(right, Path):
            _, other, value = self._path(right)
            if other.type != column.type:
                raise _incompatible(column, other.type)
            return _between_columns(operator, _folded(column, getter), _folded(other, value))
        if not isinstance(right, Literal):
            raise bad_syntax()
        return _with_literal(operator, _folded(column, getter), read_literal(column, right))

    def _call(self, call: Call) -> Condition:
        if call.name in _MATCH and len(call.arguments) == 2:  # noqa: PLR2004 - a property and a text
            path, text = call.arguments
            if not isinstance(path, Path) or not isinstance(text, Literal) or text.kind != "string":
                raise bad_syntax()
            _, column, getter = self._path(path)
            if not column.textual:
                raise _incompatible(column, "Edm.String")
            return functions.matches(call.name, getter, text.value)
        name = call.name.removeprefix("Microsoft.Dynamics.CRM.")
        named = dict(call.named)
        prop = named.pop("PropertyName", None)
        make = functions.FUNCTIONS.get(name)
        if make is None or not isinstance(prop, Literal) or name == call.name:
            raise Refusal("0x80060888", f"An unknown function with name '{call.name}' was found.")
        _, column, getter = self._path(Path(tuple(str(prop.value).split("/"))))
        values = named.get("PropertyValues", named.get("PropertyValue"))
        listed: Sequence[Literal] = values if isinstance(values, list) else [values] if values is not None else []
        read = [read_literal(column, _typed(column, one)) if name in functions.TYPED else one.value for one in listed]
        return make(self.reach, _folded(column, getter), read)

    def _lambda(self, tree: Lambda) -> Condition:
        if len(tree.path.parts) != 1:
            raise bad_syntax()
        other, rows = self.reach.collection(self.entity, tree.path.parts[0])
        if tree.condition is None:
            return lambda row: any(True for _ in rows(row))
        inner = Compiler(self.reach, other, tree.variable).condition(tree.condition)
        judge = all if tree.every else any
        return lambda row: judge(inner(one) for one in rows(row))


def _joined(parts: list[Condition], *, every: bool) -> Condition:
    if every:
        return lambda row: all(part(row) for part in parts)
    return lambda row: any(part(row) for part in parts)


def _folded(column: Column, getter: Getter) -> Getter:
    if not column.textual:
        return getter

    def fold(row: Row) -> Any:
        value = getter(row)
        return value.casefold() if value is not None else None

    return fold


def _with_literal(operator: str, getter: Getter, wanted: Any) -> Condition:
    if operator == "eq":
        return lambda row: getter(row) == wanted
    if operator == "ne":
        return lambda row: getter(row) != wanted
    compare = _COMPARE[operator]
    return lambda row: (value := getter(row)) is not None and wanted is not None and compare(value, wanted)


def _between_columns(operator: str, left: Getter, right: Getter) -> Condition:
    if operator in {"eq", "ne"}:
        return lambda row: (left(row) == right(row)) == (operator == "eq")
    compare = _COMPARE[operator]
    return lambda row: (a := left(row)) is not None and (b := right(row)) is not None and compare(a, b)


def _incompatible(column: Column, other: str) -> Refusal:
    return Refusal(
        "0x80060888",
        "A binary operator with incompatible types was detected. Found operand types "
        f"'{column.type}' and '{other}' for the property '{column.wire}'.",
    )


def _typed(column: Column, literal: Literal) -> Literal:
    """The vendor's functions take every value as a string."""
    if literal.kind != "string" or column.textual:
        return literal
    text = str(literal.value)
    if column.type == "Boolean":
        return Literal("truth", text.lower() in {"1", "true"})
    if column.lookup or column.type == "Uniqueidentifier":
        return Literal("guid", text.lower())
    if column.type == "DateTime":
        return Literal("moment" if "T" in text else "date", text)
    return Literal("number", functions.number(text))


def read_literal(column: Column, literal: Literal) -> Any:
    """A literal as stored values of the column compare with it; raises the refusal of one of another type."""
    kind, value = literal.kind, literal.value
    if kind == "null":
        return None
    if column.lookup or column.type == "Uniqueidentifier":
        return _guid(column, literal)
    if column.textual and column.type != MULTI and kind == "string":
        return str(value).casefold()
    if column.type in _NUMBERS and kind == "number":
        return value
    if column.type == "Boolean" and kind == "truth":
        return value
    if column.type == "DateTime" and kind in {"date", "moment"}:
        return _moment(column, str(value))
    raise _incompatible(column, _EDM.get(kind, kind))


def _guid(column: Column, literal: Literal) -> str:
    if literal.kind == "string":
        raise bad_syntax()
    if literal.kind != "guid":
        raise _incompatible(column, _EDM.get(literal.kind, literal.kind))
    return str(literal.value)


def _moment(column: Column, text: str) -> str:
    if column.behavior == DATE_ONLY:
        return text[:10]
    if column.behavior == CLOCK:
        return f"{text[:19]}Z" if "T" in text else f"{text}T00:00:00Z"
    return moments.canonical(text)
