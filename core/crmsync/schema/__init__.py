"""Read the schema: which objects and fields may move, which way, and into which columns.

The narrowed routes are kept in the database, so that the next process can begin reading at once while it makes sure
that nothing changed.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct, field

from crmsync.errors import CrmsyncError, RetryLater, RouteStopped
from crmsync.hookspecs import Session
from crmsync.model import Field, Finding, Level, Route, Scope
from crmsync.plugins import Plugins
from crmsync.schema.policy import check_objects, narrow
from crmsync.settings import ConnectionSettings
from crmsync.store import Store
from crmsync.store.lookup import mapping
from crmsync.store.memory import memory

REMEMBERED = "routes"


class Schema(Struct):
    """What one look at the CRM's schema found."""

    routes: dict[str, Route] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)
    stopped: dict[str, CrmsyncError] = field(default_factory=dict)
    visible: dict[str, Mapping[str, Field]] = field(default_factory=dict)
    offered: list[Route] = field(default_factory=list)

    def stop(self, route: Route, error: CrmsyncError) -> None:
        """An object that cannot be synced, and what to grant."""
        self.stopped[route.object] = error
        self.findings.append(Finding(level=Level.STOP, topic=route.object, message=error.message, grant=error.hint))


def fingerprint(settings: ConnectionSettings) -> str:
    """What the remembered routes depend on besides the CRM."""
    text = repr((settings.connector, settings.fields.model_dump(), settings.objects.model_dump()))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def remembered(values: Mapping[str, str], settings: ConnectionSettings) -> dict[str, Route]:
    """The routes of the last look, if the settings are still the same."""
    mark, _, text = values.get(REMEMBERED, "").partition("\n")
    if mark != fingerprint(settings):
        return {}
    try:
        return {route.object: route for route in msgspec.json.decode(text, type=list[Route])}
    except msgspec.MsgspecError:
        return {}  # written by another version: read anew


def to_remember(routes: Sequence[Route], settings: ConnectionSettings) -> dict[str, str]:
    """What `remembered` reads."""
    return {REMEMBERED: f"{fingerprint(settings)}\n{msgspec.json.encode(list(routes)).decode()}"}


async def survey(
    plugins: Plugins, session: Session, settings: ConnectionSettings, known: Mapping[str, Mapping[str, str]]
) -> Schema:
    """Look at every object: fields, scope and directions, narrowed by the settings.

    An object that cannot be read is in `stopped` with the reason; the others are not held up. Raises SettingsError
    where the settings name what does not exist, or change the mapping after the first sync.
    """
    chosen = settings.objects
    offered = list(await plugins.system.routes(session, frozenset(chosen.enable)))
    names = {route.object for route in offered}
    check_objects(settings, names | known.keys())
    wanted = [r for r in offered if r.object not in chosen.disable and (not r.optional or r.object in chosen.enable)]
    routes = [route for route in wanted if not route.refused]
    schema = Schema(offered=offered)
    for route in wanted:
        if route.refused:
            schema.stop(route, RouteStopped(route.refused, hint="Take it out of objects.enable.", code="unrelated"))
    for name in chosen.enable:
        if name not in names:
            said = f"{name} is not visible to these credentials any more; its rows are kept (R-188)."
            schema.stop(Route(object=name, entity=""), RouteStopped(said, hint=f"Grant read access to {name}."))
    looked = await asyncio.gather(*(_look(plugins, session, route) for route in routes), return_exceptions=True)
    taken: dict[str, Mapping[str, str]] = dict(known)
    all_later = all(isinstance(found, RetryLater) for found in looked)  # then it is the way to the CRM
    for route, found in zip(routes, looked, strict=True):
        if isinstance(found, RouteStopped) or (isinstance(found, RetryLater) and not all_later):
            schema.stop(route, found)
        elif isinstance(found, BaseException):
            raise found
        else:
            try:
                _narrow(schema, plugins, route, found, settings, taken)
            except RouteStopped as error:
                schema.stop(route, error)
    return schema


async def _look(plugins: Plugins, session: Session, route: Route) -> tuple[Mapping[str, Field], Scope]:
    return await asyncio.gather(plugins.fields(session, route.object), plugins.scope(session, route.object))


def _narrow(
    schema: Schema, plugins: Plugins, route: Route, found: tuple[Mapping[str, Field], Scope],
    settings: ConnectionSettings, known: Mapping[str, Mapping[str, str]],
) -> None:  # fmt: skip
    fields, scope = found
    schema.visible[route.object] = {name: one for name, one in fields.items() if not one.hidden}
    narrowed = narrow(
        route, fields, scope, plugins.directions(route), settings, known=known, others=schema.routes.values()
    )
    schema.findings += narrowed.findings
    stops = [one for one in narrowed.findings if one.level is Level.STOP]
    if stops:
        first = stops[0]
        schema.stopped[route.object] = RouteStopped(first.message, hint=first.grant, code="required")
    else:
        schema.routes[route.object] = narrowed.route


async def known_mapping(store: Store) -> dict[str, dict[str, str]]:
    """The mapping in force since the first sync: object to field to column."""
    return await store.read(mapping)


async def recall(store: Store, settings: ConnectionSettings) -> dict[str, Route]:
    """The routes that the last process left in the database."""
    return remembered(await store.read(memory), settings)
