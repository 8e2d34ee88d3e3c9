"""The published duplicate detection rules, which look at a write only when the caller asks for it."""

from __future__ import annotations

from crmsync_dynamics.simulator.errors import Refusal
from crmsync_dynamics.simulator.fields import Entity, Row, Values
from crmsync_dynamics.simulator.state import State


def check(state: State, entity: Entity, before: Row | None, cells: Values) -> None:
    """Raise the vendor's refusal when an active row of the table agrees with the one being saved by a rule."""
    if not state.settings.duplicate_detection or not entity.duplicates:
        return
    table, row = state.tables[entity.name], {**(before or {}), **cells}
    for owner, name in state.settings.duplicate_rules:
        if owner != entity.name or name not in cells or row.get(name) is None:
            continue
        others = set(table.find(name, row[name])) - {row.get(entity.key)}
        if any(not table.by_id[one].get("statecode") for one in others):
            raise Refusal(
                "0x80040333",
                "A record was not created or updated because a duplicate of the current record already exists.",
            )
