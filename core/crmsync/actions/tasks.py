"""Tasks made in the CRM for persons."""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from datetime import timedelta

from crmsync.actions.changes import Order, place
from crmsync.actions.jobs import Job, named, still_open
from crmsync.actions.owning import owners_of
from crmsync.actions.presence import in_crm
from crmsync.clock import stamp
from crmsync.model import Field, Route, Value
from crmsync.pull.run import Pull
from crmsync.push.activities import as_written
from crmsync.push.outward import outward
from crmsync.push.refusals import prepared
from crmsync.store.people.known import Owner, Person, active_users
from crmsync.writes import Operation, Wish

COLUMNS = ("subject", "description", "activity_date", "status", "priority")


async def create_task(pull: Pull, jobs: Sequence[Job]) -> None:
    """Make a task for each person, due in five days unless the wish says when; the CRM lacks nobody (R-069)."""
    route = pull.routes.get(pull.plugins.system.tasks)
    if route is None or not route.scope.create:
        for job in jobs:
            job.refuse("tasks", _nothing_to_make(pull, route))
        return
    owners = await owners_of(pull, jobs)
    async with pull.flight.hold("person", [job.person_id for job in jobs]):
        people = await in_crm(pull, still_open(jobs))
        values = _values(pull, as_written(route), still_open(jobs))
        users = await pull.store.read(active_users, [one.owner for one in people.values()])
        orders = [
            _order(job, people[job.person_id], route.object, values[job.id], _whose(job, people, owners, users))
            for job in still_open(jobs)
        ]
        for one, outcome in zip(orders, await place(pull, orders), strict=True):
            if not one.job.state:
                due = values[one.job.id][1]
                one.job.done(
                    f"Task {outcome.crm_id} was made for {named(one.person)}, due {due}.", crm_id=outcome.crm_id
                )


def _whose(job: Job, people: Mapping[int, Person], owners: Mapping[int, Owner], users: Container[str]) -> str:
    """Whoever was named, else the person's own owner; a queue or somebody who left cannot have it."""
    named_ = owners.get(job.id)
    own = people[job.person_id].owner
    return named_.crm_id if named_ else own if own in users else ""


def _nothing_to_make(pull: Pull, route: Route | None) -> str:
    system = pull.plugins.system
    if not system.tasks:
        return f"{system.title} takes no tasks."
    if route is None:
        return f"{system.tasks} is not synced: select it in the settings, and run a sync."
    return f"{system.tasks} may not be made with these credentials. {'; '.join(route.scope.grants)}".strip()


Made = tuple[Mapping[str, Value], str]


def _values(pull: Pull, route: Route, jobs: Sequence[Job]) -> dict[int, Made]:
    """The tasks by the CRM's names, with the day they are due; jobs whose values the CRM would refuse end."""
    fields = {one.column: one.field for one in route.maps if one.column in COLUMNS}
    found: dict[int, Made] = {}
    for job in jobs:
        given = {name: value for name, value in _given(pull, job).items() if name in fields and value}
        try:
            ready = {name: _fits(name, value, fields[name]) for name, value in given.items()}
        except ValueError as error:
            job.refuse("value", f"person {job.person_id}: {error}.")
            continue
        named_, wrong = outward(pull.plugins, route, list(ready), [(str(job.id), *ready.values())])
        if why := wrong.get(str(job.id)):
            job.refuse("map", why)
        else:
            found[job.id] = named_[str(job.id)], str(given.get("activity_date", "on no day"))
    return found


def _given(pull: Pull, job: Job) -> dict[str, str]:
    wish = job.wish
    due = wish.due.isoformat() if wish.due else stamp(pull.clock.now() + timedelta(days=wish.due_in_days))[:10]
    return {
        "subject": wish.subject, "description": wish.description, "activity_date": due, "status": wish.status,
        "priority": wish.priority,
    }  # fmt: skip


def _fits(name: str, value: str, field: Field) -> Value:
    try:
        return prepared(value, field)
    except (ValueError, TypeError) as error:
        raise ValueError(f"the task's {name} was not sent: {error}") from error


def _order(job: Job, person: Person, obj: str, made: Made, owner: str) -> Order:
    wish = Wish(person=person.crm_id, person_object=person.object, owner=owner)
    return Order(job=job, person=person, operation=Operation.TASK, object=obj, values=made[0], wish=wish)
