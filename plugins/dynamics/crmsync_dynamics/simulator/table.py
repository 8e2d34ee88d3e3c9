"""One table's rows, with what queries need to find them quickly: their order, their versions and look-up indexes."""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterable, Iterator
from typing import Any

from crmsync_dynamics.simulator.fields import Entity, Ref, Row


def fold(value: Any) -> Any:
    """The value as equality sees it: texts without case, references by their id."""
    if isinstance(value, Ref):
        return value.id
    return value.casefold() if isinstance(value, str) else value


class Table:
    """All rows of one table; `gone` are the ids of deleted rows with the version of their deletion."""

    def __init__(self, entity: Entity) -> None:
        self.entity = entity
        self.by_id: dict[str, Row] = {}
        self.gone: list[tuple[int, str]] = []
        self._log: list[tuple[int, str]] = []
        self._order: list[str] | None = None
        self._indexes: dict[str, dict[Any, set[str]]] = {}

    def load(self, rows: Iterable[Row]) -> None:
        """Take many finished rows at once, in the order of their versions."""
        key = self.entity.key
        fresh = list(rows)
        self.by_id.update((row[key], row) for row in fresh)
        self._log.extend((row["versionnumber"], row[key]) for row in fresh)
        self._order = None
        self._indexes.clear()

    def put(self, row: Row) -> None:
        """Store a row, new or in place of its older version."""
        identity = row[self.entity.key]
        before = self.by_id.get(identity)
        self.by_id[identity] = row
        self._note((row["versionnumber"], identity))
        if before is None and self._order is not None:
            insort(self._order, identity)
        self._reindex(identity, before, row)

    def _note(self, entry: tuple[int, str]) -> None:
        place = bisect_left(self._log, entry)
        if self._log[place : place + 1] != [entry]:  # which is there again where a write was taken back
            self._log.insert(place, entry)

    def remove(self, identity: str, version: int | None = None) -> None:
        """Take a row away; with a version, the deletion is told to those who track changes."""
        before = self.by_id.pop(identity)
        if version is not None:
            self.gone.append((version, identity))
        self._order = None
        self._reindex(identity, before, {})

    def _reindex(self, identity: str, before: Row | None, row: Row) -> None:
        for name, index in self._indexes.items():
            old, new = fold((before or {}).get(name)), fold(row.get(name))
            if old != new and old is not None:
                index.get(old, set()).discard(identity)
            if new is not None:
                index.setdefault(new, set()).add(identity)

    def find(self, name: str, value: Any) -> set[str]:
        """The ids of the rows that hold the value in a stored column."""
        index = self._indexes.get(name)
        if index is None:
            index = self._indexes[name] = {}
            for identity, row in self.by_id.items():
                if row.get(name) is not None:
                    index.setdefault(fold(row[name]), set()).add(identity)
        return index.get(fold(value), set())

    @property
    def order(self) -> list[str]:
        """All ids in rising order."""
        if self._order is None:
            self._order = sorted(self.by_id)
        return self._order

    def changed(self, since: int) -> Iterator[Row]:
        """The rows whose version is above one, by version."""
        for version, identity in self._log[bisect_right(self._log, (since, "\x7f")) :]:
            row = self.by_id.get(identity)
            if row is not None and row["versionnumber"] == version:
                yield row

    def deleted(self, since: int) -> list[tuple[int, str]]:
        """The last deletion of each id above a version, with its own version, in the order of deletion."""
        later = self.gone[bisect_right(self.gone, (since, "\x7f")) :]
        last = {identity: version for version, identity in later}
        return sorted((version, identity) for identity, version in last.items())
