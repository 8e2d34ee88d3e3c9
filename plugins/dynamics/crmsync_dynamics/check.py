"""The seven checks of a Dynamics connection: each tells what was found, and what to do where it is not well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec

from crmsync.errors import RouteStopped
from crmsync.model import Direction, Finding, Level, Route
from crmsync_dynamics.describe import UNSTAMPED, Known
from crmsync_dynamics.errors import Faulty, Policy, translate
from crmsync_dynamics.rights import WHOLE, missing, names_of
from crmsync_dynamics.routes import STAMP
from crmsync_dynamics.session import DynamicsSession

_USER = "fullname,isdisabled,applicationid,accessmode,internalemailaddress"
_ENDS = frozenset({Policy.LOGIN, Policy.STOP})
_PUSHED = {
    "lead": ("Create", "Write", "Append", "AppendTo", "Assign"),
    "contact": ("Create", "Write", "Append", "AppendTo", "Assign"),
}
_MADE = {"task": ("Create", "Append")}
_CAMPAIGN = "campaign"
_LISTED = {_CAMPAIGN: ("AppendTo",), "list": ("Read", "Create", "Write", "Append", "AppendTo")}
"""Privileges that the way back takes, beside reading: tasks are made on request, lists for campaigns."""


async def check(session: DynamicsSession, routes: Sequence[Route]) -> list[Finding]:
    """Address, credentials, user, privileges, reach, change tracking, identity (R-355, R-356)."""
    settings, identity = session.settings, session.identity
    found = [
        _ok("1 address", f"{settings.root} answers"),
        _ok("2 credentials", f"logged in by {settings.login_flow()}"),
    ]
    if session.client.features.plain:
        return [*found, *_plain(await _known(session, routes))]
    user = await _row(session, f"systemusers({identity.user})?$select={_USER}")
    tables = await _known(session, routes)
    return [
        *found, _enabled(user), await _privileges(session, tables, routes), _reach(tables),
        await _tracking(session, tables), _identity(session, user),
    ]  # fmt: skip


def _ok(topic: str, message: str) -> Finding:
    return Finding(level=Level.OK, topic=topic, message=message)


def _warning(topic: str, message: str, grant: str) -> Finding:
    return Finding(level=Level.WARN, topic=topic, message=message, grant=grant)


def _plain(tables: dict[str, Known]) -> list[Finding]:
    """What is lost with a server that is no Dynamics."""
    said = ["The server is no Dynamics environment: users, privileges and change tracking cannot be told."]
    for name, one in sorted(tables.items()):
        if not one.table.columns[STAMP].wire:
            said.append(UNSTAMPED.format(name))
        if one.table.unread:
            said.append(f"{name} has columns whose types are not read: {', '.join(one.table.unread)}.")
    return [Finding(level=Level.WARN, topic="server", message=one) for one in said]


async def _known(session: DynamicsSession, routes: Sequence[Route]) -> dict[str, Known]:
    """What is known of the tables behind the routes, each once."""
    found: dict[str, Known] = {}
    for route in routes:
        try:
            known = await session.describes.last(route.object)
        except RouteStopped:
            continue  # core tells of it
        found.setdefault(known.table.name, known)
    return found


async def _row(session: DynamicsSession, path: str) -> dict[str, Any] | None:
    try:
        found = msgspec.json.decode((await session.client.get(path)).body)
    except Faulty as error:
        if error.policy in _ENDS:
            raise translate(error) from error
        return None
    except msgspec.MsgspecError:
        return None
    return found if isinstance(found, dict) else None


def _enabled(user: dict[str, Any] | None) -> Finding:
    topic = "3 user"
    if user is None:
        return _warning(topic, "The user's own record cannot be read.", "Give the security role prvReadUser.")
    name = user.get("fullname") or "the user"
    if user.get("isdisabled"):
        return Finding(level=Level.STOP, topic=topic, message=f"{name} is disabled.", grant="Enable it.")
    kind = "application user" if user.get("applicationid") else "user"
    return _ok(topic, f"{name} is an enabled {kind}")


async def _privileges(session: DynamicsSession, tables: dict[str, Known], routes: Sequence[Route]) -> Finding:
    topic, lacking = "4 privileges", list[str]()
    pushed = {route.object for route in routes if Direction.PUSH in route.directions}
    if any(one.held.privileges is None for one in tables.values()):
        grant = "Give the security role what the documentation of this connector lists."
        return _warning(topic, "The user's privileges cannot be told.", grant)
    for name, known in sorted(tables.items()):
        verbs = ("Read", *(_PUSHED.get(name, ()) if name in pushed else ()), *_MADE.get(name, ()))
        lacking += missing(known.held, known.table, verbs)
    if pushed and _CAMPAIGN in tables:
        lacking += await _unlisted(session)
    if lacking:
        message = f"{len(lacking)} privileges are missing: {', '.join(lacking)}."
        return _warning(topic, message, f"Give the user's security role {', '.join(lacking)}.")
    return _ok(topic, f"all that is needed on {len(tables)} tables")


async def _unlisted(session: DynamicsSession) -> list[str]:
    """What is missing to put people into campaigns, by marketing lists, which are no route of their own."""
    lacking = list[str]()
    for name, verbs in _LISTED.items():
        try:
            known = await session.describes.last(name)
        except RouteStopped:
            continue  # an environment without lists says so when somebody is to be added
        lacking += missing(known.held, known.table, verbs)
    return lacking


def _reach(tables: dict[str, Known]) -> Finding:
    topic = "5 reading"
    short = [
        f"{names_of(one.table, 'Read')[0]} ({depth})"
        for _, one in sorted(tables.items())
        if one.table.owned and (depth := one.held.depth(one.table, "Read")) not in (None, WHOLE, "")
    ]
    if short:
        message = f"Not all records are seen: {', '.join(short)}. What the user does not see is not synced."
        return _warning(topic, message, "Give these privileges for the whole organisation.")
    return _ok(topic, "all records of the organisation are seen")


async def _tracking(session: DynamicsSession, tables: dict[str, Known]) -> Finding:
    topic = "6 change tracking"
    without = sorted(name for name, one in tables.items() if not one.table.tracked)
    if without:
        message = (
            f"{', '.join(without)}: no change tracking, so changes are found by their stamps and deletions once a day."
        )
        return _warning(topic, message, f"Switch change tracking on for {', '.join(without)}.")
    days = await _memory(session)
    kept = f", remembered for {days} days" if days else ""
    return _ok(topic, f"on for {len(tables)} tables{kept}")


async def _memory(session: DynamicsSession) -> int:
    """How many days the environment remembers changes; 0 where it does not tell."""
    found = await _row(session, "organizations?$select=expirechangetrackingindays")
    rows = found.get("value") if found else None
    days = rows[0].get("expirechangetrackingindays") if isinstance(rows, list) and rows else None
    return days if isinstance(days, int) else 0


def _identity(session: DynamicsSession, user: dict[str, Any] | None) -> Finding:
    topic, wanted = "7 identity", (session.settings.client_id or "").lower()
    held = str((user or {}).get("applicationid") or "").lower()
    name = (user or {}).get("internalemailaddress") or (user or {}).get("fullname") or session.identity.user
    if wanted and held and held != wanted:
        message = f"The user in the environment belongs to the application {held}, not to client_id {wanted}."
        return Finding(
            level=Level.STOP, topic=topic, message=message, grant="Log in as the application that was set up."
        )
    if wanted and not held:
        message = f"{name} is no application user, so nobody can tell whether it is the one that client_id means."
        return _warning(topic, message, "Add the app registration as an application user.")
    return _ok(topic, f"{name} in organisation {session.identity.org}")
