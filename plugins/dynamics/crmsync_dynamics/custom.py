"""Custom tables on offer: those that refer to a lead, contact or account, or to a custom table that does."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import msgspec

from crmsync.connectors import nearby
from crmsync.errors import RetryLater, RouteStopped
from crmsync.model import Route
from crmsync_dynamics import definitions
from crmsync_dynamics.describe import KEYLESS
from crmsync_dynamics.errors import Faulty, translate
from crmsync_dynamics.routes import CREATED, CUSTOM_ORDER, FILTER, IN_SYNC, KINDS, ROOTS, ROUTES, STAMP, VERSION
from crmsync_dynamics.session import DynamicsSession
from crmsync_dynamics.tables import Table

_STANDARD = {"ownerid": "owner_crm_id", CREATED: "crm_created_at"}
Links = Mapping[str, frozenset[str]]


async def custom_routes(session: DynamicsSession, enabled: frozenset[str] | None) -> list[Route]:
    """Routes of the custom tables that are enabled (None: all that are on offer), refused ones with the reason."""
    if enabled is not None and not enabled:
        return []
    links = await _links(session)
    ways = {name: await _way(name, links) for name in sorted(links) if enabled is None or name in enabled}
    near = [name for name, chain in ways.items() if nearby.is_near(chain) or session.client.features.plain]
    tables = await asyncio.gather(*(_table(session, name, listed=enabled is None) for name in near))
    routes = [one if isinstance(one, Route) else _route(one, frozenset(near)) for one in tables if one is not None]
    if enabled is None:
        return routes
    return [
        *routes,
        *(nearby.refused(name, chain, ROOTS, CUSTOM_ORDER) for name, chain in ways.items() if name not in near),
    ]


async def _links(session: DynamicsSession) -> Links:
    """The tables that each custom table refers to."""
    taken = {route.object for route in ROUTES}
    if not session.client.features.has("definitions") or not (entities := await session.describes.everything()):
        document = await session.describes.document()
        named = {one.name: frozenset(r.target.lower() for r in one.relations) for one in document.values()}
        return {name: targets for name, targets in named.items() if name.lower() not in taken}
    custom = [one.LogicalName for one in entities if one.IsCustomEntity and not one.IsIntersect]
    try:
        found = await asyncio.gather(*(definitions.relations(session.client, name) for name in custom))
    except Faulty as error:
        raise translate(error) from error
    except msgspec.MsgspecError as error:
        raise RetryLater(f"Relationships cannot be read: {error}.", code="describe") from error
    return {name: frozenset(one.target for one in its) for name, its in zip(custom, found, strict=True)}


async def _way(name: str, links: Links) -> tuple[str, ...]:
    there = links.keys() | set(ROOTS)

    async def targets(level: Iterable[str]) -> Mapping[str, frozenset[str]]:
        return {one: links.get(one, frozenset()) & there for one in level}

    return await nearby.way(name, ROOTS, targets)


async def _table(session: DynamicsSession, name: str, *, listed: bool) -> Table | Route | None:
    """A table; None where it is not on offer. One that may not be read is not listed, but says so when it is asked.

    One that cannot be synced is refused with the reason where it was asked for.
    """
    try:
        known = await session.describes.last(name)
    except RouteStopped as error:
        return None if listed or error.code != KEYLESS else _refused(name, error.message)
    return known.table if known.held.may(known.table, "Read") or not listed else None


def _refused(name: str, why: str) -> Route:
    return Route(object=name, entity=name.lower(), order=CUSTOM_ORDER, custom=True, optional=True, refused=why)


def _route(table: Table, offered: Iterable[str]) -> Route:
    """A custom table with its name, what it refers to, and its own columns."""
    columns = table.columns
    key = next(name for name, one in columns.items() if one.wire == table.key)
    fields = {key: "crm_id", STAMP: "modified_at"}
    if VERSION in columns:
        fields[VERSION] = "version"
    fields |= {name: column for name, column in _STANDARD.items() if name in columns}
    objects = {*ROOTS, "systemuser", "opportunity", "campaign", *offered}
    parents = {}
    for name, one in columns.items():
        target = next((to for to in one.field.references if to in objects), None)
        single = len(one.field.references) == 1 or one.target
        if target is not None and single and not one.named and name not in fields and one.field.custom:
            parents[fields.setdefault(name, name)] = target
    if "owner_crm_id" in fields.values():
        parents["owner_crm_id"] = "systemuser"
    fields |= {name: name for name, one in columns.items() if one.field.custom and name not in fields and not one.named}
    if FILTER in columns:
        fields[FILTER] = FILTER
    return Route(
        object=table.name, entity=table.name.lower(), label=table.label, order=CUSTOM_ORDER, fields=fields,
        kinds=KINDS, parents=parents, custom=True, optional=True, custom_fields=False, filters=(IN_SYNC,),
        all_fields=not table.custom,
    )  # fmt: skip
