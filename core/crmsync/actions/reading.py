"""Rows of `crm_action` as jobs: whatever a program wrote into them is checked, and refused in clear words."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from pydantic import ValidationError

from crmsync.actions import KINDS
from crmsync.actions.jobs import Job, still_open
from crmsync.actions.wishes import Wish
from crmsync.pull.run import Pull
from crmsync.store.people import actions
from crmsync.store.people.actions import Row
from crmsync.store.people.known import people
from crmsync.writes import Operation


async def check(pull: Pull, jobs: Sequence[Job]) -> None:
    """End jobs that an earlier try has done, and those that are for nobody here, or not for such a person."""
    known = await pull.store.read(people, pull.roles, [job.person_id for job in jobs])
    made = await pull.store.read(actions.made_before, [job.id for job in jobs])
    before = {(number, operation): (obj, crm_id) for number, operation, obj, crm_id in made}
    for job in still_open(jobs):
        person, once = known.get(job.person_id), KINDS[job.kind].once
        if once is not None and (job.id, once) in before:
            obj, crm_id = before[job.id, once]
            job.done(f"{obj} of person {job.person_id}: {once} was done; it is {crm_id} now.", crm_id=crm_id)
        elif person is None and (job.id, Operation.MERGE) not in before:
            job.refuse("person", f"There is no person {job.person_id}.")
        elif person is not None and job.wish.only not in (None, person.type):
            job.skip(f"{person} is no {job.wish.only}: left alone.")


def job_of(row: Row) -> Job:
    """A row as a job; one that cannot be what it says it is has ended with the reason."""
    job = Job(row.id, row.kind, row.person_id or 0, Wish(), row.tries)
    kind = KINDS.get(row.kind)
    if kind is None:
        near = get_close_matches(row.kind, KINDS, n=1)
        known = f"Did you mean {near[0]!r}?" if near else f"There are: {', '.join(KINDS)}."
        job.refuse("kind", f"There is no action {row.kind!r}. {known}")
    elif row.person_id is None:
        job.refuse("person", "The action names no person (person_id).")
    else:
        _take(job, kind.wish, row.arguments)
    return job


def _take(job: Job, model: type[Wish], arguments: str) -> None:
    try:
        job.wish = model.model_validate_json(arguments)
    except ValidationError as error:
        job.refuse("arguments", f"The arguments of {job.kind} cannot be: {wrong_with(error, model)}.")


def wrong_with(error: ValidationError, model: type[Wish]) -> str:
    """What is wrong with arguments, each with its name."""
    said = []
    for one in error.errors(include_url=False, include_input=False):
        name = ".".join(map(str, one["loc"])) or "all of it"
        if one["type"] == "extra_forbidden":
            near = get_close_matches(name, model.model_fields, n=1)
            known = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(model.model_fields)}"
            said.append(f"{name} is not known; {known}")
        else:
            said.append(f"{name}: {one['msg'][:1].lower()}{one['msg'][1:]}")
    return "; ".join(said)
