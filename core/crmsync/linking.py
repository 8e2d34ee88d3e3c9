"""What a marketer asks of programs: to link one to a campaign, to part them again, and to list how they stand."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from crmsync.errors import CrmError, CrmsyncError, LeaseHeld, RouteStopped, SettingsError
from crmsync.model import Direction, Finding, Level, Route
from crmsync.opened import Opened
from crmsync.programs import INIT, routes_of
from crmsync.programs.making import Making
from crmsync.push.settling import settle
from crmsync.runs import Runs
from crmsync.schema import recall
from crmsync.store import Store
from crmsync.store.programs import fields as memberfields
from crmsync.store.programs import links as programs
from crmsync.store.programs import wishes
from crmsync.store.programs.links import Program

WAYS_OUT = (
    "Rename or remove statuses of the campaign in the CRM and run a sync, change those of the program in "
    "program_status, or choose another campaign; then link again."
)


class Programs:
    """The programs of one connection. A program is named by its name or number, a campaign by its name or CRM id.

    Linking needs neither the CRM nor the lease: the campaign's statuses and members are those of the last sync. Raises
    SettingsError where nothing, or several records, are meant, or campaigns are not synced.
    """

    def __init__(self, opened: Opened, runs: Runs) -> None:
        self._opened = opened
        self._runs = runs

    async def listed(self) -> list[dict[str, Any]]:
        """Every program with its campaign, how the link stands, and its members on both sides."""
        return await (await self._opened.store()).read(programs.listing)

    async def link(self, program: str, campaign: str) -> dict[str, Any]:
        """Join a program to a campaign, one to one (R-143); from the next cycle on they are kept in step.

        Raises CrmsyncError with what differs while their statuses do not match (R-149), RouteStopped with what to
        grant where these credentials may not change campaigns.
        """
        store = await self._opened.store()
        await self._offered(store)
        return await store.write(_link, program, campaign, self._opened.now())

    async def unlink(self, program: str) -> dict[str, Any]:
        """Part a program from its campaign; both keep their members."""
        store = await self._opened.store()
        return await store.write(_unlink, program)

    async def create(self, program: str, name: str = "") -> dict[str, Any]:
        """Have a campaign made in the CRM for a program (R-151), called `name` or like the program, and linked to it.

        Exactly one is made, however often this is asked or cut off. `state` is linked, or waiting: another process runs
        the cycles and makes it with its next one, or the CRM asks to come again later. Raises as `link` does.
        """
        store = await self._opened.store()
        await self._offered(store)
        one = await store.write(_wish, program, name)
        try:
            async with self._runs.acting() as pull:
                await settle(pull)
                await Making(pull, routes_of(pull.routes) or {}, INIT).run()
        except LeaseHeld:
            pass  # whoever holds it grants the wish
        return await store.read(_made, one)

    async def fit(self, routes: Mapping[str, Route]) -> None:
        """Put the settings' mapping of member fields into force. Raises SettingsError for what never fitted (R-160)."""
        store = await self._opened.store()
        found = await store.read(memberfields.plan, self._opened.settings.programs.member_fields, _members(routes))
        for why in found.refused:
            raise SettingsError(f"programs.member_fields: {why}.", hint="`crmsync fields` lists what is synced.")
        if found.said or found.joined != await store.read(memberfields.held):
            await store.write(memberfields.join, found, self._opened.now())

    async def findings(self, routes: Mapping[str, Route]) -> list[Finding]:
        """What of the mapping would be refused."""
        store = await self._opened.store()
        found = await store.read(memberfields.plan, self._opened.settings.programs.member_fields, _members(routes))
        return [Finding(level=Level.STOP, topic="programs", message=f"{why}.") for why in found.refused]

    async def _offered(self, store: Store) -> dict[str, Route]:
        """The routes of campaigns, if they have statuses, are synced and may be changed (R-141, R-142)."""
        system = self._opened.plugins.system
        if not system.customs.statuses:
            raise SettingsError(
                f"Programs of {self._opened.name!r} cannot be linked: campaigns of {system.title} have no statuses.",
                hint="`crmsync campaign add` and `crmsync campaign remove` work without a link.",
            )
        known = await recall(store, self._opened.settings)
        found = routes_of(known)
        if found is None:
            why = "the CRM's campaigns are not synced" if known else "nothing was synced yet"
            raise SettingsError(
                f"Programs of {self._opened.name!r} cannot be linked: {why}.",
                hint="Take campaigns, their members and statuses out of objects.disable, then run a sync.",
            )
        for route in found.values():
            if Direction.PUSH not in route.directions:
                raise RouteStopped(
                    f"{route.label or route.object} may not be changed with these credentials (R-142).",
                    hint=" ".join(route.scope.grants) or f"Grant create and edit on {route.object}; then run a sync.",
                    code="rights",
                )
        return found


