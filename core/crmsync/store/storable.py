"""Why a row cannot be stored: asked only after SQLite refused its page."""

from __future__ import annotations

from crmsync.entities import entity_of
from crmsync.model import Row, Type, Value
from crmsync.store.batch import Batch

_WHOLE = {Type.INTEGER, Type.BOOLEAN}
_LARGEST = 2**63 - 1


def refused(row: Row, batch: Batch) -> str:
    """What is wrong with a row, naming column and value; empty where nothing is."""
    neutral = entity_of(batch.route.entity).columns
    types = {m.column: neutral.get(m.column, m.field.type) for m in batch.route.maps}
    for name, value in zip(batch.page.columns, row, strict=True):
        if value is not None and (why := _wrong(value, types.get(name, Type.TEXT))):
            return f"{name}: {why}"
    return ""


def _wrong(value: Value, type_: Type) -> str:
    shown = ascii(value)[:80]
    if isinstance(value, int) and abs(value) > _LARGEST:
        return f"{shown} does not fit into 64 bits"
    if type_ in _WHOLE:
        return "" if isinstance(value, int | float) and value == int(value) else f"{type_} is expected, not {shown}"
    if isinstance(value, str):
        return "" if _encodes(value) else f"{shown} is not valid Unicode text"
    if type_ is Type.DECIMAL:
        return "" if isinstance(value, int | float) else f"a number is expected, not {shown}"
    return f"{type_} is expected, not {shown}"


def _encodes(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True
