"""Values as people in the environment's language see them."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from crmsync_dynamics.simulator import moments
from crmsync_dynamics.simulator.fields import CHOICES, DATE_ONLY, MULTI, Column, Ref, Row
from crmsync_dynamics.simulator.state import State


def format_value(state: State, column: Column, value: Any, row: Row) -> str:
    """The text of a stored value: the label of a choice, an amount with its currency, a date as in the language."""
    if column.type in CHOICES or column.type in {"Boolean", MULTI}:
        return _label(column, value)
    if column.type == "Money":
        return f"{_symbol(state, row)}{value:,.{column.precision}f}"
    if column.type == "DateTime":
        return _moment(column, value)
    if isinstance(value, (int, float, Decimal)):
        return f"{value:,.{column.precision}f}"
    return str(value)


def _label(column: Column, value: Any) -> str:
    labels = {one.value: one.label for one in column.options}
    if column.type == MULTI:
        return "; ".join(labels.get(int(one), one) for one in value.split(","))
    return labels.get(int(value), str(value))


def _symbol(state: State, row: Row) -> str:
    ref = row.get("transactioncurrencyid")
    currency = state.get(ref) if isinstance(ref, Ref) else None
    return str((currency or {}).get("currencysymbol", ""))


def _moment(column: Column, value: str) -> str:
    moment = moments.read(value)
    day = f"{moment.month}/{moment.day}/{moment.year}"
    return day if column.behavior == DATE_ONLY else f"{day} {moment.hour % 12 or 12}:{moment:%M %p}"
