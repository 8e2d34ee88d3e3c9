"""From canonical values to what the vendor's JSON and CSV hold. What could spoil a whole call is refused before it."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from crmsync.connectors.plainly import Unfit, encoded, headed, is_whole, plain
from crmsync.model import Field, Type, Value

NULL = "#N/A"
"""What empties a field in an upload; the same text as a value cannot be written that way."""

__all__ = ["NULL", "Unfit", "cells", "headed", "record", "spelled"]


def record(values: Mapping[str, Value], fields: Mapping[str, Field]) -> bytes:
    """The values of one record as a JSON object. Raises Unfit."""
    found = {name: None if value is None else _json(fields[name], name, value) for name, value in values.items()}
    return encoded(found, values)


def cells(values: Mapping[str, Value], fields: Mapping[str, Field]) -> dict[str, str]:
    """The values as cells of an upload. Raises Unfit, also for what only JSON can hold."""
    return {name: NULL if value is None else _cell(fields[name], value) for name, value in values.items()}


def _cell(field: Field, value: Value) -> str:
    text = spelled(field, value)
    if text.strip() == NULL or not is_whole(text):
        raise Unfit(field.name, f"{NULL} cannot be uploaded as a value, for it empties the field")
    return text


def spelled(field: Field, value: Value) -> str:
    """A value as text, where a form has no types. Raises Unfit."""
    found = _json(field, field.name, value)
    if isinstance(found, bool):
        return "true" if found else "false"
    if isinstance(found, msgspec.Raw):
        return bytes(found).decode()
    return found if isinstance(found, str) else repr(found)


def _json(field: Field, name: str, value: Value) -> object:
    found = plain(name, field.type, value)
    return f"{found}Z" if field.type is Type.TIME else found
