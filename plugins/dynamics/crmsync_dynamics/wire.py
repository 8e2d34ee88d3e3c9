"""From canonical values to what the vendor's JSON holds. What could spoil a whole call is refused before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crmsync.connectors.plainly import Unfit, encoded, headed, plain
from crmsync.model import Type, Value
from crmsync_dynamics.tables import Column

__all__ = ["Body", "Places", "Unfit", "headed", "record"]

BIND = "@odata.bind"
STATE, REASON = "statecode", "statuscode"
_CHOICES = frozenset({"Picklist", "State", "Status"})
_NOON = "T12:00:00Z"  # of a day that stands for a moment: the same day nearly everywhere

Places = Mapping[str, tuple[str, str]]
"""Of the records that are referred to by id: their table, and where to bind to."""
Body = dict[str, object]


def record(values: Mapping[str, Value], columns: Mapping[str, Column], places: Places) -> bytes:
    """The values of one record as a JSON object; a reason brings the state along that it is for. Raises Unfit."""
    found: Body = {}
    for name, value in values.items():
        found |= _refer(columns[name], value, places) if columns[name].navigation else _plain(columns[name], value)
    if REASON in found and columns[REASON].states:
        _settle(found, columns[REASON].states)
    return encoded(found, values)


def _plain(column: Column, value: Value) -> Body:
    if value is None:
        return {column.wire: None}
    name, kind = column.field.name, column.field.type
    if column.options or column.field.native in _CHOICES:
        return {column.wire: _chosen(column, value)}
    found: Any = plain(name, kind, value)
    if column.negated:
        found = not found
    elif kind is Type.DATETIME:
        found = str(found).replace(".000Z", "Z")
    elif kind is Type.DATE and not column.day_only:
        found = f"{found}{_NOON}"
    return {column.wire: found}


def _chosen(column: Column, value: Value) -> object:
    """The number of a choice, or of several the numbers."""
    text = str(plain(column.field.name, Type.TEXT, value))
    if column.field.type is not Type.MULTI:
        return number_of(column, text)
    return ",".join(str(one) for one in sorted(number_of(column, part) for part in text.split(";")))


def number_of(column: Column, text: str) -> int:
    """The number of a choice by its label, or by itself. Raises Unfit."""
    numbers = {label: number for number, label in column.options.items()}
    if text in numbers:
        return numbers[text]
    if text.lstrip("-").isdigit() and (int(text) in column.options or not column.options):
        return int(text)
    raise Unfit(column.field.name, "a value is expected that the CRM offers")


def _settle(found: Body, states: Mapping[int, int]) -> None:
    """Have state and reason go together, as the CRM wants them."""
    reason = found[REASON]
    if not isinstance(reason, int) or reason not in states:
        return
    if found.setdefault(STATE, states[reason]) != states[reason]:
        raise Unfit(REASON, "a reason is expected that belongs to the state")


def _refer(column: Column, value: Value, places: Places) -> Body:
    """A look-up is bound by the name of its way to the table; without a value any of the names empties it."""
    if value is None:
        return {f"{next(iter(column.navigation.values()))}{BIND}": None}
    table, address = places.get(str(value).lower(), ("", ""))
    way = column.navigation.get(table)
    if way is None:
        raise Unfit(column.field.name, f"the id of a record of {' or '.join(column.navigation)} is expected")
    return {f"{way}{BIND}": address}
