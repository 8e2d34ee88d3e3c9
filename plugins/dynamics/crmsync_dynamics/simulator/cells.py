"""What a value in a request body becomes in a row, and the vendor's refusals of values that a column will not have."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from crmsync_dynamics.simulator import ids, moments
from crmsync_dynamics.simulator.errors import Refusal
from crmsync_dynamics.simulator.fields import CHOICES, DATE_ONLY, MULTI, Column, Entity
from crmsync_dynamics.simulator.values import canonical

Check = Callable[[Entity, Column, Any], Any]
MOST_CHOICES = 150
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
_EARLIEST = datetime(1753, 1, 1, tzinfo=UTC)
_EDM = {
    "Boolean": "Edm.Boolean", "Integer": "Edm.Int32", "BigInt": "Edm.Int64", "Decimal": "Edm.Decimal",
    "Double": "Edm.Double", "Money": "Edm.Decimal", "Uniqueidentifier": "Edm.Guid", "DateTime": "Edm.DateTimeOffset",
    **dict.fromkeys(CHOICES, "Edm.Int32"),
}  # fmt: skip


def stored(entity: Entity, column: Column, value: Any) -> Any:
    """The cell for a JSON value, None for null and for empty text; raises Refusal."""
    if value is None or value == "":
        return None
    check: Check = _CHECKS.get(column.type, _text)
    return check(entity, column, value)


def payload(entity: Entity, text: str) -> Refusal:
    """The refusal of a body that does not fit the table's type."""
    head = f"Error identified in Payload provided by the user for Entity :'{entity.set_name}',"
    return Refusal("0x80048d19", f"{head} InnerException : {text}")


def _cannot(entity: Entity, column: Column, value: Any) -> Refusal:
    wanted = "Edm.Date" if column.behavior == DATE_ONLY else _EDM.get(column.type, "Edm.String")
    return payload(entity, f"Cannot convert the literal '{value}' to the expected type '{wanted}'.")


def _text(entity: Entity, column: Column, value: Any) -> str:
    if not isinstance(value, str):
        raise _cannot(entity, column, value)
    if _CONTROL.search(value):
        raise Refusal("0x80040203", f"The value of '{column.name}' holds a character that is not allowed.")
    if column.length and len(value) > column.length:
        raise Refusal(
            "0x80044331",
            f"A validation error occurred.  The length of the '{column.name}' attribute of the '{entity.name}' entity "
            f"exceeded the maximum allowed length of '{column.length}'.",
        )
    return value


def _whole(entity: Entity, column: Column, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _cannot(entity, column, value)
    _within("0x8004432f", entity, column, Decimal(value))
    return value


def _number(entity: Entity, column: Column, value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        raise _cannot(entity, column, value)
    _within("0x80044330", entity, column, Decimal(str(value)))
    return canonical(column, value)


def _within(code: str, entity: Entity, column: Column, value: Decimal) -> None:
    low, high = column.low, column.high
    if (low is not None and value < low) or (high is not None and value > high):
        raise Refusal(
            code,
            f"A validation error occurred.  The value of '{column.name}' on record of type '{entity.name}' is outside "
            f"the valid range of '{low}' to '{high}'.",
        )


def _truth(entity: Entity, column: Column, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _cannot(entity, column, value)
    return value


def _choice(entity: Entity, column: Column, value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise _cannot(entity, column, value)
    _among(entity, column, value)
    return value


def _among(entity: Entity, column: Column, value: int) -> None:
    known = [option.value for option in column.options]
    if value not in known:
        raise Refusal(
            "0x8004431a",
            f"A validation error occurred. The value {value} of '{column.name}' on record of type '{entity.name}' is "
            f"outside the valid range. Accepted Values: {','.join(map(str, known))}",
        )


def _choices(entity: Entity, column: Column, value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"-?\d+(,-?\d+)*", value):
        raise _cannot(entity, column, value)
    picked = sorted({int(one) for one in value.split(",")})
    if len(picked) > MOST_CHOICES:
        raise Refusal("0x80040203", f"The value of '{column.name}' has more than {MOST_CHOICES} choices.")
    for one in picked:
        _among(entity, column, one)
    return ",".join(map(str, picked))


def _moment(entity: Entity, column: Column, value: Any) -> str:
    try:
        text = str(canonical(column, value))
        early = moments.read(text) < _EARLIEST
    except (ValueError, TypeError, AttributeError) as error:
        raise _cannot(entity, column, value) from error
    if column.behavior != DATE_ONLY and "T" not in value:
        raise _cannot(entity, column, value)
    if early:
        raise Refusal("0x80040239", "DateTime is less than minimum value supported by CrmDateTime. Minimum: 01/01/1753")
    return text


def _guid(entity: Entity, column: Column, value: Any) -> str:
    found = ids.normalise(value) if isinstance(value, str) else None
    if found is None:
        raise _cannot(entity, column, value)
    return found


_CHECKS: dict[str, Check] = {
    "Integer": _whole,
    "BigInt": _whole,
    "Decimal": _number,
    "Double": _number,
    "Money": _number,
    "Boolean": _truth,
    **dict.fromkeys(CHOICES, _choice),
    MULTI: _choices,
    "DateTime": _moment,
    "Uniqueidentifier": _guid,
}
