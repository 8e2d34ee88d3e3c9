"""`$metadata`: the whole service described in the XML of OData."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

from crmsync_dynamics.simulator.api.call import XML, Call, Reply
from crmsync_dynamics.simulator.api.site import Site
from crmsync_dynamics.simulator.fields import DATE_ONLY, Column, Entity
from crmsync_dynamics.simulator.state import State

_TYPES = {
    "Integer": "Int32", "Picklist": "Int32", "State": "Int32", "Status": "Int32", "BigInt": "Int64",
    "Decimal": "Decimal", "Money": "Decimal", "Double": "Double", "Boolean": "Boolean", "Uniqueidentifier": "Guid",
    "Lookup": "Guid", "Customer": "Guid", "Owner": "Guid",
}  # fmt: skip
_PRINCIPALS = frozenset({"systemuser", "team"})
_HEAD = """\
<?xml version="1.0" encoding="utf-8"?>
<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">
<edmx:DataServices>
<Schema Namespace="Microsoft.Dynamics.CRM" Alias="mscrm" xmlns="http://docs.oasis-open.org/odata/ns/edm">
<EntityType Name="crmbaseentity" Abstract="true" />
<EntityType Name="principal" BaseType="mscrm.crmbaseentity"><Key><PropertyRef Name="ownerid" /></Key>\
<Property Name="ownerid" Type="Edm.Guid" /></EntityType>
"""
_TAIL = """\
<ComplexType Name="WhoAmIResponse"><Property Name="BusinessUnitId" Type="Edm.Guid" Nullable="false" />\
<Property Name="UserId" Type="Edm.Guid" Nullable="false" />\
<Property Name="OrganizationId" Type="Edm.Guid" Nullable="false" /></ComplexType>
<Function Name="WhoAmI"><ReturnType Type="mscrm.WhoAmIResponse" Nullable="false" /></Function>
"""


def edm(column: Column) -> str:
    """The type of a column's property."""
    if column.type == "DateTime":
        return "Edm.Date" if column.behavior == DATE_ONLY else "Edm.DateTimeOffset"
    return f"Edm.{_TYPES.get(column.type, 'String')}"


def document(site: Site, call: Call) -> Reply:
    """The whole document, made anew when the schema has changed."""
    del call
    return Reply(body=site.remember("$metadata", lambda: _document(site.state).encode()), content_type=XML)


def _document(state: State) -> str:
    types = (part for entity in state.entities.values() for part in _type(state, entity))
    return "".join([_HEAD, *types, _TAIL, *_container(state), "</Schema>\n</edmx:DataServices>\n</edmx:Edmx>\n"])


def _type(state: State, entity: Entity) -> Iterator[str]:
    base, key = ("principal", "ownerid") if entity.name in _PRINCIPALS else ("crmbaseentity", entity.key)
    yield f'<EntityType Name="{entity.name}" BaseType="mscrm.{base}">\n<Key><PropertyRef Name="{key}" /></Key>\n'
    for column in entity.properties():
        yield f'<Property Name="{column.wire}" Type="{edm(column)}" />\n'
    yield from _navigations(entity)
    yield from _collections(state, entity)
    yield "</EntityType>\n"


def _navigations(entity: Entity) -> Iterator[str]:
    for column in entity.columns.values():
        if not column.lookup or not column.navigable:
            continue
        owner = column.type == "Owner"
        for target in column.targets[:1] if owner else column.targets:
            kind = "mscrm.principal" if owner else f"mscrm.{target.table}"
            yield (
                f'<NavigationProperty Name="{target.navigation}" Type="{kind}" Nullable="false" '
                f'Partner={quoteattr(target.collection)}><ReferentialConstraint Property="{column.wire}" '
                f'ReferencedProperty="{_key(target.table, owner=owner)}" /></NavigationProperty>\n'
            )


def _key(table: str, *, owner: bool) -> str:
    if owner or table in _PRINCIPALS:
        return "ownerid"
    return "activityid" if table == "task" else f"{table}id"


def _collections(state: State, entity: Entity) -> Iterator[str]:
    for other in state.entities.values():
        for column in other.columns.values():
            if not column.lookup or not column.navigable or column.type == "Owner":
                continue
            for target in column.targets:
                if target.table == entity.name:
                    yield _collection(target.collection, other.name, target.navigation)
    for one in state.pairings.values():
        if entity.name in {one.one, one.two}:
            yield _collection(one.name, one.two if entity.name == one.one else one.one, one.name)


def _collection(name: str, table: str, partner: str) -> str:
    return f'<NavigationProperty Name="{name}" Type="Collection(mscrm.{table})" Partner="{partner}" />\n'


def _container(state: State) -> Iterator[str]:
    yield '<EntityContainer Name="System">\n'
    for entity in state.entities.values():
        yield f'<EntitySet Name="{entity.set_name}" EntityType="Microsoft.Dynamics.CRM.{entity.name}">\n'
        for column in entity.columns.values():
            if column.lookup and column.navigable and column.type != "Owner":
                for target in column.targets:
                    other = state.entities[target.table].set_name
                    yield f'<NavigationPropertyBinding Path="{target.navigation}" Target="{other}" />\n'
        yield "</EntitySet>\n"
    yield '<FunctionImport Name="WhoAmI" Function="Microsoft.Dynamics.CRM.WhoAmI" />\n</EntityContainer>\n'
