"""The columns that metadata lists beside others and that no query can select: names of look-ups and of choices."""

from __future__ import annotations

from msgspec.structs import replace

from crmsync_dynamics.simulator.fields import CHOICES, MULTI, Column

_YOMI = frozenset({"systemuser", "contact", "account", "lead", "team"})
_NAMELESS = frozenset({"owninguser", "owningteam", "masterid", "relatedconnectionid", "donotsendmm"})


def with_shadows(columns: dict[str, Column]) -> dict[str, Column]:
    """The columns, and behind them the shadows they cast."""
    shadows = (shadow for column in columns.values() for shadow in _shadows(column))
    return columns | {one.name: one for one in shadows if one.name not in columns}


def _shadows(column: Column) -> list[Column]:
    if column.name in _NAMELESS:
        return []
    if column.lookup:
        return _of_lookup(column)
    if column.type in CHOICES or column.type in {"Boolean", MULTI}:
        return [_shadow(column, "Name", "Virtual")]
    return []


def _of_lookup(column: Column) -> list[Column]:
    several = len(column.targets) > 1 and column.type != "Owner"
    shadows = [replace(_shadow(column, "Name", "String"), logical=not several)]
    if any(target.table in _YOMI for target in column.targets) and not column.name.startswith("record"):
        shadows.append(replace(_shadow(column, "YomiName", "String"), logical=not several))
    if column.type in {"Customer", "Owner"}:
        kind = _shadow(column, "Type", "EntityName")
        shadows.append(replace(kind, create=True, update=True, logical=False, required=column.required))
    return shadows


def _shadow(column: Column, ending: str, kind: str) -> Column:
    return Column(
        schema=column.schema + ending,
        type=kind,
        label="",
        create=False,
        update=False,
        logical=True,
        attribute_of=column.name,
        custom=column.custom,
        length=100 if kind == "String" else 0,
    )
