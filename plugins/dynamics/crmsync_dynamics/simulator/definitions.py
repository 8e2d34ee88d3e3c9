"""New columns and tables from the plain values a test or the control path gives."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from crmsync_dynamics.simulator.fields import Column, Entity, Option, Target
from crmsync_dynamics.simulator.notation import TYPES, parse_column, parse_table, spell
from crmsync_dynamics.simulator.schema import finished
from crmsync_dynamics.simulator.schema.common import IMPORTED, STATE, audit, owned
from crmsync_dynamics.simulator.schema.picklists import CHOICES
from crmsync_dynamics.simulator.schema.shadows import with_shadows

_LENGTHS = {"String": 100, "Memo": 2000}


def column_of(table: str, definition: Column | str | dict[str, Any]) -> list[Column]:
    """The column a definition describes and its shadows; keys of a dict are the attributes of Column."""
    if isinstance(definition, str):
        column = replace(parse_column(definition, table, CHOICES), custom=True)
    elif isinstance(definition, Column):
        column = definition
    else:
        column = _of_dict(table, dict(definition))
    return list(with_shadows({column.name: column}).values())


def _of_dict(table: str, values: dict[str, Any]) -> Column:
    kind = values.get("type", "string")
    values["type"] = kind = TYPES.get(kind, kind)
    values.setdefault("label", spell(values["schema"]))
    values.setdefault("custom", True)
    values.setdefault("length", _LENGTHS.get(kind, 0))
    values["options"] = tuple(_option(one) for one in values.get("options", ()))
    if values["options"]:
        values.setdefault("option_set", f"{table}_{values['schema'].lower()}")
    targets = values.get("targets", ())
    values["targets"] = tuple(
        one if isinstance(one, Target) else Target(one, values["schema"], f"{table}_{values['schema']}")
        for one in targets
    )
    return Column(**values)


def _option(value: Any) -> Option:
    return value if isinstance(value, Option) else Option(*value)


def entity_of(definition: dict[str, Any], count: int) -> Entity:
    """The custom table a definition describes, with the columns every user-owned table has."""
    schema = definition["schema"]
    name = schema.lower()
    label = definition.get("label") or spell(schema)
    set_name = definition.get("set_name") or f"{name}s"
    head = f'{schema}Id guid CR--s "{label}\nnew_Name string:100 CRU-a "Name\n'
    columns = parse_table(head + audit(name) + IMPORTED + owned(name, set_name) + STATE, name, _choices(name))
    for one in definition.get("columns", []):
        columns |= {column.name: column for column in column_of(name, one)}
    return Entity(
        schema=schema, label=label, plural=definition.get("plural") or f"{label}s", set_name=set_name,
        code=10_100 + count, key=f"{name}id", primary_name="new_name", custom=True,
        tracked=definition.get("tracked", True), columns=finished(name, columns),
    )  # fmt: skip


def _choices(table: str) -> dict[str, tuple[Option, ...]]:
    states = {f"{table}_statecode": CHOICES["active"], f"{table}_statuscode": CHOICES["active_status"]}
    return CHOICES | states
