"""Values as rows hold them, out of what Python code and the control path give."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from crmsync_dynamics.simulator import ids, moments
from crmsync_dynamics.simulator.fields import DATE_ONLY, MULTI, Column, Ref

MONEY = Decimal("0.0000000001")


def canonical(column: Column, value: Any) -> Any:
    """The stored form of a value; raises ValueError or TypeError for one that cannot be of the column's type."""
    if value is None or value == "":
        return None
    if column.lookup:
        return _reference(column, value)
    return _PLAIN.get(column.type, _text)(column, value)


def _reference(column: Column, value: Any) -> Ref:
    if isinstance(value, str) and len(column.targets) == 1:
        value = (column.targets[0].table, value)
    table, identity = value
    whole = ids.normalise(str(identity))
    if whole is None or table not in {one.table for one in column.targets}:
        raise ValueError(f"{value!r} is no reference for {column.name}")
    return Ref(table, whole)


def _text(column: Column, value: Any) -> str:
    del column
    return str(value)


def _whole(column: Column, value: Any) -> int:
    if isinstance(value, bool) or int(value) != value:
        raise ValueError(f"{value!r} is no whole number for {column.name}")
    return int(value)


def _decimal(column: Column, value: Any) -> Decimal:
    exact = Decimal(str(value)).quantize(Decimal(1).scaleb(-column.precision), ROUND_HALF_UP)
    return exact.quantize(MONEY) if column.type == "Money" else exact


def _truth(column: Column, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"{value!r} is no boolean for {column.name}")  # noqa: TRY004 - a bad value, not a bad call
    return value


def _date(column: Column, value: Any) -> str:
    if not isinstance(value, str):
        value = value.isoformat()
    return moments.day(value) if column.behavior == DATE_ONLY else moments.canonical(value)


def _guid(column: Column, value: Any) -> str:
    whole = ids.normalise(str(value))
    if whole is None:
        raise ValueError(f"{value!r} is no GUID for {column.name}")
    return whole


def _several(column: Column, value: Any) -> str:
    del column
    parts = value if isinstance(value, (list, tuple)) else str(value).split(",")
    return ",".join(str(int(one)) for one in parts)


_PLAIN = {
    "Integer": _whole, "BigInt": _whole, "Picklist": _whole, "State": _whole, "Status": _whole, "Decimal": _decimal,
    "Money": _decimal, "Double": lambda _, value: float(value), "Boolean": _truth, "DateTime": _date,
    "Uniqueidentifier": _guid, MULTI: _several,
}  # fmt: skip
