"""Persons added to campaigns of the CRM, given another status there, and removed."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from crmsync.actions.changes import Order, place
from crmsync.actions.jobs import Job, named, still_open
from crmsync.actions.presence import in_crm, look
from crmsync.pull.run import Pull
from crmsync.store.people.known import Person, campaign, member
from crmsync.writes import Operation, Outcome, Result, Wish

ALREADY, ABSENT = "already", "absent"
"""Codes of outcomes where there was nothing left to do."""

Campaigns = Mapping[int, tuple[str, str]]


async def add_to_campaign(pull: Pull, jobs: Sequence[Job]) -> None:
    """Make members of persons; one who is a member is left alone, status and all (R-065, R-152, R-153)."""
    campaigns = await _campaigns(pull, jobs)
    async with pull.flight.hold("person", [job.person_id for job in jobs]):
        people = await in_crm(pull, still_open(jobs))
        orders = [_order(pull, job, people[job.person_id], campaigns) for job in still_open(jobs)]
        for one, outcome in zip(orders, await place(pull, orders), strict=True):
            if one.job.state:
                continue
            said = f"{named(one.person)} is a member of {_campaign(campaigns, one.job)}"
            if outcome.code == ALREADY:
                one.job.skip(f"{said} already; its status stays.", crm_id=outcome.crm_id)
            else:
                one.job.done(f"{said} now.", crm_id=outcome.crm_id)


async def change_status(pull: Pull, jobs: Sequence[Job]) -> None:
    """Give members a status; one who is none is added with it (R-066, R-154)."""
    campaigns = await _campaigns(pull, jobs)
    async with pull.flight.hold("person", [job.person_id for job in jobs]):
        people = await in_crm(pull, still_open(jobs))
        known = await pull.store.read(_members, still_open(jobs), people, campaigns)
        orders = [_order(pull, job, people[job.person_id], campaigns, known.get(job.id)) for job in still_open(jobs)]
        outcomes = await place(pull, orders)
        await _once_more(pull, orders, outcomes, people, campaigns)
        for one in orders:
            if not one.job.state:
                where = _campaign(campaigns, one.job)
                one.job.done(f"{named(one.person)} has the status {one.job.wish.status!r} in {where}.")


async def _once_more(
    pull: Pull, orders: Sequence[Order], outcomes: Sequence[Outcome], people: Mapping[int, Person], campaigns: Campaigns
) -> None:
    """Who turned out to be a member gets the status; whose membership turned out to be gone is added."""
    again = []
    for one, outcome in zip(orders, outcomes, strict=True):
        if outcome.result is Result.GONE:
            one.job.reopen()
            again.append(_order(pull, one.job, people[one.job.person_id], campaigns, step="added"))
        elif outcome.code == ALREADY:
            again.append(_order(pull, one.job, people[one.job.person_id], campaigns, outcome.crm_id, step="changed"))
    await place(pull, again)


async def remove_from_campaign(pull: Pull, jobs: Sequence[Job]) -> None:
    """End memberships; whoever is no member is left alone (R-155)."""
    campaigns = await _campaigns(pull, jobs)
    async with pull.flight.hold("person", [job.person_id for job in jobs]):
        people = await look(pull, jobs)
        for job in still_open(jobs):
            if not people[job.person_id].in_crm:
                job.skip(f"{people[job.person_id]} is not in the CRM, so it is no member of its campaigns.")
        known = await pull.store.read(_members, still_open(jobs), people, campaigns)
        orders = [_order(pull, job, people[job.person_id], campaigns, known.get(job.id)) for job in still_open(jobs)]
        for one, outcome in zip(orders, await place(pull, orders), strict=True):
            where = _campaign(campaigns, one.job)
            if outcome.result is Result.GONE or outcome.code == ABSENT:
                one.job.reopen()
                one.job.skip(f"{named(one.person)} is no member of {where}.")
            elif not one.job.state:
                one.job.done(f"{named(one.person)} was removed from {where}.")


async def _campaigns(pull: Pull, jobs: Sequence[Job]) -> Campaigns:
    """The campaigns that jobs name, by job: id and name; jobs that name none end refused, as does what cannot be."""
    system = pull.plugins.system
    for job in jobs:
        if not system.members:
            job.refuse("members", f"{system.title} lets nobody be added to its campaigns from here.")
        elif getattr(job.wish, "status", "") and not system.customs.statuses:
            job.refuse("status", f"Members of campaigns have no status in {system.title}: leave it out.")
    return await pull.store.read(_named, still_open(jobs))


def _named(con: sqlite3.Connection, jobs: Sequence[Job]) -> dict[int, tuple[str, str]]:
    found = {}
    for job in jobs:
        try:
            found[job.id] = campaign(con, job.wish.campaign)
        except LookupError as error:
            job.refuse("campaign", str(error.args[0]))
    return found


def _members(
    con: sqlite3.Connection, jobs: Sequence[Job], people: Mapping[int, Person], campaigns: Campaigns
) -> dict[int, str]:
    found = {job.id: member(con, campaigns[job.id][0], people[job.person_id]) for job in jobs}
    return {number: crm_id for number, crm_id in found.items() if crm_id}


def _order(
    pull: Pull, job: Job, person: Person, campaigns: Campaigns, crm_id: str | None = None, step: str = ""
) -> Order:
    wish = Wish(
        campaign=campaigns[job.id][0], person=person.crm_id, person_object=person.object,
        status=getattr(job.wish, "status", ""), remove=job.kind == "remove_from_campaign",
    )  # fmt: skip
    return Order(
        job=job, person=person, operation=Operation.MEMBER, object=pull.plugins.system.members, crm_id=crm_id,
        wish=wish, step=step,
    )  # fmt: skip


def _campaign(campaigns: Campaigns, job: Job) -> str:
    crm_id, name = campaigns[job.id]
    return f"campaign {name} ({crm_id})" if name else f"campaign {crm_id}"
