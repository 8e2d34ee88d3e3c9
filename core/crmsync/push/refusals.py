"""Why the CRM would refuse a value, found out before it is sent: type, length, size, choice, emptiness."""

from __future__ import annotations

from crmsync.model import Field, Type, Value
from crmsync.values import from_json

_BOOLEANS = (0, 1)


def prepared(value: Value, field: Field) -> Value:
    """The value in canonical form, as a connector expects it. Raises ValueError that says what is wrong with it."""
    if field.type is Type.BOOLEAN and isinstance(value, int) and value in _BOOLEANS:
        value = bool(value)
    canonical = from_json(value, field.type)
    if why := refused(canonical, field):
        raise ValueError(why)
    return canonical


def refused(value: Value, field: Field) -> str:
    """What is wrong with a canonical value; empty where nothing is."""
    if value is None:
        return "" if field.nullable else "it may not be empty in the CRM"
    if field.length and len(str(value)) > field.length:
        return f"it has {len(str(value)):,} characters, and the CRM takes {field.length:,}"
    if field.restricted and field.values:
        return _not_offered(str(value), field)
    return _too_large(value, field) if field.digits else ""


def _not_offered(value: str, field: Field) -> str:
    chosen = value.split(";") if field.type is Type.MULTI else [value]
    wrong = [one for one in chosen if one not in field.values]
    shown = ", ".join(field.values[:20]) + (", …" if len(field.values) > 20 else "")  # noqa: PLR2004 - enough to see
    return f"{', '.join(map(repr, wrong))} is not offered by the CRM, which has: {shown}" if wrong else ""


def _too_large(value: Value, field: Field) -> str:
    text = str(value) if "e" not in str(value) else f"{value:.{field.scale}f}"
    whole = text.lstrip("-0").partition(".")[0]
    most = field.digits - field.scale
    return f"it has {len(whole)} digits before the point, and the CRM takes {most}" if len(whole) > most else ""
