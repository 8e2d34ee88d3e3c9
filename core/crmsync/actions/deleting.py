"""Persons deleted: in the CRM, here, or on both sides."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from crmsync.actions.changes import Order, place
from crmsync.actions.jobs import Job, still_open
from crmsync.actions.presence import look
from crmsync.pull.run import Pull
from crmsync.store.people import actions
from crmsync.store.people.known import Person
from crmsync.store.people.removing import remove_here
from crmsync.writes import Operation


async def delete_person(pull: Pull, jobs: Sequence[Job]) -> None:
    """Delete in the CRM first; what it refuses to delete stays here too (R-311, R-315, R-316)."""
    for job in jobs:
        if not (_there_too(pull, job) or job.wish.here):
            job.refuse("nothing", "Neither side was named: delete in the CRM, here, or both.")
    async with pull.flight.hold("person", [job.person_id for job in jobs]):
        people = await look(pull, jobs)
        there = [job for job in still_open(jobs) if _there_too(pull, job)]
        await _in_crm(pull, there, people)
        here = [job for job in still_open(jobs) if job.wish.here]
        for job in here:
            job.done(f"Person {job.person_id} was deleted here.", crm_id=people[job.person_id].crm_id or None)
        await pull.store.write(_here, pull, here)
        for job in still_open(jobs):
            job.done(crm_id=people[job.person_id].crm_id or None)


def _there_too(pull: Pull, job: Job) -> bool:
    """Whether the record is to be deleted; where nothing is said, what is the custom of the CRM (R-312)."""
    return bool(pull.plugins.system.customs.deletes if job.wish.in_crm is None else job.wish.in_crm)


async def _in_crm(pull: Pull, jobs: Sequence[Job], people: dict[int, Person]) -> None:
    orders = []
    for job in jobs:
        person = people[job.person_id]
        route = pull.routes.get(person.object)
        if not person.in_crm:
            _nothing_there(job, person)
        elif route is None or not route.scope.delete:
            said = f"{person} may not be deleted in the CRM with these credentials."
            job.refuse("delete", f'{said} Grant "Delete" on {person.object}, or delete the person here only.')
        else:
            order = Order(
                job=job, person=person, operation=Operation.DELETE, object=person.object, crm_id=person.crm_id
            )
            orders.append(order)
    await place(pull, orders)
    for one in orders:
        if not one.job.state:
            one.job.tell(f"{one.person.object} {one.person.crm_id} was deleted in the CRM.")


def _nothing_there(job: Job, person: Person) -> None:
    why = "was deleted in the CRM before." if person.deleted else "is not in the CRM."
    if job.wish.here:
        job.tell(f"{person} {why}")
    else:
        job.skip(f"{person} {why} There is nothing to delete.")


def _here(con: sqlite3.Connection, pull: Pull, jobs: Sequence[Job]) -> None:
    """In one transaction with the end of the action: the next try would not know the person any more."""
    for job in jobs:
        remove_here(con, job.person_id, pull.run, pull.now())
    actions.end(con, [job.as_ended(None) for job in jobs], pull.now())
