"""Rows as the Web API shows them: properties by their names there, annotations where they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from crmsync_dynamics.simulator.access import User
from crmsync_dynamics.simulator.api.prefer import Preferences
from crmsync_dynamics.simulator.fields import Column, Entity, Ref, Row
from crmsync_dynamics.simulator.odata.formatted import format_value
from crmsync_dynamics.simulator.state import State

FORMATTED = "OData.Community.Display.V1.FormattedValue"
TABLE = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"
Getter = Callable[[Row], Any]
_PLAIN = frozenset({"String", "Memo", "Uniqueidentifier", "EntityName"})


class Renderer:
    """Renders rows of one table for one user; columns that are not given are all that there are."""

    def __init__(
        self, state: State, user: User, prefer: Preferences, entity: Entity, columns: Iterable[Column] | None = None
    ) -> None:
        self._state, self._user, self._entity = state, user, entity
        self._formatted = prefer.wants(FORMATTED)
        self._tables, self._navigations = prefer.wants(TABLE), prefer.wants(NAVIGATION)
        self.columns = list(columns if columns is not None else entity.properties())
        self._getters = [(column.wire, self.getter(column)) for column in self.columns]
        self._annotated = [column for column in self.columns if self._has_annotations(column)]

    def getter(self, column: Column) -> Getter:
        """How a column's value is read from a row, as stored; a secret is null."""
        name, state = column.name, self._state
        if not self._user.opens(self._entity.name, column):
            return lambda _: None
        if column.formula is not None:
            formula = column.formula
            return lambda row: formula(state, row)
        return lambda row: row.get(name)

    def record(self, row: Row) -> dict[str, Any]:
        """One row with its ETag."""
        shown: dict[str, Any] = {"@odata.etag": f'W/"{row["versionnumber"]}"'}
        for column, (name, getter) in zip(self.columns, self._getters, strict=True):
            value = getter(row)
            if value is not None and self._annotated:
                self._annotate(shown, column, value, row)
            shown[name] = value.id if isinstance(value, Ref) else value
        return shown

    def _has_annotations(self, column: Column) -> bool:
        if column.lookup:
            return self._formatted or self._tables or self._navigations
        return self._formatted and column.type not in _PLAIN

    def _annotate(self, shown: dict[str, Any], column: Column, value: Any, row: Row) -> None:
        if isinstance(value, Ref):
            self._annotate_reference(shown, column, value)
        elif self._formatted and column.type not in _PLAIN:
            shown[f"{column.wire}@{FORMATTED}"] = format_value(self._state, column, value, row)

    def _annotate_reference(self, shown: dict[str, Any], column: Column, ref: Ref) -> None:
        name = self._state.name_of(ref) if self._formatted else None
        if name is not None:
            shown[f"{column.wire}@{FORMATTED}"] = name
        if self._navigations and column.type != "Owner":
            target = next((one for one in column.targets if one.table == ref.table), None)
            if target is not None:
                shown[f"{column.wire}@{NAVIGATION}"] = target.navigation
        if self._tables:
            shown[f"{column.wire}@{TABLE}"] = ref.table
