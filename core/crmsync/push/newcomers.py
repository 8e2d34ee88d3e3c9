"""Persons whom the CRM does not have become leads there: with all they are worth sending, once, and only when asked."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from msgspec import Struct, field
from msgspec.structs import replace

from crmsync.model import Direction, Field, Route, Value
from crmsync.pull.run import NEWS, Pull
from crmsync.push.outward import outward
from crmsync.push.refusals import prepared
from crmsync.push.sending import Asked, key_of, send
from crmsync.store.people.known import values_of
from crmsync.store.sending.refused import Refusal, save_refusal
from crmsync.writes import Change, Operation, Outcome, Result, Wish

LEAD = "lead"
AGAIN = "Correct the person, then ask for the same again."
NEEDED = ("last_name", "company")  # usually asked for by the CRM


class Newcomer(Struct, frozen=True, kw_only=True):
    """One person to be sent, and how. Without `link` it becomes a second record, which the person does not stand for.

    `owner` is a user or a queue by its id in the CRM; `assign` lets the CRM's own rules choose one; `duplicates` saves
    also where a rule of the CRM only warns of duplicates.
    """

    row_id: int
    owner: str = ""
    assign: bool = True
    duplicates: bool = False
    link: bool = True
    action: int | None = None


class _Draft(Struct):
    """A person's values on their way, and why they cannot go."""

    one: Newcomer
    stored: Mapping[str, Value]  # as the row has them, empty ones among them
    values: dict[str, Value] = field(default_factory=dict)
    wrong: str = ""
    columns: tuple[str, ...] = ()


def lead_route(pull: Pull) -> Route | None:
    """The route of leads, where they are synced."""
    return next((route for route in pull.routes.values() if route.role == LEAD), None)


def why_not(pull: Pull) -> Outcome | None:
    """Why no lead can be made for anybody; None where it can."""
    route = lead_route(pull)
    if not pull.plugins.writes:
        return _no("direction", "The connector does not write to its CRM.", "Nothing can be sent there.")
    if route is None:
        return _no("unsynced", "Leads are not synced.", "Select them in the settings, and run a sync.")
    if Direction.PUSH not in route.directions:
        return _no(
            "direction", f"{route.object} moves one way only.", "`crmsync check` says what keeps it from the CRM."
        )
    if not route.scope.create:
        grant = "; ".join(route.scope.grants) or f'Grant "Create" on {route.object}.'
        return _no("create", f"{route.object} may not be made with these credentials.", grant)
    return None


def _no(code: str, message: str, hint: str) -> Outcome:
    return Outcome(result=Result.REFUSED, code=code, message=message, hint=hint)


async def make_leads(pull: Pull, some: Sequence[Newcomer]) -> list[Outcome]:
    """Make a lead for each of these persons, in as few calls as may be; one outcome each, in order.

    The caller holds the rows and has made sure that the CRM does not have the persons. What is refused is listed among
    the errors, and told on the person.
    """
    refused = why_not(pull)
    route = lead_route(pull)
    if refused is not None or route is None:
        return [refused or _no("unsynced", "", "")] * len(some)
    drafts = await pull.store.read(_drafts, pull, route, some)
    _name(pull, route, drafts)
    asked = await pull.store.read(_asked, pull, route, [draft for draft in drafts if not draft.wrong])
    found = dict(zip((one.row_id for one in asked), await send(pull, asked), strict=True))
    outcomes = [found.get(one.one.row_id) or _no("value", one.wrong, AGAIN) for one in drafts]
    outcomes = [_with_hint(outcome, draft) for outcome, draft in zip(outcomes, drafts, strict=True)]
    await pull.store.write(_tell, pull, route, list(zip(drafts, outcomes, strict=True)))
    return outcomes


def _drafts(con: sqlite3.Connection, pull: Pull, route: Route, some: Sequence[Newcomer]) -> list[_Draft]:
    """The values of these persons; of one with an account, the company is the account's."""
    fields = _fields(route)
    rows = [one.row_id for one in some]
    own, whole = values_of(con, rows), values_of(con, rows, "person_full")
    found = []
    for one in some:
        stored = {name: own[one.row_id].get(name) for name in fields}
        draft = _Draft(one, stored)
        for name, value in {**pull.defaults, **_present(whole[one.row_id])}.items():
            _take(draft, fields.get(name), name, value)
        found.append(draft)
    return found


def _fields(route: Route) -> dict[str, Field]:
    sent = (one for one in route.maps if Direction.PUSH in one.directions and one.field.createable)
    return {one.column: one.field for one in sent}


def _present(row: Mapping[str, Value]) -> dict[str, Value]:
    return {name: value for name, value in row.items() if value is not None}


def _take(draft: _Draft, field: Field | None, name: str, value: Value) -> None:
    if field is None:
        return
    try:
        draft.values[name] = prepared(value, field)
    except (ValueError, TypeError) as error:
        draft.wrong = draft.wrong or f"person {draft.one.row_id}: {name} was not sent: {error}."


def _name(pull: Pull, route: Route, drafts: Sequence[_Draft]) -> None:
    """Give the values the CRM's names; persons with the same columns go through the plugins together."""
    groups: dict[tuple[str, ...], list[_Draft]] = {}
    for one in drafts:
        one.columns = tuple(sorted(one.values))
        groups.setdefault(one.columns, []).append(one)
    for columns, group in groups.items():
        rows = [(str(one.one.row_id), *(one.values[name] for name in columns)) for one in group]
        named, wrong = outward(pull.plugins, route, columns, rows)
        for one in group:
            one.values = {k: v for k, v in named.get(str(one.one.row_id), {}).items() if v is not None}
            one.wrong = one.wrong or wrong.get(str(one.one.row_id), "")


def _asked(con: sqlite3.Connection, pull: Pull, route: Route, drafts: Sequence[_Draft]) -> list[Asked]:
    return [_change(con, pull, route, draft) for draft in drafts]


def _change(con: sqlite3.Connection, pull: Pull, route: Route, draft: _Draft) -> Asked:
    one = draft.one
    wish = Wish(owner=one.owner, assign=one.assign and not one.owner, mail=pull.owner_mail, duplicates=one.duplicates)
    key = key_of(con, Operation.CREATE, "person", one.row_id, one.action)
    change = Change(
        operation=Operation.CREATE, object=route.object, row=one.row_id, values=draft.values, key=key, wish=wish
    )
    sent = draft.stored if one.link else {}
    return Asked(change=change, entity="person", row_id=one.row_id, action=one.action, sent=sent, link=one.link)


def _with_hint(outcome: Outcome, draft: _Draft) -> Outcome:
    """What to do about a refusal; a name or company that is missing is the usual reason (R-061)."""
    if outcome.result is not Result.REFUSED:
        return outcome
    lacking = [name for name in NEEDED if name in draft.stored and name not in draft.columns]
    said = (
        f"The person has no {' and no '.join(lacking)}: give one, or set a default for it in the settings (defaults)."
    )
    return replace(outcome, hint=f"{outcome.hint or AGAIN} {said if lacking else ''}".strip())


def _tell(con: sqlite3.Connection, pull: Pull, route: Route, heard: Sequence[tuple[_Draft, Outcome]]) -> None:
    for draft, outcome in heard:
        if outcome.result is Result.REFUSED and outcome.code != "ambiguous":  # that was told when it was found out
            refusal = Refusal(
                object=route.object, operation=NEWS, entity="person", row_id=draft.one.row_id, crm_id=None,
                code=outcome.code, message=outcome.message, hint=outcome.hint,
            )  # fmt: skip
            save_refusal(con, refusal, pull.run, pull.now())
