"""The simulated environment as tests and the demo story hold it: its data, its people, and what can happen in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from crmsync.clock import Clock, SystemClock
from crmsync.simulate import Plan
from crmsync_dynamics.simulator import ids, rows, schema
from crmsync_dynamics.simulator.access import User
from crmsync_dynamics.simulator.definitions import column_of, entity_of
from crmsync_dynamics.simulator.errors import missing
from crmsync_dynamics.simulator.fields import Column, Row, Values
from crmsync_dynamics.simulator.generator import fill
from crmsync_dynamics.simulator.sessions import Sessions
from crmsync_dynamics.simulator.state import Settings, State


class Org:
    """A whole simulated environment, the same for the same seed and clock.

    The methods act as another CRM user (an administrator unless `user` names one) and may set any stored column.
    Names are logical names; references are `Ref(table, id)`, or the bare id where a look-up has one target.
    """

    def __init__(
        self,
        records: int = 50,
        seed: int = 7,
        *,
        big_account: int = 0,
        duplicates: float = 0.02,
        clock: Clock | None = None,
        settings: Settings | None = None,
        **changes: Any,
    ) -> None:
        self.seed = seed
        self.settings = replace(settings or Settings(), **changes)
        self.state = State(schema.standard(), clock or SystemClock(), self.settings, seed)
        fill(self.state, Plan(records=records, seed=seed, big=big_account, duplicates=duplicates))
        self.sessions = Sessions(self.state, seed)

    @property
    def clock(self) -> Clock:
        """The clock all stamps and expiries go by."""
        return self.state.clock

    def user(self, name: str | None) -> User:
        """A user by id, client id or role ("full", "minimum", "restricted", "admin"); the administrator for None."""
        for user in self.state.users.values():
            if (name or "admin") in {user.name, user.user_id, user.client_id}:
                return user
        raise KeyError(name)

    def create(self, table: str, values: Values, user: str | None = None) -> str:
        """Make a row and return its id."""
        entity = self.state.entities[table]
        return rows.create(self.state, table, rows.stored(entity, values), self.user(user).user_id)

    def update(self, table: str, identity: str, values: Values, user: str | None = None) -> None:
        """Change some columns of a row."""
        entity = self.state.entities[table]
        whole = self._whole(table, identity)
        rows.update(self.state, table, whole, rows.stored(entity, values), self.user(user).user_id)

    def delete(self, table: str, identity: str) -> None:
        """Delete a row and what goes with it."""
        rows.delete(self.state, table, self._whole(table, identity))

    def get(self, table: str, identity: str) -> Values | None:
        """A row by logical names, calculated columns included; None when there is none."""
        row = self.state.tables[table].by_id.get(self._whole(table, identity))
        return self._record(table, row) if row is not None else None

    def records(self, table: str) -> Iterator[Values]:
        """The rows of a table by logical names, calculated columns included, by id."""
        found = self.state.tables[table]
        return (self._record(table, found.by_id[one]) for one in list(found.order))

    def count(self, table: str) -> int:
        """How many rows a table has."""
        return len(self.state.tables[table].by_id)

    def add_column(self, table: str, definition: Column | str | dict[str, Any]) -> None:
        """Add a column: a Column, a line of the notation in `fields`, or a dict of `schema`, `type` and attributes."""
        for column in column_of(table, definition):
            self.state.entities[table].columns[column.name] = column
            self.state.added[table, column.name] = self.state.now()
        self.state.touch_schema()

    def remove_column(self, table: str, name: str) -> None:
        """Delete a column for everybody, with its shadows; that ends the table's delta links."""
        columns = self.state.entities[table].columns
        for gone in [one.name for one in columns.values() if name in {one.name, one.attribute_of}]:
            del columns[gone]
        self.state.touch_schema(table)

    def change_column(self, table: str, name: str, **changes: Any) -> None:
        """Change a column's metadata: `length`, `secured`, `label` and so on; that ends the table's delta links."""
        columns = self.state.entities[table].columns
        columns[name] = replace(columns[name], **changes)
        self.state.touch_schema(table)

    def add_table(self, definition: dict[str, Any]) -> None:
        """Add a custom table: a dict with `schema`, and optionally `label`, `plural`, `set_name` and `columns`."""
        self.state.add_entity(entity_of(definition, len(self.state.entities)))

    def _record(self, table: str, row: Row) -> Values:
        columns = self.state.entities[table].columns
        return {
            name: column.formula(self.state, row) if column.formula else row.get(name)
            for name, column in columns.items()
            if column.odata
        }

    def _whole(self, table: str, identity: str) -> str:
        whole = ids.normalise(identity)
        if whole is None:
            raise missing(table, identity)
        return whole
