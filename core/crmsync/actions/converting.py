"""Leads converted in the CRM: always into a new contact, and what else the CRM makes of a lead."""

from __future__ import annotations

from collections.abc import Sequence

from crmsync.actions.changes import Order, place
from crmsync.actions.jobs import Job, still_open
from crmsync.actions.owning import owners_of
from crmsync.actions.presence import in_crm
from crmsync.pull.run import Pull
from crmsync.store.people.known import Owner, Person
from crmsync.writes import Operation, Outcome, Wish

CONFIRM = "Converting always makes {}, and nothing of it can be undone from here. Confirm it (`confirmed`)."


async def convert_person(pull: Pull, jobs: Sequence[Job]) -> None:
    """Convert leads; persons whom the CRM lacks become leads first (R-068, R-101, R-278)."""
    for job in jobs:
        if not job.wish.confirmed:
            job.refuse("confirm", CONFIRM.format(pull.plugins.system.customs.converting))
    owners = await owners_of(pull, still_open(jobs))
    async with pull.flight.hold("person", [job.person_id for job in jobs]):
        people = await in_crm(pull, still_open(jobs))
        orders = []
        for job in still_open(jobs):
            if refusal := why_not(pull, people[job.person_id], owners.get(job.id)):
                job.refuse(*refusal)
            else:
                orders.append(order(job, people[job.person_id], owners.get(job.id)))
        for one, outcome in zip(orders, await place(pull, orders), strict=True):
            if not one.job.state:
                one.job.done(told(one.person, outcome), crm_id=outcome.crm_id)


def why_not(pull: Pull, person: Person, whom: Owner | None) -> tuple[str, str] | None:
    """Why a person cannot be converted, as code and sentence."""
    if person.type != "lead":
        return "contact", f"{person} is a contact already: there is nothing to convert."
    if "contact" not in pull.roles.values():
        return "unsynced", f"{person}: contacts are not synced, so what it became could not be read."
    if whom is not None and whom.is_queue:
        return "queue", f"{person}: contacts and accounts cannot belong to {whom}; name a user."
    return None


def order(job: Job, person: Person, whom: Owner | None = None, *, opportunity: bool = True) -> Order:
    """The conversion of a lead as the job wishes it."""
    wish = Wish(
        owner=whom.crm_id if whom else "",
        status=getattr(job.wish, "status", ""),
        mail=getattr(job.wish, "mail", False),
        opportunity=getattr(job.wish, "opportunity", "") if opportunity else None,
    )
    return Order(
        job=job, person=person, operation=Operation.CONVERT, object=person.object, crm_id=person.crm_id, wish=wish
    )


def told(person: Person, outcome: Outcome) -> str:
    """What a conversion made, with the ids."""
    made = ", ".join(f"{obj} {crm_id}" for obj, crm_id in outcome.made.items()) or f"contact {outcome.crm_id}"
    return f"{person.object} {person.crm_id} of person {person.row_id} was converted: {made}."
