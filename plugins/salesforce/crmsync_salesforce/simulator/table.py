"""The rows of one object: lists by id, with look-up and stamp indexes that are built on first use and kept after.

A row that is in the table is never changed in place; a write puts a new list. Pages and old versions stay as they were.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from crmsync_salesforce.simulator.fields import Field, ObjectType, Row

STAMP = "SystemModstamp"


def fold(value: Any) -> Any:
    """The form of a value under which the org calls two values equal."""
    return value.casefold() if isinstance(value, str) else value


class Pending(Struct):
    """A row whose transaction has not committed: what readers still see, since when and until when."""

    before: Row | None
    since: float
    until: float


class Table:
    """All rows of one object, deleted ones included."""

    def __init__(self, kind: ObjectType) -> None:
        self.kind = kind
        self.columns: dict[str, int] = {}
        self.by_id: dict[str, Row] = {}
        self.gone: dict[str, str] = {}
        self.pending: dict[str, Pending] = {}
        self._lookups: dict[str, dict[Any, set[str]]] = {}
        self._stamps: list[tuple[str, str]] | None = None
        for field in kind.fields.values():
            self._take_column(field)

    def _take_column(self, field: Field) -> None:
        if not field.calculated and field.type != "address":
            self.columns[field.name] = len(self.columns)

    def add_column(self, field: Field, value: Any = None) -> None:
        """Make room for a field that was added, with one value in every row."""
        if field.name in self.columns or field.calculated or field.type == "address":
            return
        self._take_column(field)
        for row in self.by_id.values():
            row.append(value)

    def load(self, rows: Iterable[Row]) -> None:
        """Take many finished rows at once, before any index exists."""
        self.by_id.update((row[0], row) for row in rows)
        self._lookups.clear()
        self._stamps = None

    def put(self, row: Row) -> None:
        """Store a row, new or in place of its older version."""
        before = self.by_id.get(row[0])
        self.by_id[row[0]] = row
        for name, index in self._lookups.items():
            self._reindex(index, self.columns[name], before, row)
        self._restamp(before, row)

    def remove(self, identity: str) -> None:
        """Forget a row altogether."""
        row = self.by_id.pop(identity)
        self.pending.pop(identity, None)
        for name, index in self._lookups.items():
            index.get(fold(row[self.columns[name]]), set()).discard(identity)

    def _reindex(self, index: dict[Any, set[str]], column: int, before: Row | None, row: Row) -> None:
        new = fold(row[column])
        old = fold(before[column]) if before is not None else None
        if before is not None and old != new and old in index:
            index[old].discard(row[0])
        if new is not None:
            index.setdefault(new, set()).add(row[0])

    def _restamp(self, before: Row | None, row: Row) -> None:
        column = self.columns.get(STAMP)
        if self._stamps is None or column is None:
            return
        if before is not None and before[column] == row[column]:
            return
        insort(self._stamps, (row[column], row[0]))

    def find(self, name: str, value: Any) -> set[str]:
        """The ids of the rows that hold the value in a column, deleted rows included."""
        index = self._lookups.get(name)
        if index is None:
            index = self._lookups[name] = {}
            column = self.columns[name]
            for identity, row in self.by_id.items():
                if row[column] is not None:
                    index.setdefault(fold(row[column]), set()).add(identity)
        return index.get(fold(value), set())

    def stamped(self, low: str | None, high: str | None) -> Iterator[Row]:
        """The visible rows with `low <= stamp <= high`, by stamp and then by id."""
        column = self.columns[STAMP]
        if self._stamps is None:
            self._stamps = sorted((row[column], row[0]) for row in self.by_id.values())
        elif len(self._stamps) > 2 * len(self.by_id) + 1000:
            self._stamps = sorted({(row[column], row[0]) for row in self._every_version()})
        start = bisect_left(self._stamps, (low, "")) if low else 0
        stop = bisect_left(self._stamps, (high, "\x7f")) if high else len(self._stamps)
        last = None
        for entry in self._stamps[start:stop]:
            row = self.visible(entry[1])
            if row is not None and row[column] == entry[0] and entry != last:
                last = entry
                yield row

    def _every_version(self) -> Iterator[Row]:
        yield from self.by_id.values()
        yield from (one.before for one in self.pending.values() if one.before is not None)

    def hold(self, identity: str, since: float, until: float) -> None:
        """Keep showing readers the present version of a row that is about to be written."""
        known = self.pending.get(identity)
        if known is None:
            self.pending[identity] = Pending(self.by_id.get(identity), since, until)
        else:
            known.until = max(known.until, until)

    def settle(self, now: float) -> None:
        """Let every transaction that has committed by now be seen."""
        for identity in [key for key, one in self.pending.items() if one.until <= now]:
            del self.pending[identity]

    def visible(self, identity: str) -> Row | None:
        """The committed version of a row, deleted or not."""
        if self.pending and identity in self.pending:
            return self.pending[identity].before
        return self.by_id.get(identity)

    def rows(self) -> Iterable[Row]:
        """The committed version of every row, deleted ones included, in the order of their ids."""
        if not self.pending:
            return self.by_id.values()
        return (row for row in map(self.visible, self.by_id) if row is not None)

    def live(self, row: Row) -> bool:
        """Whether a row is out of the recycle bin."""
        column = self.columns.get("IsDeleted")
        return column is None or not row[column]
