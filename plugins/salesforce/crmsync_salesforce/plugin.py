"""The Salesforce connector: the hooks of crmsync, and who this connector is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any

import msgspec
from msgspec.structs import replace

from crmsync.errors import RouteStopped
from crmsync.hookspecs import System, hookimpl
from crmsync.model import Condition, Direction, Fields, Page, Query, Route, Scope
from crmsync.writes import Change, Outcomes
from crmsync_salesforce import fetch as reading
from crmsync_salesforce.check import check
from crmsync_salesforce.custom import custom_routes
from crmsync_salesforce.describe import Known
from crmsync_salesforce.described import scope_of
from crmsync_salesforce.errors import Faulty, translate
from crmsync_salesforce.permissions import permission_set
from crmsync_salesforce.rights import grants
from crmsync_salesforce.routes import NO_STAMP, ROUTES, UNSEEN, WHERE
from crmsync_salesforce.session import SalesforceSession, connect
from crmsync_salesforce.settings import SalesforceSettings
from crmsync_salesforce.simulation import simulate

BATCH, BULK = 200, 10_000
"""Changes that one call takes, and how many at once where an upload may cost fewer calls."""


async def _login(given: Mapping[str, Any], show: Callable[[str], None]) -> Mapping[str, str]:
    from crmsync_salesforce.login import login  # noqa: PLC0415 - its little web server is needed once in a life

    return await login(given, show)


@hookimpl
def system() -> System:
    """Salesforce."""
    return System(
        name="salesforce", title="Salesforce", settings=SalesforceSettings, connect=connect, routes=routes,
        check=check, permission_set=permission_set, login=_login, batch=BATCH, bulk=BULK, tasks="Task",
        completed={"Status": "Completed"}, members="CampaignMember", simulate=simulate,
    )  # fmt: skip


async def routes(session: SalesforceSession, enabled: frozenset[str] | None) -> Sequence[Route]:
    """The standard objects, and custom ones that are enabled (all on offer for None)."""
    standard = list(ROUTES)
    if session.client.features.plain:
        there = await _listed(session)
        lost = [route.object for route in standard if there and route.object not in there]
        if lost:
            session.context.warn(f"The server has no {', '.join(lost)}: the sync goes on without.")
        standard = [route for route in standard if route.object not in lost]
    return [*standard, *await custom_routes(session.describes, enabled)]


async def _listed(session: SalesforceSession) -> set[str]:
    try:
        answer = await session.client.get("sobjects")
        body = msgspec.json.decode(answer.body)
        return {str(one["name"]) for one in body["sobjects"]}
    except Faulty as error:
        raise translate(error) from error
    except (msgspec.MsgspecError, KeyError, TypeError):
        return set()


@hookimpl
async def fields(session: SalesforceSession, obj: str) -> Fields:
    """The fields these credentials see and that can be read, but for the one that holds our own keys.

    Raises RouteStopped where the object is not visible.
    """
    known = await session.describes.fresh(obj)
    if not known.described.queryable:
        raise RouteStopped(f"{obj} may not be queried.", hint=f'Grant the user "Read" on {obj}.', code="not_queryable")
    ours = session.settings.key_field.lower()
    return {
        name: replace(one, calculated=True) if name in NO_STAMP else one
        for name, one in known.fields.items()
        if name not in UNSEEN and name.lower() != ours
    }


@hookimpl
async def scope(session: SalesforceSession, obj: str) -> Scope:
    """The operations these credentials may do on an object, and which of its rows are synced at all."""
    known = await session.describes.last(obj)
    return scope_of(known.described, _where(obj, known), grants(obj, known.described))


def _where(obj: str, known: Known) -> tuple[Condition, ...]:
    return tuple(one for one in WHERE.get(obj, ()) if one.field in known.fields)


@hookimpl
def directions(route: Route) -> frozenset[Direction]:
    """The ways an object may move, by the table of rules."""
    return route.directions


@hookimpl
async def fetch(session: SalesforceSession, query: Query) -> AsyncIterator[Page]:
    """Read pages."""
    async for page in reading.fetch(session, query):
        yield page


@hookimpl
async def apply(session: SalesforceSession, changes: Sequence[Change]) -> Outcomes:
    """Write changes."""
    from crmsync_salesforce import writing  # noqa: PLC0415 - a dozen modules that a sync without edits never needs

    return await writing.apply(session, changes)
