"""Filters over plain JSON objects, as metadata is filtered: names and texts with their case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from crmsync_dynamics.simulator.errors import Refusal, bad_syntax
from crmsync_dynamics.simulator.odata.tree import Both, Call, Comparison, Literal, Negation, Path

Judge = Callable[[Mapping[str, Any]], bool]


def judge(tree: Any) -> Judge:
    """The condition of a filter's tree; a name that an object does not have is refused."""
    if isinstance(tree, Both):
        parts = [judge(part) for part in tree.parts]
        every = all if tree.every else any
        return lambda one: every(part(one) for part in parts)
    if isinstance(tree, Negation):
        inner = judge(tree.part)
        return lambda one: not inner(one)
    if isinstance(tree, Comparison) and isinstance(tree.left, Path) and isinstance(tree.right, Literal):
        return _compared(tree.operator, tree.left, tree.right)
    if isinstance(tree, Call) and tree.name in {"contains", "startswith", "endswith"}:
        return _matched(tree)
    raise bad_syntax()


def _compared(operator: str, path: Path, literal: Literal) -> Judge:
    wanted = literal.value
    if operator not in {"eq", "ne"}:
        raise Refusal("0x80060888", f"The operator {operator} is not supported for metadata.")
    return lambda one: (_same(_read(one, path), wanted)) == (operator == "eq")


def _matched(call: Call) -> Judge:
    path, text = call.arguments
    if not isinstance(path, Path) or not isinstance(text, Literal):
        raise bad_syntax()
    test: dict[str, Callable[[str, str], bool]] = {
        "contains": lambda value, part: part in value,
        "startswith": str.startswith,
        "endswith": str.endswith,
    }
    return lambda one: test[call.name](str(_read(one, path) or ""), str(text.value))


def _same(value: Any, wanted: Any) -> bool:
    if isinstance(wanted, Decimal) and isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value) == wanted
    return bool(value == wanted)


def _read(one: Mapping[str, Any], path: Path) -> Any:
    value: Any = one
    for part in path.parts:
        if not isinstance(value, Mapping) or part not in value:
            raise Refusal("0x0", f"Could not find a property named '{part}' on type 'Microsoft.Dynamics.CRM.Metadata'.")
        value = value[part]
    return value
