"""Metadata of relationships in the JSON forms of the Web API."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from crmsync_dynamics.simulator.api.definitions import Json, identity
from crmsync_dynamics.simulator.fields import Column, Entity, Target
from crmsync_dynamics.simulator.state import State


def many_to_one(state: State, entity: Entity) -> list[Json]:
    """The relationships of a table's look-ups, one for each target."""
    return list(_relations(state, [entity]))


def one_to_many(state: State, entity: Entity) -> list[Json]:
    """The relationships of the look-ups of all tables that point to this one."""
    return [one for one in _relations(state, state.entities.values()) if one["ReferencedEntity"] == entity.name]


def _relations(state: State, entities: Iterable[Entity]) -> Iterator[Json]:
    for entity in entities:
        for one in entity.columns.values():
            if one.lookup and one.navigable:
                yield from (_relation(state, entity, one, target) for target in _targets(one))


def _targets(one: Column) -> tuple[Target, ...]:
    if one.type != "Owner":
        return one.targets
    return (Target("owner", one.targets[0].navigation, one.targets[0].collection),)


def _relation(state: State, entity: Entity, one: Column, target: Target) -> Json:
    other = state.entities.get(target.table)
    return {
        "MetadataId": identity(entity.name, one.name, target.table),
        "SchemaName": target.collection,
        "RelationshipType": "OneToManyRelationship",
        "IsCustomRelationship": one.custom,
        "ReferencingEntity": entity.name,
        "ReferencingAttribute": one.name,
        "ReferencingEntityNavigationPropertyName": target.navigation,
        "ReferencedEntity": target.table,
        "ReferencedAttribute": other.key if other else f"{target.table}id",
        "ReferencedEntityNavigationPropertyName": target.collection,
    }


def many_to_many(state: State, entity: Entity) -> list[Json]:
    """The pairings of a table with others."""
    return [
        {
            "MetadataId": identity("pairing", one.name),
            "SchemaName": one.name,
            "RelationshipType": "ManyToManyRelationship",
            "IsCustomRelationship": False,
            "IntersectEntityName": one.intersect,
            "Entity1LogicalName": one.one,
            "Entity1IntersectAttribute": state.entities[one.one].key,
            "Entity1NavigationPropertyName": one.name,
            "Entity2LogicalName": one.two,
            "Entity2IntersectAttribute": state.entities[one.two].key,
            "Entity2NavigationPropertyName": one.name,
        }
        for one in state.pairings.values()
        if entity.name in {one.one, one.two}
    ]
