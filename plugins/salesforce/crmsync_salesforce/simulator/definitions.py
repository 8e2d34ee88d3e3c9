"""New fields and objects from the plain values a test or the control path gives."""

from __future__ import annotations

from typing import Any

from crmsync_salesforce.simulator.fields import Field, ObjectType, parse_field, spell
from crmsync_salesforce.simulator.schema import fields_of
from crmsync_salesforce.simulator.schema.custom import HEAD
from crmsync_salesforce.simulator.schema.picklists import PICKLISTS

_TUPLES = {"targets", "picklist"}
_LENGTHS = {"string": 80, "email": 80, "phone": 40, "url": 255, "picklist": 255, "textarea": 255, "reference": 18}


def field_of(owner: str, definition: Field | str | dict[str, Any]) -> Field:
    """The field a definition describes; keys of a dict are the attributes of Field."""
    if isinstance(definition, Field):
        return definition
    if isinstance(definition, str):
        return parse_field(definition, PICKLISTS, owner)
    values: dict[str, Any] = {key: tuple(one) if key in _TUPLES else one for key, one in definition.items()}
    kind = values.setdefault("type", "string")
    values.setdefault("label", spell(values["name"]))
    values.setdefault("length", _LENGTHS.get(kind, 0))
    values.setdefault("defaulted", kind == "boolean")
    if kind == "boolean":
        values.setdefault("default", False)
        values.setdefault("nillable", False)
    if kind in {"double", "currency", "percent"}:
        values.setdefault("precision", 18)
        values.setdefault("scale", 2)
    if kind in {"int", "long"}:
        values.setdefault("digits", 9)
    if values.get("formula"):
        values |= {"createable": False, "updateable": False}
    return Field(**values)


def object_of(definition: dict[str, Any], count: int) -> ObjectType:
    """The custom object a definition describes, with the fields every custom object has."""
    name = definition["name"]
    label = definition.get("label") or spell(name)
    fields = fields_of(name, HEAD)
    for one in definition.get("fields", []):
        field = field_of(name, one)
        fields[field.name] = field
    return ObjectType(
        name=name,
        label=label,
        plural=definition.get("plural") or f"{label}s",
        prefix=definition.get("prefix") or f"a{count:02d}",
        fields=fields,
    )
