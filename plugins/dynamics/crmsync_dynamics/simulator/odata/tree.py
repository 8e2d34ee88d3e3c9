"""What a filter says, as the parser leaves it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Literal:
    """A value; `kind` is string, number, guid, date, moment, truth, null or enum."""

    kind: str
    value: Any


@dataclass(frozen=True, slots=True)
class Path:
    """A property, behind navigation properties if it has more than one part."""

    parts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two operands and one of eq, ne, gt, ge, lt, le."""

    operator: str
    left: Any
    right: Any


@dataclass(frozen=True, slots=True)
class Both:
    """All of the parts, or any of them."""

    every: bool
    parts: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Negation:
    """The contrary."""

    part: Any


@dataclass(frozen=True, slots=True)
class Call:
    """A function with arguments by position or by name; a list is a tuple of literals."""

    name: str
    arguments: tuple[Any, ...]
    named: tuple[tuple[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Lambda:
    """`path/any(x: …)` or `path/all(x: …)` over a collection; no condition is whether there is one at all."""

    path: Path
    every: bool
    variable: str = ""
    condition: Any = None
