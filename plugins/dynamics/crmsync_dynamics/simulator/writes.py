"""Creating, changing and deleting one row as one user: who may, what each value becomes, what stands in the way."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

from crmsync_dynamics.simulator import duplicates, rows, rules, status, workflows
from crmsync_dynamics.simulator.access import User
from crmsync_dynamics.simulator.addresses import Address, find, holders, ready_keys
from crmsync_dynamics.simulator.body import Body, Given
from crmsync_dynamics.simulator.errors import Refusal, missing
from crmsync_dynamics.simulator.fields import Column, Entity, Ref, Row, Values
from crmsync_dynamics.simulator.state import State


class Manner(Struct, frozen=True, kw_only=True):
    """How a write comes in: what the request headers say about its effect, and how many rows its message has."""

    detect_duplicates: bool = False
    bypass: bool = False  # what was set up by administrators does not run
    size: int = 1


class Writer:
    """Writes as one user; every public call is for the caller to wrap in a transaction."""

    def __init__(self, state: State, user: User, manner: Manner | None = None) -> None:
        self._state = state
        self._user = user
        self._manner = manner or Manner()

    @property
    def user_id(self) -> str:
        """Who writes."""
        return self._user.user_id

    def may_create(self, *tables: str) -> None:
        """Raise the vendor's refusal unless the user may make rows of all of these tables."""
        for name in tables:
            self._user.need("Create", self._state.entities[name])

    def create(self, entity: Entity, body: Mapping[str, Any], keys: Values | None = None) -> str:
        """Make a row, and the rows nested in its body, and return its id; `keys` are the alternate key of its address.

        Raises Refusal when the environment will not have it.
        """
        self._user.need("Create", entity)
        given = Body(self._state, self._user, entity, new=True).read(body)
        for column, table, parent in given.parents:
            given.cells[column.name] = Ref(table, self.create(self._state.entities[table], parent))
        identity = self.insert(entity, (keys or {}) | given.cells)
        self._children(entity, identity, given)
        return identity

    def insert(self, entity: Entity, cells: Values) -> str:
        """Make a row of stored cells and return its id; raises Refusal when the environment will not have it."""
        self._user.need("Create", entity)
        self._automate(entity, cells)
        rules.prepare(self._state, entity, None, cells)
        status.settle(entity, None, cells)
        self._require(entity, cells)
        self._check(entity, None, cells)
        identity = rows.create(self._state, entity.name, _told(cells), self._user.user_id)
        self._follow_up(entity, identity, None)
        return identity

    def update(self, entity: Entity, identity: str, body: Mapping[str, Any], *, closing: bool = False) -> None:
        """Change a row; raises Refusal when the environment will not have it. `closing` as in `status.settle`."""
        self.row("Write", entity, identity)
        given = Body(self._state, self._user, entity, new=False).read(body)
        given.cells.pop(entity.key, None)
        self.change(entity, identity, given.cells, closing=closing)

    def change(self, entity: Entity, identity: str, cells: Values, *, closing: bool = False) -> None:
        """Change a row by stored cells; raises Refusal when the environment will not have it."""
        before = self.row("Write", entity, identity)
        self._state.automation.touch(identity)
        self._automate(entity, cells)
        editable = self._state.settings.edit_closed_leads
        status.settle(entity, before, cells, closing=closing, edit_closed=editable)
        rules.prepare(self._state, entity, before, cells)
        self._require(entity, cells, new=False)
        self._check(entity, before, cells)
        rows.update(self._state, entity.name, identity, cells, self._user.user_id)
        self._follow_up(entity, identity, before)

    def delete(self, entity: Entity, identity: str) -> None:
        """Delete a row and what goes with it; raises Refusal for one that is not there or in use."""
        self.row("Delete", entity, identity)
        self._state.automation.touch(identity)
        self._need_unused(Ref(entity.name, identity))
        rows.delete(self._state, entity.name, identity)

    def upsert(self, address: Address, body: Mapping[str, Any]) -> tuple[str, bool]:
        """Change the row at an address or make it there; its id and whether it was made."""
        found = find(self._state, address)
        if found is not None:
            self.update(address.entity, found, body)
            return found, False
        key = {address.entity.key: address.identity} if address.identity is not None else {}
        return self.create(address.entity, body, address.keys | key), True

    def row(self, verb: str, entity: Entity, identity: str) -> Row:
        """A row that the user may do this to; raises Refusal."""
        row = self._state.tables[entity.name].by_id.get(identity)
        if row is None:
            raise missing(entity.name, identity)
        self._user.need_row(self._state, verb, entity, row)
        return row

    def _automate(self, entity: Entity, cells: Values) -> None:
        if not self._manner.bypass:
            self._state.automation.before_save(entity.name, cells, self._manner.size)

    def _check(self, entity: Entity, before: Row | None, cells: Values) -> None:
        self._need_free(entity, before, cells)
        self._assign(entity, before, cells)
        if self._manner.detect_duplicates:
            duplicates.check(self._state, entity, before, cells)

    def _require(self, entity: Entity, cells: Values, *, new: bool = True) -> None:
        for column in _required(entity):
            left_out = new and column.name not in cells and column.default is None
            if left_out or cells.get(column.name, column) is None:
                raise Refusal("0x80040200", f"Required field '{column.name}' is missing.")

    def _need_free(self, entity: Entity, before: Row | None, cells: Values) -> None:
        table = self._state.tables[entity.name]
        if before is None and cells.get(entity.key) in table.by_id:
            raise Refusal("0x80040237", "Cannot insert duplicate key.")
        row = {**(before or {}), **cells}
        for names in ready_keys(entity):
            key = {name: row.get(name) for name in names}
            if cells.keys() & key.keys() and holders(table, key) - {row.get(entity.key)}:
                text = f"A record that has the attribute values {', '.join(names)} already exists."
                raise Refusal("0x80060892", text)

    def _need_unused(self, ref: Ref) -> None:
        for name, column in sorted(self._state.settings.restricted):
            table = self._state.tables[name]
            if any(table.by_id[one][column] == ref for one in table.find(column, ref)):
                text = f"The record cannot be deleted because it is associated with another record of {name}."
                raise Refusal("0x80040227", text)

    def _assign(self, entity: Entity, before: Row | None, cells: Values) -> None:
        owner = cells.get("ownerid")
        mine = Ref("systemuser", self._user.user_id)
        if owner is None or owner == (mine if before is None else before.get("ownerid")):
            return
        if before is None:
            self._user.need("Assign", entity)
        else:
            self._user.need_row(self._state, "Assign", entity, before)

    def _children(self, entity: Entity, identity: str, given: Given) -> None:
        for child, bound, body in given.children:
            self.create(child, {**body, f"{bound}@odata.bind": f"/{entity.set_name}({identity})"})

    def _follow_up(self, entity: Entity, identity: str, before: Row | None) -> None:
        if not self._manner.bypass:
            workflows.saved(self._state, Ref(entity.name, identity), before)


def _required(entity: Entity) -> Iterator[Column]:
    """The columns that the caller of a create has to fill, but for those that have a default."""
    for column in entity.columns.values():
        settable = column.create and column.stored and column.type != "Owner"
        if column.required == "SystemRequired" and settable and column.name != entity.key:
            yield column


def _told(cells: Values) -> Values:
    """The cells that say something: for a new row, a column without a value is one that was not given."""
    return {name: value for name, value in cells.items() if value is not None}
