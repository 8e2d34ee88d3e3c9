"""A request body as a table sees it: cells of columns, look-ups that were bound, and rows nested to be made with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field

from crmsync_dynamics.simulator import addresses, cells
from crmsync_dynamics.simulator.access import User
from crmsync_dynamics.simulator.errors import Refusal, missing
from crmsync_dynamics.simulator.fields import Column, Entity, Ref, Values
from crmsync_dynamics.simulator.state import State

BIND = "@odata.bind"


class Given(Struct):
    """What a body gives: stored cells by logical name, and bodies of rows to make before it and after it.

    A parent has the look-up that is to point to it, a child the navigation property that is to point back.
    """

    cells: Values = field(default_factory=dict)
    parents: list[tuple[Column, str, Values]] = field(default_factory=list)
    children: list[tuple[Entity, str, Values]] = field(default_factory=list)


class Body:
    """Reads bodies of one table as one user; `new` is whether the row is being made, not changed."""

    def __init__(self, state: State, user: User, entity: Entity, *, new: bool) -> None:
        self._state = state
        self._user = user
        self._entity = entity
        self._new = new
        self._given = Given()

    def read(self, body: Mapping[str, Any]) -> Given:
        """What the body gives; raises Refusal for the first property that is not there, not free or not fit."""
        for name, value in body.items():
            told = name.removesuffix(BIND)
            if "@" in told:  # an annotation
                continue
            self._state.written[f"{self._entity.name}.{told}"] += 1
            if told != name:
                self._bind(told, value)
            else:
                self._property(name, value)
        return self._given

    def _property(self, name: str, value: Any) -> None:
        column = self._entity.find(name)
        if column is not None and column.lookup:
            raise cells.payload(
                self._entity,
                "CRM do not support direct update of Entity Reference properties, Use Navigation properties instead.",
            )
        if column is not None:
            self._cell(column, value)
        else:
            self._nested(name, value)

    def _cell(self, column: Column, value: Any) -> None:
        if self._takes(column):
            self._given.cells[column.name] = cells.stored(self._entity, column, self._trimmed(value))

    def _trimmed(self, value: Any) -> Any:
        return value.strip() if self._state.settings.trim and isinstance(value, str) else value

    def _takes(self, column: Column) -> bool:
        """Whether a value for the column is stored; what is read-only is ignored or refused, as the setting says."""
        settable = column.type == "State" or column.create if self._new else column.update
        if not settable:
            if self._state.settings.refuse_read_only and column.name != self._entity.key:
                raise cells.payload(self._entity, f"The property '{column.name}' is read-only.")
            return False
        if not self._user.opens(self._entity.name, column, "create" if self._new else "update"):
            raise self._secured(column)
        return True

    def _secured(self, column: Column) -> Refusal:
        verb, code = ("create", "0x8004f502") if self._new else ("update", "0x8004f507")
        return Refusal(
            code,
            f"Caller user with Id {self._user.user_id} does not have {verb} permissions for the {column.name} secured "
            f"attribute(s) on the {self._entity.name} table.",
        )

    def _nested(self, name: str, value: Any) -> None:
        single = self._entity.navigation(name)
        if single is not None and value is None:
            self._point(single[0], None)
        elif single is not None and isinstance(value, dict) and self._new:
            self._given.parents.append((single[0], single[1].table, value))
        else:
            self._collection(name, value)

    def _collection(self, name: str, value: Any) -> None:
        found = addresses.collection(self._state, self._entity, name)
        if found is None:
            raise Refusal(
                "0x0",
                f"Invalid property '{name}' was found in entity 'Microsoft.Dynamics.CRM.{self._entity.name}'. Make "
                "sure to only use property names that are defined by the type.",
            )
        if not isinstance(value, list) or not self._new:
            raise cells.payload(self._entity, f"The navigation property '{name}' cannot be set like this.")
        self._given.children.extend((found[0], found[2].navigation, one) for one in value)

    def _bind(self, name: str, value: Any) -> None:
        found = self._entity.navigation(name)
        if found is None:
            raise cells.payload(
                self._entity,
                f"An undeclared property '{name}' which only has property annotations in the payload but no property "
                "value was found in the payload. In OData, only declared navigation properties and declared named "
                "streams can be represented as properties without values.",
            )
        column, _ = found
        if value is None:
            self._point(column, None)
            return
        address = addresses.of_reference(self._state, value)
        wanted = {one.table for one in column.targets if one.navigation == name}
        if address.entity.name not in wanted:
            raise cells.payload(
                self._entity, f"The resource '{address.entity.set_name}' is not what the property '{name}' points to."
            )
        self._point(column, Ref(address.entity.name, addresses.need(self._state, address)))

    def _point(self, column: Column, ref: Ref | None) -> None:
        if not self._takes(column):
            return
        if ref is not None:
            self._check_target(column, ref)
            if self._given.cells.get(column.name) is not None:
                raise cells.payload(self._entity, f"The property '{column.name}' is bound to more than one row.")
        self._given.cells.setdefault(column.name, None)
        if ref is not None:
            self._given.cells[column.name] = ref

    def _check_target(self, column: Column, ref: Ref) -> None:
        row = self._state.get(ref)
        if row is None:
            raise missing(ref.table, ref.id)
        if column.type != "Owner":
            self._user.need("Append", self._entity)
            self._user.need_row(self._state, "AppendTo", self._state.entities[ref.table], row)
        elif row.get("isdisabled"):
            raise Refusal(
                "0x80040231",
                f"Principal with id {ref.id} does not have ReadAccess right(s) for the {self._entity.name} record.",
                status=403,
            )
