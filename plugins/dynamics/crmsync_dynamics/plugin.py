"""The Dynamics connector: the hooks of crmsync, and who this connector is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from msgspec.structs import replace

from crmsync.errors import RouteStopped
from crmsync.hookspecs import Customs, System, hookimpl
from crmsync.model import Direction, Fields, Kind, Page, Query, Route, Scope
from crmsync.writes import Change, Outcomes
from crmsync_dynamics import fetch as reading
from crmsync_dynamics import writing
from crmsync_dynamics.check import check
from crmsync_dynamics.custom import custom_routes
from crmsync_dynamics.describe import Known
from crmsync_dynamics.errors import Faulty
from crmsync_dynamics.reading import failed
from crmsync_dynamics.rights import WHOLE, names_of
from crmsync_dynamics.routes import NEEDED, ROUTES
from crmsync_dynamics.session import DynamicsSession, connect
from crmsync_dynamics.settings import DynamicsSettings
from crmsync_dynamics.simulation import simulate

BATCH, BULK = 200, 2_000
"""Changes that one batch takes, and how many at once where messages of many records cost fewer calls."""


CUSTOMS = Customs(
    converting="a new contact of no account, and an opportunity where one is named (R-078, R-079)",
    alone=True, resends=False, statuses=False, deletes=False,
)  # fmt: skip


@hookimpl
def system() -> System:
    """Dynamics."""
    return System(
        name="dynamics", title="Microsoft Dynamics 365", settings=DynamicsSettings, connect=connect, routes=routes,
        check=check, batch=BATCH, bulk=BULK, tasks="task", completed={"statecode": "1"}, members="listmember",
        customs=CUSTOMS, simulate=simulate,
    )  # fmt: skip


async def routes(session: DynamicsSession, enabled: frozenset[str] | None) -> Sequence[Route]:
    """The standard tables, and custom ones that are enabled (all on offer for None).

    Apps bring tables: of those that the environment does not have nothing is said. A plain server may have none of
    them, which is told.
    """
    try:
        there = await session.describes.names()
    except Faulty as error:
        raise failed(error, session, "EntityDefinitions") from error
    plain = session.client.features.plain
    found = [route for route in ROUTES if not there or session.describes.is_there(route.object, there)]
    standard = [_fitted(route, plain=plain) for route in found]
    lost = [route.object for route in ROUTES if route not in found]
    if lost and plain:
        session.context.warn(f"The server has no {', '.join(lost)}: the sync goes on without.")
    return [*standard, *await custom_routes(session, enabled)]


def _fitted(route: Route, *, plain: bool) -> Route:
    """A route as it is for this server: roles, told from rows' values, are not counted; owners are read (R-127)."""
    if route.object in NEEDED:
        route = replace(route, kinds=route.kinds - {Kind.COUNT})
    if "ownerid" in route.wanted and not plain:
        route = replace(route, required=(*route.required, "ownerid"))
    return route


@hookimpl
async def fields(session: DynamicsSession, obj: str) -> Fields:
    """The fields that these credentials can read. Raises RouteStopped where the table is not there."""
    try:
        known = await session.describes.fresh(obj)
    except Faulty as error:
        raise failed(error, session, obj) from error
    if not known.held.may(known.table, "Read"):
        right = names_of(known.table, "Read")[0]
        raise RouteStopped(
            f"{obj} may not be read.", hint=f"Give the user's security role {right} for the whole organisation.",
            code="0x80040220",
        )  # fmt: skip
    return known.fields


@hookimpl
async def scope(session: DynamicsSession, obj: str) -> Scope:
    """The operations these credentials may do on an object."""
    known = await session.describes.last(obj)
    may = {verb: known.held.may(known.table, verb) for verb in ("Read", "Create", "Write", "Delete")}
    return Scope(
        read=may["Read"], create=may["Create"], update=may["Write"], delete=may["Delete"], grants=_grants(known),
        whole=known.held.depth(known.table, "Read") == WHOLE,
    )  # fmt: skip


def _grants(known: Known) -> tuple[str, ...]:
    depth = known.held.depth(known.table, "Read")
    if not known.table.owned or depth in (None, WHOLE):
        return ()
    right = names_of(known.table, "Read")[0]
    said = (
        f"Give {right} for the whole organisation ({known.table.name} is read with the depth {depth or 'None'}): "
        "records that the user does not see are not synced, and changes cannot be told by the CRM."
    )
    return (said,)


@hookimpl
def directions(route: Route) -> frozenset[Direction]:
    """The ways an object may move, by the table of rules."""
    return route.directions


@hookimpl
async def fetch(session: DynamicsSession, query: Query) -> AsyncIterator[Page]:
    """Read pages."""
    async for page in reading.fetch(session, query):
        yield page


@hookimpl
async def apply(session: DynamicsSession, changes: Sequence[Change]) -> Outcomes:
    """Write changes."""
    return await writing.apply(session, changes)
