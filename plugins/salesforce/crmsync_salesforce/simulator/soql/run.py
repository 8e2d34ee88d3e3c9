"""One query from text to rows, for one user, at one moment."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import replace

from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.fields import Row
from crmsync_salesforce.simulator.reader import Getter, Reader
from crmsync_salesforce.simulator.soql import groups, plan, tree
from crmsync_salesforce.simulator.soql.conditions import Conditions
from crmsync_salesforce.simulator.soql.parser import complaint, parse
from crmsync_salesforce.simulator.soql.render import Record, Shape, wanted_paths
from crmsync_salesforce.simulator.table import Table, fold

if TYPE_CHECKING:
    from crmsync_salesforce.simulator.access import Rights
    from crmsync_salesforce.simulator.state import State

MOST_OFFSET = 2000
_WIDE_LENGTH = 255


class Found(Struct):
    """What a query found: rows with their shape, or ready records when it counts and groups."""

    shape: Shape
    rows: Sequence[Row]
    total: int
    ready: list[Record] | None = None

    @property
    def wide(self) -> bool:
        """Whether the vendor gives such rows only in pages of 200."""
        long = [f for f in self.shape.fields.values() if f.custom and f.type == "textarea" and f.length > _WIDE_LENGTH]
        return len(long) > 1

    def records(self, start: int, stop: int, base: str) -> list[Record]:
        """One stretch of the result as JSON records."""
        if self.ready is not None:
            return self.ready[start:stop]
        return self.shape.records(self.rows[start:stop], base)


class Runner:
    """Runs queries as one user; `everything` shows deleted and archived rows too."""

    def __init__(self, state: State, rights: Rights, *, everything: bool = False) -> None:
        self._state = state
        self._reader = Reader(state, rights)
        self._everything = everything

    def run(self, text: str) -> Found:
        """The result of a query; raises Refusal with the vendor's code when it cannot run."""
        query = parse(text)
        try:
            kind = self._reader.object(query.source)
        except Refusal as refusal:
            column = text.lower().find("from") + 6
            refusal.message = complaint(text, max(column, 1), refusal.message)
            raise
        if not kind.queryable:
            raise Refusal("INVALID_TYPE_FOR_OPERATION", f"entity type {kind.name} does not support query")
        return self._found(query, self._state.tables[kind.name])

    def _found(self, query: tree.Query, table: Table) -> Found:
        if query.offset > MOST_OFFSET:
            raise Refusal("NUMBER_OUTSIDE_VALID_RANGE", "Maximum SOQL offset allowed is 2000")
        shape = Shape(self._reader, table)
        if query.counts:
            total = sum(1 for _ in self._matching(query, table))
            return Found(shape, [], total, [])
        if query.aggregates:
            ready = groups.grouped(query, self._reader, table, self._matching(query, table))
            return Found(shape, [], len(ready), ready)
        self._fill(shape, query, table)
        rows = self.rows(query, table)
        return Found(shape, rows, len(rows))

    def _fill(self, shape: Shape, query: tree.Query, table: Table) -> None:
        for path in wanted_paths(query, self._reader, table):
            shape.take(path)
        for item in query.items:
            if isinstance(item, tree.Query):
                self._fill_children(shape, item, table)

    def rows(self, query: tree.Query, table: Table) -> list[Row]:
        """The matching rows in the order and number that was asked for."""
        chosen = plan.candidates(table, query.where, query.orders)
        rows: Iterable[Row] = self._filtered(query, table, chosen.rows)
        if not plan.keeps_order(chosen, query.orders):
            rows = self._sorted(query, table, rows)
        stop = None if query.limit is None else query.offset + query.limit
        return list(islice(rows, query.offset, stop))

    def _matching(self, query: tree.Query, table: Table) -> Iterable[Row]:
        return self._filtered(query, table, plan.candidates(table, query.where, ()).rows)

    def _filtered(self, query: tree.Query, table: Table, rows: Iterable[Row]) -> Iterable[Row]:
        rights, name = self._reader.rights, table.kind.name
        if not (self._everything or query.all_rows):
            rows = _present(table, rows)
        if not rights.sees_all_rows(name):
            rows = (row for row in rows if rights.sees_row(name, row))
        if query.where is None:
            return rows
        now = self._state.now()
        return filter(Conditions(self._reader, table, now, self._ids).compile(query.where), rows)

    def _ids(self, query: tree.Query) -> set[str]:
        kind = self._reader.object(query.source)
        table = self._state.tables[kind.name]
        _, read = self._reader.path(table, str(query.items[0]))
        return {value for row in self.rows(query, table) if (value := read(row)) is not None}

    def _sorted(self, query: tree.Query, table: Table, rows: Iterable[Row]) -> list[Row]:
        result = list(rows)
        for order in reversed(query.orders):
            field, read = self._reader.path(table, order.path)
            if not field.sortable:
                raise Refusal("MALFORMED_QUERY", f"field '{order.path}' can not be sorted in a query call")
            raw = field.type in {"id", "reference"}
            key = _sort_key(read, nulls_first=(order.nulls == "FIRST") != order.descending or not order.nulls, raw=raw)
            result.sort(key=key, reverse=order.descending)
        return result

    def _fill_children(self, shape: Shape, query: tree.Query, table: Table) -> None:
        child, field, name = self._child(table, query.source)
        inner = replace(query, source=child.kind.name)
        self._reader.object(child.kind.name)
        below = Shape(self._reader, child)
        self._fill(below, inner, child)

        def read(row: Row, base: str) -> Record | None:
            literal = tree.Literal("string", row[0])
            same: tree.Condition = tree.Compare(field, "=", literal)
            where = same if inner.where is None else tree.Both((same, inner.where))
            rows = self.rows(replace(inner, where=where), child)
            if not rows:
                return None
            return {"totalSize": len(rows), "done": True, "records": below.records(rows, base)}

        shape.take_children(name, read)

    def _child(self, table: Table, name: str) -> tuple[Table, str, str]:
        for other in self._state.tables.values():
            for field in other.kind.fields.values():
                known = field.child_relationship
                if known and known.lower() == name.lower() and table.kind.name in field.targets:
                    return other, field.name, known
        raise Refusal("INVALID_TYPE", f"Didn't understand relationship '{name}' in FROM part of query call.")


def _present(table: Table, rows: Iterable[Row]) -> Iterable[Row]:
    deleted, archived = table.columns.get("IsDeleted"), table.columns.get("IsArchived")
    if deleted is None:
        return rows
    if archived is None:
        return (row for row in rows if not row[deleted])
    return (row for row in rows if not row[deleted] and not row[archived])


def _sort_key(read: Getter, *, nulls_first: bool, raw: bool) -> Any:
    def key(row: Row) -> tuple[bool, Any]:
        value = read(row) if raw else fold(read(row))
        return ((value is None) != nulls_first, "" if value is None else value)

    return key
