"""How the properties of a query reach a row's values, through navigation properties if need be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

from crmsync_dynamics.simulator.access import User
from crmsync_dynamics.simulator.errors import Refusal, no_property
from crmsync_dynamics.simulator.fields import Column, Entity, Ref, Row, Target
from crmsync_dynamics.simulator.odata import memberships
from crmsync_dynamics.simulator.state import State

Getter = Callable[[Row], Any]


class Reach(Struct, frozen=True):
    """Who asks, of what: what names in queries and expansions mean."""

    state: State
    user: User
    strong: bool = False  # whether columns count that were added only just now

    def column(self, entity: Entity, name: str) -> Column:
        """The column of a property, under its name in the Web API, or a look-up under its bare name."""
        column = entity.find(name)
        if column is None and self.state.settings.bare_lookups:
            bare = entity.columns.get(name)
            column = bare if bare is not None and bare.lookup and len(bare.targets) == 1 and bare.odata else None
        if column is None or (not self.strong and self.state.unpublished(entity.name, column.name)):
            raise no_property(name, entity.name)
        return column

    def open_column(self, entity: Entity, name: str) -> Column:
        """The column of a property that is compared with; raises the refusal of a secret."""
        column = self.column(entity, name)
        if not self.user.opens(entity.name, column):
            status = self.state.settings.secured_filter_status
            text = f"The query contains the secured attribute {name} of {entity.name}, which the caller may not read."
            raise Refusal("0x8004f506", text, status=status)
        return column

    def value(self, column: Column) -> Getter:
        """How a column's stored value is read; of a reference, the id."""
        state, name = self.state, column.name
        if column.formula is not None:
            formula = column.formula
            return lambda row: _plain(formula(state, row))
        if column.lookup:
            return lambda row: _plain(row.get(name))
        return lambda row: row.get(name)

    def path(self, entity: Entity, parts: tuple[str, ...]) -> tuple[Entity, Column, Getter]:
        """The column at the end of a path of single-valued navigation properties, and how it is read."""
        if len(parts) == 1:
            column = self.open_column(entity, parts[0])
            return entity, column, self.value(column)
        step = self.navigation(entity, parts[0])
        other, column, inner = self.path(self.state.entities[step[1].table], parts[1:])
        follow = self.follow(*step)

        def read(row: Row) -> Any:
            found = follow(row)
            return inner(found) if found is not None else None

        return other, column, read

    def navigation(self, entity: Entity, name: str) -> tuple[Column, Target]:
        """The look-up behind a single-valued navigation property."""
        found = entity.navigation(name)
        if found is None:
            raise no_property(name, entity.name)
        return found

    def follow(self, column: Column, target: Target) -> Callable[[Row], Row | None]:
        """How the row is found that a look-up points to in one target."""
        state, name, formula = self.state, column.name, column.formula
        several = column.type == "Owner"

        def find(row: Row) -> Row | None:
            ref = formula(state, row) if formula is not None else row.get(name)
            return state.get(ref) if isinstance(ref, Ref) and (several or ref.table == target.table) else None

        return find

    def collection(self, entity: Entity, name: str) -> tuple[Entity, Callable[[Row], Iterable[Row]]]:
        """The table and rows of a collection-valued navigation property."""
        for other in self.state.entities.values():
            for column in other.columns.values():
                if column.stored and any(one.collection == name and one.table == entity.name for one in column.targets):
                    return other, self._children(entity, other, column)
        if (members := memberships.side(self.state, entity, name)) is not None:
            return members
        pairing = self.state.pairings.get(name)
        if pairing is None or entity.name not in {pairing.one, pairing.two}:
            raise no_property(name, entity.name)
        first = pairing.one == entity.name
        other = self.state.entities[pairing.two if first else pairing.one]
        return other, self._paired(entity, other, name, first=first)

    def _children(self, entity: Entity, other: Entity, column: Column) -> Callable[[Row], Iterable[Row]]:
        table = self.state.tables[other.name]

        def find(row: Row) -> Iterable[Row]:
            ref = Ref(entity.name, row[entity.key])
            return [
                one for key in sorted(table.find(column.name, ref)) if (one := table.by_id[key])[column.name] == ref
            ]

        return find

    def _paired(self, entity: Entity, other: Entity, name: str, *, first: bool) -> Callable[[Row], Iterable[Row]]:
        near, far = (0, 1) if first else (1, 0)
        table = self.state.tables[other.name]

        def find(row: Row) -> Iterable[Row]:
            ids = sorted(pair[far] for pair in self.state.pairs[name] if pair[near] == row[entity.key])
            return [table.by_id[one] for one in ids if one in table.by_id]

        return find


def _plain(value: Any) -> Any:
    return value.id if isinstance(value, Ref) else value
