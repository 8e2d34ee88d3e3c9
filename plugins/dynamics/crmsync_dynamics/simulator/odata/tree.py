"""What a filter says, as the parser leaves it."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Literal(Struct, frozen=True):
    """A value; `kind` is string, number, guid, date, moment, truth, null or enum."""

    kind: str
    value: Any


class Path(Struct, frozen=True):
    """A property, behind navigation properties if it has more than one part."""

    parts: tuple[str, ...]


class Comparison(Struct, frozen=True):
    """Two operands and one of eq, ne, gt, ge, lt, le."""

    operator: str
    left: Any
    right: Any


class Both(Struct, frozen=True):
    """All of the parts, or any of them."""

    every: bool
    parts: tuple[Any, ...]


class Negation(Struct, frozen=True):
    """The contrary."""

    part: Any


class Call(Struct, frozen=True):
    """A function with arguments by position or by name; a list is a tuple of literals."""

    name: str
    arguments: tuple[Any, ...]
    named: tuple[tuple[str, Any], ...] = ()


class Lambda(Struct, frozen=True):
    """`path/any(x: …)` or `path/all(x: …)` over a collection; no condition is whether there is one at all."""

    path: Path
    every: bool
    variable: str = ""
    condition: Any = None
