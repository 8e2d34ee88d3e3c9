"""Persons whom an action needs in the CRM: sent there first, unless they are there or it happens within a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crmsync.actions.jobs import Job, still_open
from crmsync.pull.run import Pull
from crmsync.push.newcomers import Newcomer, make_leads
from crmsync.store.people import known as people
from crmsync.store.people.known import Owner, Person
from crmsync.writes import Result

WITHIN = (
    "is not in the CRM, and within a linked program nobody is sent there by another action (R-071): sync the person "
    "first."
)


async def look(pull: Pull, jobs: Sequence[Job]) -> dict[int, Person]:
    """The persons of some jobs as they are now."""
    return await pull.store.read(people.people, pull.roles, [job.person_id for job in jobs])


async def in_crm(pull: Pull, jobs: Sequence[Job], owners: Mapping[int, Owner] | None = None) -> dict[int, Person]:
    """The persons of these jobs, those that the CRM lacked now leads there (R-065 to R-069); others end refused.

    The caller holds the persons. `owners` are whom new leads are given to, by job.
    """
    known = await look(pull, jobs)
    absent = [job for job in still_open(jobs) if not known[job.person_id].in_crm]
    for job in absent:
        if job.wish.within_program:
            job.refuse("program", f"person {job.person_id} {WITHIN}")
    await make(pull, still_open(absent), owners or {})
    return await look(pull, jobs) if absent else known


async def make(pull: Pull, jobs: Sequence[Job], owners: Mapping[int, Owner], *, link: bool = True) -> None:
    """Make leads of the persons of these jobs; without `link` second ones, which the persons do not stand for."""
    if not jobs:
        return
    some = [_newcomer(job, owners.get(job.id), link=link) for job in jobs]
    for job, outcome in zip(jobs, await make_leads(pull, some), strict=True):
        job.listed = outcome.result is Result.REFUSED
        if job.heard(f"person {job.person_id}", outcome):
            given = f" and given to {owners[job.id]}" if job.id in owners else ""
            second = "" if link else "second "
            job.tell(f"The {second}lead {outcome.crm_id} was made of person {job.person_id}{given}.")


def _newcomer(job: Job, owner: Owner | None, *, link: bool) -> Newcomer:
    return Newcomer(
        row_id=job.person_id, owner=owner.crm_id if owner else "", assign=getattr(job.wish, "assign", True),
        duplicates=getattr(job.wish, "save_duplicates", False), link=link, action=job.id,
    )  # fmt: skip
