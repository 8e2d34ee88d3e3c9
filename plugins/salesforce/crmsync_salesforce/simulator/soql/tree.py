"""What a query says, as frozen values: the parser makes them and the compiler reads them."""

from __future__ import annotations

from typing import Any

from msgspec import Struct


class Literal(Struct, frozen=True):
    """A value as it was written: kind is string, number, date, datetime, boolean, null or relative."""

    kind: str
    value: Any


class Compare(Struct, frozen=True):
    """One field against one literal; `operator` is =, !=, <, <=, >, >= or LIKE."""

    path: str
    operator: str
    literal: Literal


class Among(Struct, frozen=True):
    """One field against a list: `operator` is IN, INCLUDES or EXCLUDES."""

    path: str
    operator: str
    literals: tuple[Literal, ...]


class Within(Struct, frozen=True):
    """One field against the ids another query finds."""

    path: str
    query: Query


class Not(Struct, frozen=True):
    """The opposite of a condition."""

    condition: Condition


class Both(Struct, frozen=True):
    """All of several conditions."""

    conditions: tuple[Condition, ...]


class Either(Struct, frozen=True):
    """At least one of several conditions."""

    conditions: tuple[Condition, ...]


Condition = Compare | Among | Within | Not | Both | Either


class Call(Struct, frozen=True):
    """A function in the SELECT list."""

    name: str
    path: str | None
    alias: str | None


class Order(Struct, frozen=True):
    """One sort key; `nulls` is FIRST, LAST or empty for the default."""

    path: str
    descending: bool
    nulls: str


class Query(Struct, frozen=True):
    """A whole query, or a sub-query when it stands in brackets."""

    items: tuple[str | Call | Query, ...]
    source: str
    where: Condition | None = None
    groups: tuple[str, ...] = ()
    orders: tuple[Order, ...] = ()
    limit: int | None = None
    offset: int = 0
    all_rows: bool = False

    @property
    def counts(self) -> bool:
        """Whether this is the bare COUNT()."""
        return len(self.items) == 1 and isinstance(self.items[0], Call) and self.items[0].path is None

    @property
    def aggregates(self) -> bool:
        """Whether the answer holds groups and not records."""
        return bool(self.groups) or any(isinstance(item, Call) and item.path for item in self.items)