def _members(routes: Mapping[str, Route]) -> Route | None:
    return next((route for route in routes.values() if route.entity == "campaign_member"), None)


def _program(con: sqlite3.Connection, text: str) -> Program:
    if (found := programs.named(con, text)) is not None:
        return found
    names = programs.names(con)
    near = get_close_matches(text, names, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(names) or 'none'}."
    raise SettingsError(f"There is no program {text!r}.", hint=hint)


def _campaign(con: sqlite3.Connection, text: str) -> tuple[str, str]:
    found = programs.campaigns(con, text)
    if len(found) > 1:
        ids = ", ".join(crm_id for crm_id, _ in found)
        raise SettingsError(f"Several campaigns are called {text!r}.", hint=f"Name one by its id: {ids}.")
    if not found:
        raise SettingsError(
            f"There is no campaign {text!r} here.",
            hint="`crmsync sync` reads new ones; its id in the CRM is a name too.",
        )
    return found[0]


def _wish(con: sqlite3.Connection, program: str, name: str) -> Program:
    one = _program(con, program)
    if one.campaign is not None:
        raise CrmsyncError(
            f"The program {one.name!r} is linked to campaign {one.campaign} already; it has one.",
            hint="`crmsync campaign unlink` first, or make another program.",
        )
    if not programs.labels(con, one.id):
        raise CrmsyncError(
            f"The program {one.name!r} has no statuses for a campaign to have.", hint="Insert them into program_status."
        )
    wishes.ask(con, one.id, name.strip() or one.name)
    return one


def _made(con: sqlite3.Connection, program: Program) -> dict[str, Any]:
    one, (state, message) = programs.numbered(con, program.id) or program, wishes.standing(con, program.id)
    if state == "refused":
        said = f"No campaign for the program {one.name!r}: {message}"
        raise CrmError(
            said, hint="Correct what it is about; the same command goes on where it stopped.", code="refused"
        )
    found = programs.campaigns(con, one.campaign) if one.campaign else []
    return {
        "program": one.name,
        "campaign": found[0][1] if found else None,
        "campaign_crm_id": one.campaign,
        "state": "linked" if one.campaign else "waiting",
    }


def _link(con: sqlite3.Connection, program: str, campaign: str, at: str) -> dict[str, Any]:
    one, (crm_id, name) = _program(con, program), _campaign(con, campaign)
    if one.campaign is not None and one.campaign != crm_id:
        raise CrmsyncError(
            f"The program {one.name!r} is linked to campaign {one.campaign} already; it has one.",
            hint="`crmsync campaign unlink` first, or make another program.",
        )
    other = programs.linked_to(con, crm_id)
    if other is not None and other.id != one.id:
        raise CrmsyncError(
            f"Campaign {name!r} ({crm_id}) is linked to the program {other.name!r} already; it has one.",
            hint="`crmsync campaign unlink` that one first, or choose another campaign.",
        )
    if apart := programs.difference(con, one.id, crm_id):
        raise CrmsyncError(
            f"The program {one.name!r} cannot be linked to campaign {name!r} ({crm_id}), for their statuses differ. "
            f"As of the last sync {apart} (R-149).",
            hint=WAYS_OUT,
            code="statuses",
        )
    if other is None:
        programs.link(con, one.id, crm_id, at)
        wishes.forget(con, one.id)
    return {"program": one.name, "campaign": name, "campaign_crm_id": crm_id, "state": "linked"}


def _unlink(con: sqlite3.Connection, program: str) -> dict[str, Any]:
    one = _program(con, program)
    programs.unlink(con, one.id)
    wishes.forget(con, one.id)
    return {"program": one.name, "campaign_crm_id": one.campaign, "state": "unlinked"}
