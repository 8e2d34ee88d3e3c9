"""A result row as the vendor writes it: nested JSON records over REST, flat text cells in bulk CSV."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from msgspec import Struct, field

from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.fields import Field, Row
from crmsync_salesforce.simulator.reader import Getter, Parent, Reader
from crmsync_salesforce.simulator.soql import tree
from crmsync_salesforce.simulator.table import Table

Record = dict[str, Any]
Children = Callable[[Row, str], Record | None]


class Parents(Struct):
    """The fields wanted of the record behind one reference."""

    find: Parent
    table: Table | None
    leaves: dict[str, Getter] = field(default_factory=dict)
    nested: dict[str, Parents] = field(default_factory=dict)


class Shape:
    """The SELECT list of one query, compiled."""

    def __init__(self, reader: Reader, table: Table) -> None:
        self.reader = reader
        self.table = table
        self.fields: dict[str, Field] = {}
        self.getters: dict[str, Getter] = {}
        self.parents: dict[str, Parents] = {}
        self.children: dict[str, Children] = {}
        self.order: list[str] = []

    def take(self, path: str) -> None:
        """Add one path of the SELECT list; raises INVALID_FIELD when it is there already."""
        field, read = self.reader.path(self.table, path)
        name = field.name if "." not in path else path
        if name.lower() in {known.lower() for known in self.fields}:
            raise Refusal("INVALID_FIELD", f"duplicate field selected: {name}")
        self.fields[name] = field
        self.getters[name] = read
        head, _, rest = path.partition(".")
        if not rest:
            self.order.append(name)
            return
        self._nest(self.parents, self.table, path)
        reference = self.reader.relation(self.table.kind, head)
        if reference.relationship and reference.relationship not in self.order:
            self.order.append(reference.relationship)

    def take_children(self, name: str, read: Children) -> None:
        """Add a sub-select under its relationship name."""
        self.children[name] = read
        self.order.append(name)

    def _nest(self, into: dict[str, Parents], table: Table, path: str) -> None:
        head, _, rest = path.partition(".")
        reference = self.reader.relation(table.kind, head)
        name = str(reference.relationship)
        one = len(reference.targets) == 1
        target = self.reader.state.tables[reference.targets[0]] if one else None
        node = into.setdefault(name, Parents(self.reader.parent(table, reference), target))
        if "." in rest and target is not None:
            self._nest(node.nested, target, rest)
        elif target is not None:
            field, read = self.reader.path(target, rest)
            node.leaves[field.name] = read
        else:
            node.leaves[self.reader.any_field(rest).name] = lambda row: row

    def records(self, rows: Sequence[Row], base: str) -> list[Record]:
        """The rows as JSON records; `base` is the versioned address of the objects."""
        kind = self.table.kind.name
        url = f"{base}/{kind}/"
        plain = self._plain_columns()
        if plain is not None:
            names = tuple(self.order)
            pick: Callable[[Row], tuple[Any, ...]] = (
                itemgetter(*plain) if len(plain) > 1 else lambda row: (row[plain[0]],)
            )
            return [
                {"attributes": {"type": kind, "url": url + row[0]}, **dict(zip(names, pick(row), strict=False))}
                for row in rows
            ]
        return [self._record(row, kind, base) for row in rows]

    def _plain_columns(self) -> list[int] | None:
        if self.parents or self.children or any(name not in self.table.columns for name in self.order):
            return None
        return [self.table.columns[name] for name in self.order]

    def _record(self, row: Row, kind: str, base: str) -> Record:
        record: Record = {"attributes": {"type": kind, "url": f"{base}/{kind}/{row[0]}"}}
        for name in self.order:
            if name in self.parents:
                record[name] = self._parent(self.parents[name], row, base)
            elif name in self.children:
                record[name] = self.children[name](row, base)
            else:
                record[name] = self.getters[name](row)
        return record

    def _parent(self, node: Parents, row: Row, base: str) -> Record | None:
        found = node.find(row)
        if found is None:
            return None
        table, parent = found
        kind = table.kind.name
        record: Record = {"attributes": {"type": kind if node.table else "Name", "url": f"{base}/{kind}/{parent[0]}"}}
        for name, read in node.leaves.items():
            record[name] = read(parent) if node.table else self.reader.any_value(found, name)
        for name, nested in node.nested.items():
            record[name] = self._parent(nested, parent, base)
        return record

    def cells(self) -> list[tuple[str, Field, Getter]]:
        """The columns of the flat form: name, field and reader."""
        return [(name, self.fields[name], self.getters[name]) for name in self.fields]


def wanted_paths(query: tree.Query, reader: Reader, table: Table) -> list[str]:
    """The SELECT list with FIELDS(…) written out."""
    paths: list[str] = []
    for item in query.items:
        if isinstance(item, str):
            paths.append(item)
        elif isinstance(item, tree.Call) and item.name == "FIELDS":
            paths.extend(_all_fields(str(item.path).upper(), query, reader, table))
    return paths


_MOST_FIELDS_ROWS = 200


def _all_fields(which: str, query: tree.Query, reader: Reader, table: Table) -> list[str]:
    if which != "STANDARD" and (query.limit is None or query.limit > _MOST_FIELDS_ROWS):
        raise Refusal("MALFORMED_QUERY", f"The SOQL FIELDS({which}) function must have a LIMIT of at most 200")
    visible = reader.rights.visible_fields(table.kind)
    return [name for name, one in visible.items() if which == "ALL" or (which == "CUSTOM") == one.custom]
