"""The order of a query's rows: nulls first, texts without case, and the key last so that no two rows are equal."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from crmsync_dynamics.simulator.fields import Column, Entity, Row
from crmsync_dynamics.simulator.odata.options import order
from crmsync_dynamics.simulator.odata.paths import Getter, Reach

Key = tuple[Any, ...]


class Order:
    """An order over the rows of one table; `columns` are those it goes by, the key last."""

    def __init__(self, reach: Reach, entity: Entity, text: str) -> None:
        self._parts: list[tuple[str, Column, Getter, bool]] = []
        for name, falling in order(text):
            _, column, getter = reach.path(entity, tuple(name.split("/")))
            self._parts.append((name, column, getter, falling))
        if not any(column.name == entity.key for _, column, _, _ in self._parts):
            column = entity.columns[entity.key]
            self._parts.append((entity.key, column, reach.value(column), False))

    @property
    def plain(self) -> bool:
        """Whether the rows go by their key alone, as they lie in the table."""
        return len(self._parts) == 1 and not self._parts[0][3]

    @property
    def names(self) -> list[str]:
        """The properties by which rows are ordered."""
        return [name.replace("/", ".") for name, _, _, _ in self._parts]

    def arrange(self, rows: Sequence[Row]) -> list[Row]:
        """The rows in this order."""
        found = list(rows)
        for _, column, getter, falling in reversed(self._parts):
            found.sort(key=lambda row, column=column, getter=getter: _rank(column, getter(row)), reverse=falling)  # type: ignore[misc]
        return found

    def values(self, row: Row) -> list[str | None]:
        """The values of a row that say where it stands, as texts."""
        return [_spell(column, getter(row)) for _, column, getter, _ in self._parts]

    def after(self, rows: Sequence[Row], last: Sequence[str | None]) -> int:
        """How many of the arranged rows do not come after values that were the last ones of a page."""
        low, high = 0, len(rows)
        wanted = [_rank(part[1], _read(part[1], text)) for part, text in zip(self._parts, last, strict=True)]
        while low < high:
            middle = (low + high) // 2
            if self._beyond(rows[middle], wanted):
                high = middle
            else:
                low = middle + 1
        return low

    def _beyond(self, row: Row, wanted: Sequence[Key]) -> bool:
        for (_, column, getter, falling), other in zip(self._parts, wanted, strict=True):
            rank = _rank(column, getter(row))
            if rank != other:
                return (rank > other) != falling
        return False


def _rank(column: Column, value: Any) -> Key:
    if value is None:
        return (0,)
    return (1, value.casefold() if column.textual else value)


def _spell(column: Column, value: Any) -> str | None:
    if value is None:
        return None
    return f"{{{value.upper()}}}" if _is_guid(column) else str(value)


def _is_guid(column: Column) -> bool:
    return column.lookup or column.type == "Uniqueidentifier"


_NUMBERS = frozenset({"Integer", "BigInt", "Picklist", "State", "Status", "Decimal", "Money", "Double"})


def _read(column: Column, text: str | None) -> Any:
    if text is not None and _is_guid(column):
        return text.strip("{}").lower()
    if text is None or column.type not in _NUMBERS | {"Boolean"}:
        return text
    return text == "True" if column.type == "Boolean" else Decimal(text)
