"""Tables as EntityDefinitions tell them: a table at a time, since all at once is more than a server bears."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec

from crmsync.model import Field, Type
from crmsync_dynamics.client import Client
from crmsync_dynamics.defined import Attribute, Entity, Lookup, Special
from crmsync_dynamics.tables import Column, Relation, Table, by_target, labels, name_of

PREFIX = "Microsoft.Dynamics.CRM."
TABLE = (
    "LogicalName,SchemaName,EntitySetName,PrimaryIdAttribute,DisplayName,IsCustomEntity,IsActivity,IsIntersect,"
    "OwnershipType,ChangeTrackingEnabled,IsOptimisticConcurrencyEnabled"
)
_ATTRIBUTES = (
    "LogicalName,AttributeType,AttributeTypeName,AttributeOf,IsValidForRead,IsValidForCreate,IsValidForUpdate,"
    "IsSecured,RequiredLevel,IsPrimaryId,IsCustomAttribute,IsValidODataAttribute,SourceType,DisplayName"
)
_RELATIONS = "ReferencingAttribute,ReferencedEntity,ReferencingEntityNavigationPropertyName"
_OPTIONS = "$select=LogicalName&$expand=OptionSet($select=Options),GlobalOptionSet($select=Options)"
TYPES: dict[str, Type] = {
    "Boolean": Type.BOOLEAN, "DateTime": Type.DATETIME, "Decimal": Type.DECIMAL, "Double": Type.DECIMAL,
    "Integer": Type.INTEGER, "BigInt": Type.INTEGER, "Memo": Type.TEXT, "Money": Type.DECIMAL, "Picklist": Type.TEXT,
    "State": Type.TEXT, "Status": Type.TEXT, "String": Type.TEXT, "EntityName": Type.TEXT, "Lookup": Type.REFERENCE,
    "Customer": Type.REFERENCE, "Owner": Type.REFERENCE, "Uniqueidentifier": Type.REFERENCE,
    "MultiSelectPicklist": Type.MULTI,
}  # fmt: skip
"""Our type by the vendor's; what is not here (files, images, parties, virtual columns) is not read."""
LOOKUPS = frozenset({"Lookup", "Customer", "Owner"})
CHOICES = frozenset({"Picklist", "State", "Status", "MultiSelectPicklist"})
VERSION = "versionnumber"
_FILLED = frozenset({"State", "Status", "Owner"})
"""What every record has, whether or not it was given."""
_ASKED: dict[str, tuple[frozenset[str], str]] = {
    "String": (frozenset({"String"}), "$select=LogicalName,MaxLength"),
    "Memo": (frozenset({"Memo"}), "$select=LogicalName,MaxLength"),
    "Decimal": (frozenset({"Decimal"}), "$select=LogicalName,MinValue,MaxValue,Precision"),
    "Money": (frozenset({"Money"}), "$select=LogicalName,MinValue,MaxValue,Precision"),
    "DateTime": (frozenset({"DateTime"}), "$select=LogicalName,Format,DateTimeBehavior"),
    "Lookup": (LOOKUPS, "$select=LogicalName,Targets"),
    "Picklist": (frozenset({"Picklist"}), _OPTIONS),
    "MultiSelectPicklist": (frozenset({"MultiSelectPicklist"}), _OPTIONS),
    "State": (frozenset({"State"}), "$select=LogicalName&$expand=OptionSet($select=Options)"),
    "Status": (frozenset({"Status"}), "$select=LogicalName&$expand=OptionSet($select=Options)"),
}
"""What has to be asked by type: which of our types it concerns, and the query."""


@cache
def _decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    page: Any = msgspec.defstruct("Listed", [("value", list[kind])])
    return msgspec.json.Decoder(page)


def _listed(body: bytes, kind: Any) -> list[Any]:
    return list(_decoder(kind).decode(body).value)


async def listed(client: Client) -> list[Entity]:
    """All tables, without their columns. Raises Faulty, MsgspecError."""
    answer = await client.get(f"EntityDefinitions?$select={TABLE}&$filter=IsIntersect eq false".replace(" ", "%20"))
    return _listed(answer.body, Entity)


async def relations(client: Client, name: str) -> tuple[Relation, ...]:
    """The lookups of a table to others. Raises Faulty, MsgspecError."""
    answer = await client.get(f"{_path(name)}/ManyToOneRelationships?$select={_RELATIONS}")
    return tuple(
        Relation(column=one.ReferencingAttribute, target=one.ReferencedEntity, navigation=navigation)
        for one in _listed(answer.body, Lookup)
        if (navigation := one.ReferencingEntityNavigationPropertyName)
    )


