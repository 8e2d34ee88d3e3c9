"""Records given to users and queues: whom a person means, and what becomes of a contact that is to go to a queue."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from crmsync.actions.changes import Order, place
from crmsync.actions.jobs import Job, named, still_open
from crmsync.actions.presence import in_crm, look, make
from crmsync.pull.run import Pull
from crmsync.store.people.known import Owner, Person, owner
from crmsync.writes import Operation

OWNER = "owner_crm_id"


async def owners_of(pull: Pull, jobs: Sequence[Job]) -> dict[int, Owner]:
    """The owners that jobs name, by job; a job whose owner is not known ends refused."""
    return await pull.store.read(_owners, [job for job in jobs if job.wish.owner])


def _owners(con: sqlite3.Connection, jobs: Sequence[Job]) -> dict[int, Owner]:
    found = {}
    for job in jobs:
        try:
            found[job.id] = owner(con, job.wish.owner)
        except LookupError as error:
            job.refuse("owner", str(error.args[0]))
    return found


async def change_owner(pull: Pull, jobs: Sequence[Job]) -> None:
    """Give records to others; persons whom the CRM lacks become leads of the new owner's (R-067)."""
    owners = await owners_of(pull, jobs)
    async with pull.flight.hold("person", [job.person_id for job in jobs]):
        known = await look(pull, jobs)
        absent = [job for job in still_open(jobs) if not known[job.person_id].in_crm]
        people = await in_crm(pull, still_open(jobs), owners)
        for job in still_open(absent):
            job.done()
        await give(pull, still_open(jobs), people, owners)
        for job in still_open(jobs):
            job.done()


async def give(pull: Pull, jobs: Sequence[Job], people: Mapping[int, Person], owners: Mapping[int, Owner]) -> None:
    """Change the owners of records that are in the CRM.

    A contact cannot belong to a queue: a second lead is made for it where that is asked for, else it is refused
    (R-060, R-116). Whether a contact's owner changes is the CRM's to say (R-118, R-119).
    """
    wanted = [job for job in jobs if job.id in owners]
    seconds = [job for job in wanted if owners[job.id].is_queue and people[job.person_id].type == "contact"]
    for job in seconds:
        if not job.wish.duplicate:
            job.refuse("queue", _not_to_a_queue(people[job.person_id], owners[job.id]))
    await make(pull, still_open(seconds), owners, link=False)
    orders = [
        order
        for job in still_open(wanted)
        if job not in seconds and (order := _order(pull, job, people[job.person_id], owners[job.id]))
    ]
    await place(pull, orders)
    for order in orders:
        if not order.job.state:
            order.job.tell(f"{named(order.person)} was given to {owners[order.job.id]}.")


def _order(pull: Pull, job: Job, person: Person, whom: Owner) -> Order | None:
    route = pull.routes.get(person.object)
    name = next((one.field.name for one in route.maps if one.column == OWNER), "") if route else ""
    if not name:
        job.refuse("unsynced", f"{person}: its owner is not synced, so it cannot be changed.")
        return None
    return Order(
        job=job, person=person, operation=Operation.UPDATE, object=person.object, crm_id=person.crm_id,
        values={name: whom.crm_id},
    )  # fmt: skip


def _not_to_a_queue(person: Person, whom: Owner) -> str:
    return (
        f"{named(person)} is a contact, which no queue can own: name a user, or ask for a second lead of the person "
        f"for {whom} (`duplicate`)."
    )
