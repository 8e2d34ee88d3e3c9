"""The metadata resources: tables, their parts, casts to derived types, and the global option sets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from crmsync_dynamics.simulator.api import definitions, relations
from crmsync_dynamics.simulator.api.call import Call, Reply
from crmsync_dynamics.simulator.api.definitions import CRM, SETS, Json
from crmsync_dynamics.simulator.api.site import Site
from crmsync_dynamics.simulator.errors import Refusal, bad_syntax, no_property
from crmsync_dynamics.simulator.fields import Entity
from crmsync_dynamics.simulator.odata import options
from crmsync_dynamics.simulator.odata.parser import parse
from crmsync_dynamics.simulator.odata.plain import judge
from crmsync_dynamics.simulator.schema.picklists import GLOBAL
from crmsync_dynamics.simulator.state import State

Query = Mapping[str, str]
_NAMED = re.compile(r"(?:LogicalName|Name)='([^']*)'")
_PARTS: dict[str, Callable[[State, Entity], list[Json]]] = {
    "Attributes": definitions.columns,
    "Keys": definitions.keys,
    "ManyToOneRelationships": relations.many_to_one,
    "OneToManyRelationships": relations.one_to_many,
    "ManyToManyRelationships": relations.many_to_many,
}
_ALWAYS = ("@odata.type", "MetadataId")


def tables(site: Site, call: Call) -> Reply:
    """All tables that a filter lets through."""
    site.need("definitions")
    entities = {entity.name: entity for entity in site.state.entities.values()}
    rows = [definitions.table(site.state, entity) for entity in entities.values()]
    found = [_shown(site.state, entities[one["LogicalName"]], one, call.query) for one in _filtered(rows, call.query)]
    return _listed(call, "EntityDefinitions", found)


def table(site: Site, call: Call, which: str) -> Reply:
    """One table by its logical name or MetadataId."""
    site.need("definitions")
    entity = _entity(site.state, which)
    body = _shown(site.state, entity, definitions.table(site.state, entity), call.query)
    return Reply(body={"@odata.context": f"{call.base}/$metadata#EntityDefinitions/$entity", **body})


def parts(site: Site, call: Call, which: str, part: str, cast: str = "") -> Reply:
    """The columns, keys or relationships of a table, or its columns of one derived type."""
    site.need("definitions")
    entity = _entity(site.state, which)
    rows = definitions.columns(site.state, entity, cast) if cast else _PARTS[part](site.state, entity)
    common = not cast and part == "Attributes"
    found = [_columns(one, call.query, common=common) for one in _filtered(rows, call.query)]
    where = f"EntityDefinitions('{entity.name}')/{part}{f'/{CRM}{cast}' if cast else ''}"
    return _listed(call, where, found)


def column(site: Site, call: Call, which: str, column: str, cast: str = "") -> Reply:
    """One column of a table."""
    site.need("definitions")
    entity = _entity(site.state, which)
    found = _NAMED.fullmatch(column)
    wanted = found[1] if found else column
    rows = definitions.columns(site.state, entity)
    one = next((one for one in rows if wanted in {one["LogicalName"], one["MetadataId"]}), None)
    if one is None or (cast and one["@odata.type"] != f"#{CRM}{cast}"):
        raise Refusal(
            "0x80041103", f"'{entity.name}' entity doesn't contain attribute with Name = '{wanted}'.", status=404
        )
    where = f"EntityDefinitions('{entity.name}')/Attributes/$entity"
    return Reply(
        body={"@odata.context": f"{call.base}/$metadata#{where}", **_columns(one, call.query, common=not cast)}
    )


def relationships(site: Site, call: Call) -> Reply:
    """All relationships of all tables."""
    site.need("definitions")
    rows = {
        one["SchemaName"]: {"@odata.type": f"#{CRM}{one['RelationshipType']}Metadata", **one}
        for entity in site.state.entities.values()
        for list_of in (relations.many_to_one, relations.many_to_many)
        for one in list_of(site.state, entity)
    }
    found = [_picked(one, call.query.get("$select"), "Relationship") for one in _filtered(rows.values(), call.query)]
    return _listed(call, "RelationshipDefinitions", found)


def option_sets(site: Site, call: Call, which: str = "") -> Reply:
    """The option sets that several columns share."""
    site.need("definitions")
    sets = {
        made["Name"]: made
        for entity in site.state.entities.values()
        for one in entity.columns.values()
        if one.option_set in GLOBAL and (made := definitions.option_set(site.state, entity, one))
    }
    if not which:
        return _listed(call, "GlobalOptionSetDefinitions", list(sets.values()))
    found = _NAMED.fullmatch(which)
    wanted = found[1] if found else which
    named = next((one for one in sets.values() if wanted in {one["Name"], one["MetadataId"]}), None)
    if named is None:
        raise Refusal("0x80040217", f"Could not find the global option set {which}.")
    return Reply(body={"@odata.context": f"{call.base}/$metadata#GlobalOptionSetDefinitions/$entity", **named})


def _entity(state: State, which: str) -> Entity:
    found = _NAMED.fullmatch(which)
    for entity in state.entities.values():
        if (found and entity.name == found[1]) or definitions.identity(entity.name) == which:
            return entity
    if found is None and "=" in which:
        raise bad_syntax()
    name = found[1] if found else which
    raise Refusal("0x80060888", f"Could not find an entity with name {name} in the metadata.", status=404)


def _filtered(rows: Iterable[Json], query: Query) -> list[Json]:
    wanted = query.get("$filter")
    if not wanted:
        return list(rows)
    let = judge(parse(wanted))
    return [one for one in rows if let(one)]


def _shown(state: State, entity: Entity, one: Json, query: Query) -> Json:
    shown = _picked(one, query.get("$select"), "EntityMetadata")
    for expansion in options.expansions(query.get("$expand", "")):
        if expansion.name not in _PARTS:
            raise no_property(expansion.name, "EntityMetadata")
        rows = _filtered(_PARTS[expansion.name](state, entity), expansion.options)
        common = expansion.name == "Attributes"
        shown[expansion.name] = [_columns(part, expansion.options, common=common) for part in rows]
    return shown


def _columns(one: Json, query: Query, *, common: bool) -> Json:
    """A part with what is selected of it; without a cast, only what all columns have may be selected."""
    plain = {name: value for name, value in one.items() if name not in SETS}
    if common and query.get("$select"):
        plain = {name: value for name, value in plain.items() if name in COMMON}
    kind = "AttributeMetadata" if common else one.get("@odata.type", "").rpartition(".")[2] or "Metadata"
    shown = _picked(plain, query.get("$select"), kind)
    for expansion in options.expansions(query.get("$expand", "")):
        if expansion.name not in one or expansion.name not in SETS or common:
            raise no_property(expansion.name, kind)
        made = one[expansion.name]
        shown[expansion.name] = _picked(made, expansion.options.get("$select"), "OptionSetMetadata") if made else None
    return shown


def _picked(one: Json, select: str | None, kind: str) -> Json:
    if not select:
        return dict(one)
    names = options.names(select)
    unknown = next((name for name in names if name not in one), None)
    if unknown is not None:
        raise no_property(unknown, kind)
    return {name: value for name, value in one.items() if name in names or name in _ALWAYS}


def _listed(call: Call, where: str, found: list[Any]) -> Reply:
    return Reply(body={"@odata.context": f"{call.base}/$metadata#{where}", "value": found})


COMMON = frozenset(
    {
        "@odata.type", "MetadataId", "LogicalName", "SchemaName", "EntityLogicalName", "AttributeType",
        "AttributeTypeName", "AttributeOf", "ColumnNumber", "IsValidForRead", "IsValidForCreate", "IsValidForUpdate",
        "IsValidODataAttribute", "IsLogical", "IsSecured", "CanBeSecuredForRead", "CanBeSecuredForCreate",
        "CanBeSecuredForUpdate", "IsPrimaryId", "IsPrimaryName", "IsCustomAttribute", "SourceType", "RequiredLevel",
        "DisplayName", "Description",
    }
)  # fmt: skip
