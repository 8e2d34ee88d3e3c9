"""Persons merged at a marketer's wish: in the CRM where it has several of them, then here."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from crmsync.actions import converting
from crmsync.actions.changes import Order, place
from crmsync.actions.jobs import Job, named
from crmsync.actions.syncing import push
from crmsync.entities import GUARDED
from crmsync.model import Field, Kind, Page, Route, Value
from crmsync.pull import by_id
from crmsync.pull.run import Pull
from crmsync.push.newcomers import lead_route
from crmsync.push.refusals import prepared
from crmsync.store.names import columns_of
from crmsync.store.people import actions
from crmsync.store.people import known as people
from crmsync.store.people.joining import Joined, join
from crmsync.store.people.known import Person
from crmsync.writes import Operation, Wish

RANK = {"contact": 2, "lead": 1}
"""A contact beats a lead, a record of the CRM beats a person of this side alone (R-302)."""


async def merge_persons(pull: Pull, jobs: Sequence[Job]) -> None:
    """Merge the others of each job into its person, which keeps its row (R-296); one job after the other."""
    for job in jobs:
        rows = list(dict.fromkeys([job.person_id, *job.wish.others]))
        async with pull.flight.hold("person", rows):
            await _merge(pull, job, rows)
        if job.state == actions.DONE and job.crm_id:
            await _send_what_was_filled(pull, job)


async def _merge(pull: Pull, job: Job, rows: Sequence[int]) -> None:
    before = await _merged_before(pull, job)
    known = await _as_in_the_crm(pull, job, rows)
    _check(job, rows, known, again=before is not None)
    values = await pull.store.read(_values, pull, job) if not job.state else {}
    winner = before or await _in_crm(pull, job, [known[row] for row in rows if row in known])
    if not job.state and winner is not None:
        await pull.store.write(_join, pull, job, rows, winner, values)


async def _as_in_the_crm(pull: Pull, job: Job, rows: Sequence[int]) -> dict[int, Person]:
    """The persons as they are; where several are to be merged in the CRM, as it has them now."""
    known = await pull.store.read(people.people, pull.roles, rows)
    living = [one for one in known.values() if one.in_crm and one.object in pull.routes]
    if len(living) < 2 or job.wish.skip_crm:  # noqa: PLR2004 - it takes two
        return known
    for obj in dict.fromkeys(one.object for one in living):
        ids = [one.crm_id for one in living if one.object == obj]
        await by_id(pull, pull.routes[obj], ids, gone_if_absent=True)
    return await pull.store.read(people.people, pull.roles, rows)


async def _merged_before(pull: Pull, job: Job) -> Person | None:
    """The survivor of the merge in the CRM, where an earlier try got so far."""
    made = await pull.store.read(actions.made_before, [job.id])
    found = [(obj, crm_id) for _, operation, obj, crm_id in made if operation == Operation.MERGE]
    return await pull.store.read(people.standing_for, pull.roles, *found[-1]) if found else None


def _check(job: Job, rows: Sequence[int], known: Mapping[int, Person], *, again: bool) -> None:
    """Refuse what cannot be merged: all of it, before anything was done."""
    missing = [row for row in rows if row not in known]
    gone = [one for one in known.values() if one.deleted]
    living = [one for one in known.values() if one.in_crm]
    if missing and not again:
        job.refuse("person", f"There is no person {', '.join(map(str, missing))}.")
    elif len(rows) < 2:  # noqa: PLR2004 - it takes two
        job.refuse("person", "A person cannot be merged with itself: name others.")
    elif gone and not job.wish.skip_crm:
        who = "; ".join(map(str, gone))
        job.refuse("gone", f"{who} was deleted in the CRM: nothing was merged; `skip_crm` merges here alone (R-301).")
    elif len(living) > 1 and not job.wish.skip_crm and any(one.is_account_too for one in living):
        who = "; ".join(str(one) for one in living if one.is_account_too)
        job.refuse("person account", f"{who} is an account, too: merge it in the CRM (R-325).")


def _values(con: sqlite3.Connection, pull: Pull, job: Job) -> dict[str, Value]:
    """What was chosen, in canonical form; a job that chose what cannot be ends."""
    columns, fields = columns_of(con, "person"), dict[str, Field]()
    for route in pull.routes.values():
        fields |= {one.column: one.field for one in route.maps if route.role}
    found: dict[str, Value] = {}
    for name, value in job.wish.values.items():
        if name not in columns or name in GUARDED:
            near = get_close_matches(name, [one for one in columns if one not in GUARDED], n=2)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            job.refuse("value", f"values: a person has no column {name!r} that can be chosen.{hint}")
            return {}
        try:
            found[name] = prepared(value, fields[name]) if name in fields else value
        except (ValueError, TypeError) as error:
            job.refuse("value", f"values: {name}: {error}.")
            return {}
    return found


async def _in_crm(pull: Pull, job: Job, persons: Sequence[Person]) -> Person | None:
    """Merge those whom the CRM has; returns the one whose record and values stay."""
    if job.state:
        return None
    ranked = sorted(persons, key=lambda one: -RANK[one.type] if one.in_crm else 0)  # of the best the first named
    living = [one for one in ranked if one.in_crm]
    if len(living) > 1 and not job.wish.skip_crm:
        await _merge_there(pull, job, living)
    return ranked[0]


async def _merge_there(pull: Pull, job: Job, living: Sequence[Person]) -> None:
    winner, losers = living[0], list(living[1:])
    if winner.type == "contact":
        losers = await _converted(pull, job, losers)
    if not job.state:
        wish = Wish(losers=tuple(one.crm_id for one in losers))
        order = Order(
            job=job, person=winner, operation=Operation.MERGE, object=winner.object, crm_id=winner.crm_id, wish=wish
        )
        await place(pull, [order])
    if not job.state:
        job.tell(f"{', '.join(map(named, losers))} went into {named(winner)} in the CRM.")


async def _converted(pull: Pull, job: Job, losers: Sequence[Person]) -> list[Person]:
    """Leads that are to go into a contact become contacts first, each with an account of its own (R-288, R-289)."""
    leads = [one for one in losers if one.type == "lead"]
    orders = [converting.order(job, one, opportunity=False) for one in leads]
    for one, outcome in zip(orders, await place(pull, orders), strict=True):
        if not job.state:
            job.tell(converting.told(one.person, outcome))
    now = await pull.store.read(people.people, pull.roles, [one.row_id for one in losers])
    return [now[one.row_id] for one in losers]


def _join(
    con: sqlite3.Connection, pull: Pull, job: Job, rows: Sequence[int], winner: Person, values: Mapping[str, Value]
) -> None:
    """In one transaction with the end of the action: the next try would not know the persons any more."""
    joined = Joined(kept=job.person_id, winner=winner.row_id, others=rows, in_crm=winner.in_crm, values=values)
    join(con, pull.batch(_route(pull, winner), Page(), Kind.IDS), joined)
    gone = ", ".join(str(row) for row in rows if row != job.person_id)
    alone = " The CRM was left out." if job.wish.skip_crm else ""
    job.done(f"Person {gone} went into person {job.person_id}.{alone}", crm_id=winner.crm_id or None)
    actions.end(con, [job.as_ended(None)], pull.now())


def _route(pull: Pull, winner: Person) -> Route:
    route = pull.routes.get(winner.object) or lead_route(pull)
    return route or next(route for route in pull.routes.values() if route.entity == "person")


async def _send_what_was_filled(pull: Pull, job: Job) -> None:
    """Gaps that were filled and values that were chosen go to the CRM at once; what fails waits for the next cycle."""
    now = await pull.store.read(people.people, pull.roles, [job.person_id])
    if now[job.person_id].in_crm:
        state, code = job.state, job.code
        await push(pull, [job], now)
        job.state, job.code, job.wait = state, code, None