async def table(client: Client, name: str) -> Table:
    """One table with its columns. Raises Faulty, MsgspecError."""
    head, attributes, found = await asyncio.gather(
        client.get(f"{_path(name)}?$select={TABLE}"),
        client.get(f"{_path(name)}/Attributes?$select={_ATTRIBUTES}"),
        relations(client, name),
    )
    entity = msgspec.json.decode(head.body, type=Entity)
    readable = [one for one in _listed(attributes.body, Attribute) if is_read(one, activity=entity.IsActivity)]
    special = await _special(client, name, readable)
    columns = [_column(one, special.get(one.LogicalName), found) for one in readable]
    whole = _table(entity, found)
    return whole.with_columns(_spread(columns))


def _path(name: str) -> str:
    return f"EntityDefinitions(LogicalName='{name}')"


def _table(entity: Entity, found: tuple[Relation, ...]) -> Table:
    return Table(
        name=entity.LogicalName,
        set=entity.EntitySetName or f"{entity.LogicalName}s",
        key=entity.PrimaryIdAttribute or f"{entity.LogicalName}id",
        schema=entity.SchemaName or entity.LogicalName,
        label=str(entity.DisplayName or "") or entity.LogicalName,
        tracked=bool(entity.ChangeTrackingEnabled),
        versioned=entity.IsOptimisticConcurrencyEnabled is not False,
        activity=entity.IsActivity,
        custom=entity.IsCustomEntity,
        owned=entity.OwnershipType in (None, "UserOwned", "TeamOwned", "BusinessOwned"),
        relations=found,
    )


def is_read(one: Attribute, *, activity: bool) -> bool:
    """Whether a column is one of the resource's. Logical ones are: all addresses are.

    What activities inherit is marked as if it were not.
    """
    if one.kind not in TYPES:
        return False
    if one.IsValidODataAttribute is not None and not activity:
        return one.IsValidODataAttribute
    return one.IsValidForRead is not False and one.AttributeOf is None


async def _special(client: Client, name: str, readable: Iterable[Attribute]) -> dict[str, Special]:
    kinds = {one.kind for one in readable}
    asked = [
        client.get(f"{_path(name)}/Attributes/{PREFIX}{cast}AttributeMetadata?{query}")
        for cast, (ours, query) in _ASKED.items()
        if ours & kinds
    ]
    answers = await asyncio.gather(*asked)
    return {one.LogicalName: one for answer in answers for one in _listed(answer.body, Special)}


def _spread(columns: Iterable[Column]) -> list[Column]:
    """The columns, and of lookups also their parts and names."""
    found = list(columns)
    names = {one.field.name for one in found}
    more = [part for one in found if one.field.native in LOOKUPS for part in (*by_target(one), name_of(one))]
    return [*found, *(one for one in more if one.field.name not in names)]


def _column(one: Attribute, more: Special | None, found: Iterable[Relation]) -> Column:
    lookup, several = one.kind in LOOKUPS, one.kind == "MultiSelectPicklist"
    options = labels(more.options(), several=several) if more is not None and one.kind in CHOICES else {}
    targets = tuple(more.Targets or ()) if more is not None else ()
    bound = {r.target: r.navigation for r in found if r.column == one.LogicalName}
    if one.kind == "Owner":
        bound = {target: next(iter(bound.values()), one.LogicalName) for target in targets or ("systemuser", "team")}
    day = bool(more and more.DateTimeBehavior and more.DateTimeBehavior.Value == "DateOnly")
    return Column(
        field=_field(one, more, tuple(targets or bound), tuple(options.values()), day=day),
        wire=f"_{one.LogicalName}_value" if lookup else one.LogicalName,
        options=options,
        states=more.states() if more is not None else {},
        navigation=bound,
        day_only=day,
        secured=bool(one.IsSecured),
    )


def _field(
    one: Attribute, more: Special | None, targets: tuple[str, ...], values: tuple[str, ...], *, day: bool
) -> Field:  # fmt: skip
    kind = Type.DATE if day else Type.TEXT if one.LogicalName == VERSION else TYPES[one.kind]
    required = one.RequiredLevel.Value if one.RequiredLevel else None
    return Field(
        name=one.LogicalName, type=kind, label=str(one.DisplayName or "") or one.LogicalName, native=one.kind,
        length=(more.MaxLength or 0) if more is not None and kind is Type.TEXT else 0,
        scale=(more.Precision or 0) if more is not None and kind is Type.DECIMAL else 0,
        custom=bool(one.IsCustomAttribute), createable=bool(one.IsValidForCreate),
        updateable=bool(one.IsValidForUpdate), calculated=one.SourceType in (1, 2, 3),
        nullable=required != "SystemRequired" and one.kind not in _FILLED, restricted=bool(values), values=values,
        defaulted=one.kind in _FILLED or bool(one.IsPrimaryId),
        references=targets if one.kind in LOOKUPS else (),
    )  # fmt: skip
