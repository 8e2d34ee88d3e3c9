"""Rows as the Web API shows them: properties by their names there, annotations where they are wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from crmsync_dynamics.simulator.api.prefer import Preferences
from crmsync_dynamics.simulator.fields import Column, Entity, Ref, Row
from crmsync_dynamics.simulator.odata.formatted import format_value
from crmsync_dynamics.simulator.odata.paths import Reach

FORMATTED = "OData.Community.Display.V1.FormattedValue"
TABLE = "Microsoft.Dynamics.CRM.lookuplogicalname"
NAVIGATION = "Microsoft.Dynamics.CRM.associatednavigationproperty"
Getter = Callable[[Row], Any]
_PLAIN = frozenset({"String", "Memo", "Uniqueidentifier", "EntityName"})


class Renderer:
    """Renders rows of one table for one user; without columns, all of them. `expanded` adds what was expanded."""

    def __init__(
        self,
        reach: Reach,
        prefer: Preferences,
        entity: Entity,
        columns: Iterable[Column] | None = None,
        expanded: Iterable[tuple[str, Getter]] = (),
    ) -> None:
        self._reach, self._state, self._entity = reach, reach.state, entity
        self._formatted = prefer.wants(FORMATTED)
        self._tables, self._navigations = prefer.wants(TABLE), prefer.wants(NAVIGATION)
        self.columns = list(columns if columns is not None else entity.properties())
        self._cells = [self._cell(column) for column in self.columns]
        self._expanded = list(expanded)

    def record(self, row: Row) -> dict[str, Any]:
        """One row with its ETag."""
        shown: dict[str, Any] = {"@odata.etag": f'W/"{row["versionnumber"]}"'}
        for name, getter, annotate in self._cells:
            value = getter(row)
            if value is not None and annotate is not None:
                annotate(shown, value, row)
            shown[name] = value.id if isinstance(value, Ref) else value
        for name, getter in self._expanded:
            shown[name] = getter(row)
        return shown

    def _cell(self, column: Column) -> tuple[str, Getter, Callable[[dict[str, Any], Any, Row], None] | None]:
        return column.wire, self._getter(column), self._annotator(column)

    def _getter(self, column: Column) -> Getter:
        name, state, formula = column.name, self._state, column.formula
        if not self._reach.user.opens(self._entity.name, column):
            return lambda _: None
        if formula is not None:
            return lambda row: formula(state, row)
        return lambda row: row.get(name)

    def _annotator(self, column: Column) -> Callable[[dict[str, Any], Any, Row], None] | None:
        if column.lookup and (self._formatted or self._tables or self._navigations):
            return lambda shown, value, _: self._annotate_reference(shown, column, value)
        if column.lookup or not self._formatted or column.type in _PLAIN:
            return None
        name, state = f"{column.wire}@{FORMATTED}", self._state

        def annotate(shown: dict[str, Any], value: Any, row: Row) -> None:
            shown[name] = format_value(state, column, value, row)

        return annotate

    def _annotate_reference(self, shown: dict[str, Any], column: Column, ref: Ref) -> None:
        name = self._state.name_of(ref) if self._formatted else None
        if name is not None:
            shown[f"{column.wire}@{FORMATTED}"] = name
        if self._navigations and column.type != "Owner" and column.navigable:
            target = next((one for one in column.targets if one.table == ref.table), None)
            if target is not None:
                shown[f"{column.wire}@{NAVIGATION}"] = target.navigation
        if self._tables:
            shown[f"{column.wire}@{TABLE}"] = ref.table
