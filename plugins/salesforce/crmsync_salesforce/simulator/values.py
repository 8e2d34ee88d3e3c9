"""What a written value becomes before it is stored, and the vendor's refusal when it cannot."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from decimal import Context, Decimal, InvalidOperation
from typing import Any

from crmsync_salesforce.simulator import ids, moments
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.fields import Field

_EMAIL = re.compile(r"[^@\s,;<>()\[\]\\\"]+@[^@\s,;<>()\[\]\\\"]+\.[^@\s,;<>()\[\]\\\".]{2,}")
_CLOCK = re.compile(r"(\d\d:\d\d:\d\d)(?:\.(\d+))?Z")
_XSD = {"datetime": "dateTime", "currency": "double", "percent": "double"}
_MOST_DIGITS, _FLOAT_DIGITS = 18, 15
_EXACT = Context(prec=60)


def unreadable(field: Field, value: object) -> Refusal:
    """A literal of the wrong form, which makes the vendor refuse the whole call and not one record."""
    kind = _XSD.get(field.type, field.type)
    return Refusal(
        "JSON_PARSER_ERROR",
        f"Cannot deserialize instance of {kind} from VALUE_STRING value {value} or request may be missing a required "
        f"field at [line:1, column:1] for field {field.name}",
    )


def _text(field: Field, value: object) -> str | None:
    text = str(value).strip()
    if field.type == "textarea":
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    if not text:
        return None
    if field.length and len(text) > field.length:
        raise Refusal(
            "STRING_TOO_LONG",
            f"{field.label}: data value too large: {text[:255]} (max length={field.length})",
            fields=[field.name],
        )
    return text


def _email(field: Field, value: object) -> str | None:
    text = _text(field, value)
    if text is not None and not _EMAIL.fullmatch(text):
        raise Refusal("INVALID_EMAIL_ADDRESS", f"{field.label}: invalid email address: {text}", fields=[field.name])
    return text


def _picklist(field: Field, value: object) -> str | None:
    text = _text(field, value)
    if text is None or not field.restricted:
        return text
    known = {one.casefold(): one for one in field.picklist}
    if text.casefold() not in known:
        raise Refusal(
            "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
            f"{field.label}: bad value for restricted picklist field: {text}",
            fields=[field.name],
        )
    return known[text.casefold()]


def _multiple(field: Field, value: object) -> str | None:
    text = _text(field, value)
    if text is None:
        return None
    chosen = dict.fromkeys(part.strip() for part in text.split(";") if part.strip())
    order = {one: place for place, one in enumerate(field.picklist)}
    return ";".join(sorted(chosen, key=lambda one: order.get(one, len(order))))


def _boolean(field: Field, value: object) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).strip().lower()
    if text not in {"true", "false", "1", "0", ""}:
        raise unreadable(field, value)
    return text in {"true", "1"}


def _number(field: Field, value: object) -> float | int | Decimal:
    """A number to the field's scale: a float where that holds it exactly, and its digits where they are too many."""
    try:
        number = Decimal("NaN" if isinstance(value, bool) else str(value).strip())
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite():
        raise unreadable(field, value)
    whole = field.digits or field.precision - field.scale or _MOST_DIGITS
    if abs(number) >= 10**whole:
        raise Refusal(
            "NUMBER_OUTSIDE_VALID_RANGE",
            f"{field.label}: value outside of valid range on numeric field: {number}",
            fields=[field.name],
        )
    if field.type in {"int", "long"}:
        return int(number)
    rounded = number.quantize(Decimal(1).scaleb(-field.scale), context=_EXACT)
    return float(rounded) if len(rounded.normalize(_EXACT).as_tuple().digits) <= _FLOAT_DIGITS else rounded


def _date(field: Field, value: object) -> str:
    try:
        return date.fromisoformat(str(value).strip()[:10]).isoformat()
    except ValueError as error:
        raise unreadable(field, value) from error


def _datetime(field: Field, value: object) -> str:
    try:
        return moments.spell(moments.whole(moments.read(str(value).strip())))
    except ValueError as error:
        raise unreadable(field, value) from error


def _time(field: Field, value: object) -> str:
    found = _CLOCK.fullmatch(str(value).strip())
    if found is None:
        raise unreadable(field, value)
    return f"{found[1]}.{(found[2] or '')[:3].ljust(3, '0')}Z"


def _reference(field: Field, value: object) -> str:
    whole = ids.normalise(str(value).strip())
    if whole is None:
        raise Refusal("MALFORMED_ID", f"{field.label}: id value of incorrect type: {value}", fields=[field.name])
    return whole


_COERCE: dict[str, Callable[[Field, object], Any]] = {
    "email": _email,
    "picklist": _picklist,
    "multipicklist": _multiple,
    "boolean": _boolean,
    "int": _number,
    "long": _number,
    "double": _number,
    "currency": _number,
    "percent": _number,
    "date": _date,
    "datetime": _datetime,
    "time": _time,
    "reference": _reference,
    "id": _reference,
}


def stored(field: Field, value: object) -> Any:
    """The value as the org keeps it; raises Refusal when it does not fit the field."""
    if value is None or (value == "" and field.type != "boolean"):
        return False if field.type == "boolean" else None
    if isinstance(value, (dict, list)):
        raise unreadable(field, value)
    return _COERCE.get(field.type, _text)(field, value)


def csv_cell(field: Field, value: Any) -> str:
    """The value as bulk results spell it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Decimal):
        return f"{value:f}"
    if field.type == "datetime":
        return moments.zulu(value)
    return str(value)
