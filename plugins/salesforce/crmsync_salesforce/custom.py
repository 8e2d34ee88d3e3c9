"""Custom objects on offer: those that refer to a lead, contact or account, or to a custom object that does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

from crmsync.connectors import nearby
from crmsync.errors import RouteStopped, SettingsError
from crmsync.model import Route
from crmsync_salesforce.describe import Describes, Known, facts_of
from crmsync_salesforce.described import LEFT_OUT
from crmsync_salesforce.routes import CREATED, CUSTOM_ORDER, FEED, MONEY, NO_STAMP, ROOTS, UNSEEN

STANDARD_COLUMNS = {"OwnerId": "owner_crm_id", "Name": "name", **CREATED, **MONEY}
_IGNORED = frozenset({"CreatedById", "LastModifiedDate", "LastModifiedById", "MasterRecordId", "IsDeleted"})


async def custom_routes(describes: Describes, enabled: frozenset[str] | None) -> list[Route]:
    """Routes of the custom objects that are enabled (None: all that are on offer), refused ones with the reason."""
    if enabled is None:
        return _routes(await _offered(describes))
    named = await _describe(describes, (one for one in enabled if _is_custom(one)))
    ways = await asyncio.gather(*(_way(describes, name) for name in sorted(named)))
    chains = dict(zip(sorted(named), ways, strict=True))
    near = {name: named[name] for name, chain in chains.items() if nearby.is_near(chain)}
    refused = [nearby.refused(name, chain, ROOTS, CUSTOM_ORDER) for name, chain in chains.items() if name not in near]
    return [*_routes(near), *refused]


def _routes(known: Mapping[str, Known]) -> list[Route]:
    routes = [_route(one, known.keys()) for _, one in sorted(known.items())]
    for route in routes:
        twins = [other.object for other in routes if other.entity == route.entity]
        if len(twins) > 1:
            raise SettingsError(
                f"The custom objects {' and '.join(twins)} would have one table, {route.entity!r}.",
                hint="Enable one of them.",
                code="custom",
            )
    return routes


async def _offered(describes: Describes) -> dict[str, Known]:
    roots = await _describe(describes, ROOTS)
    first = await _describe(describes, _children(roots.values()))
    second = await _describe(describes, _children(first.values()) - first.keys())
    return first | second


async def _way(describes: Describes, name: str) -> tuple[str, ...]:
    async def targets(level: Iterable[str]) -> Mapping[str, frozenset[str]]:
        known = await _describe(describes, level)
        return {here: _targets(one) for here, one in known.items()}

    return await nearby.way(name, ROOTS, targets)


def _children(parents: Iterable[Known]) -> set[str]:
    found = {child.childSObject for one in parents for child in one.described.childRelationships or ()}
    return {name for name in found if _is_custom(name)}


def _targets(one: Known) -> frozenset[str]:
    found = {target for field in one.fields.values() for target in field.references}
    return frozenset(target for target in found if target in ROOTS or _is_custom(target))


def _is_custom(name: str) -> bool:
    return name.endswith("__c")


async def _describe(describes: Describes, names: Iterable[str]) -> dict[str, Known]:
    wanted = sorted(set(names))
    found = await asyncio.gather(*(describes.last(name) for name in wanted), return_exceptions=True)
    known: dict[str, Known] = {}
    for name, one in zip(wanted, found, strict=True):
        if isinstance(one, RouteStopped):
            continue  # not visible: not on offer
        if isinstance(one, BaseException):
            raise one
        if one.described.queryable and not one.described.customSetting:
            known[name] = one
    return known


def _route(one: Known, offered: Iterable[str]) -> Route:
    described = one.described
    fields = {"Id": "crm_id", facts_of(one).stamp: "modified_at"}
    fields |= {name: column for name, column in STANDARD_COLUMNS.items() if name in one.fields}
    for name, field in one.fields.items():
        if name not in fields and not field.custom and name not in _IGNORED | UNSEEN | NO_STAMP:
            fields[name] = name.lower()
    objects = {*ROOTS, "User", *offered}
    parents = {}
    for name, field in one.fields.items():
        target = next((t for t in field.references if t in objects), None)
        if target is not None and name not in _IGNORED and field.native not in LEFT_OUT:
            parents[fields.setdefault(name, name.lower())] = target
    return Route(
        object=described.name, entity=described.name.lower(), label=described.label or described.name,
        order=CUSTOM_ORDER, fields=fields, kinds=FEED, parents=parents, custom=True, optional=True,
    )  # fmt: skip
