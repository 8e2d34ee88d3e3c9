"""Persons sent to the CRM at once: those it lacks become leads, of the others what waits is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from crmsync.actions import converting
from crmsync.actions.changes import place
from crmsync.actions.jobs import ASK_AGAIN, Job, named, still_open
from crmsync.actions.owning import give, owners_of
from crmsync.actions.presence import look, make
from crmsync.model import Direction
from crmsync.pull.run import Pull
from crmsync.push import Push
from crmsync.store.people import actions
from crmsync.store.people import known as store
from crmsync.store.people.known import Person
from crmsync.writes import Operation, Outcome, Result

States = Mapping[str, tuple[str, str]]


async def sync_person(pull: Pull, jobs: Sequence[Job]) -> None:
    """Make leads of those whom the CRM lacks or has deleted, and send the edits of the others (R-054 to R-060).

    Where the CRM's customs are other ones, persons are made only (R-074, R-075), as contacts where wished (R-078).
    """
    customs = pull.plugins.system.customs
    for job in jobs:
        if job.wish.as_contact and not customs.alone:
            job.refuse("account", f"{pull.plugins.system.title} has no contacts of no account: convert the person.")
    owners = await owners_of(pull, jobs)
    rows = [job.person_id for job in jobs]
    async with pull.flight.hold("person", rows):
        known = await look(pull, jobs)
        absent = [job for job in still_open(jobs) if not known[job.person_id].in_crm]
        await make(pull, absent, owners)
        await _as_contacts(pull, still_open(jobs))
        for job in still_open(absent):
            job.done()
        for job in still_open(jobs) if not customs.resends else ():
            job.skip(f"{known[job.person_id]} is in the CRM already; what waits of it goes with the next cycle.")
    present = still_open(jobs)
    await push(pull, present, known)
    async with pull.flight.hold("person", rows):
        known = await look(pull, jobs)
        await give(pull, still_open(present), known, owners)
    for job in still_open(present):
        job.done(crm_id=known[job.person_id].crm_id)


async def _as_contacts(pull: Pull, jobs: Sequence[Job]) -> None:
    """Convert the leads that these jobs made, be it in an earlier try, where they are to be contacts."""
    made = await pull.store.read(actions.made_before, [job.id for job in jobs if job.wish.as_contact])
    ours = {number for number, operation, *_ in made if operation == Operation.CREATE}
    mine = [job for job in jobs if job.id in ours]
    known = await look(pull, mine)
    leads = [job for job in mine if known[job.person_id].type == "lead"]
    orders = [converting.order(job, known[job.person_id], opportunity=False) for job in leads]
    for one, outcome in zip(orders, await place(pull, orders), strict=True):
        if not one.job.state:
            one.job.tell(converting.told(one.person, outcome))
    for job in still_open(mine):
        job.done()


async def push(pull: Pull, jobs: Sequence[Job], people: Mapping[int, Person]) -> None:
    """Send what waits of persons who are in the CRM, whatever it waits for; told what became of each column."""
    rows = [job.person_id for job in jobs]
    await pull.store.write(store.try_again, rows)
    before = await pull.store.read(store.open_edits, rows)
    for obj in dict.fromkeys(people[row].object for row in rows):
        route = pull.routes.get(obj)
        if route is not None and Direction.PUSH in route.directions:
            ids = {row: people[row].crm_id for row in rows if people[row].object == obj}
            await Push(pull, route).send(ids)
    after = await pull.store.read(store.open_edits, rows)
    now = await look(pull, jobs)
    for job in jobs:
        if now[job.person_id].in_crm:
            _tell(job, now[job.person_id], before[job.person_id], after[job.person_id])
        else:
            job.later("gone", f"{named(people[job.person_id])} was deleted in the CRM meanwhile.", ASK_AGAIN)


def _tell(job: Job, person: Person, before: States, after: States) -> None:
    waited = [name for name, (state, _) in before.items() if state != "done"]
    states = {name: after.get(name, ("agreed", "")) for name in waited}
    sent = [name for name, (state, _) in states.items() if state == "done"]
    kept = [name for name, (state, _) in states.items() if state == "agreed"]
    if sent:
        job.tell(f"{', '.join(sent)} of {named(person)} was sent.")
    if kept:
        job.tell(f"{', '.join(kept)}: both sides agree, or the CRM's value stays.")
    if not waited:
        job.tell(f"Nothing of {named(person)} waited to be sent.")
    for name, (state, reason) in sorted(states.items(), key=lambda one: _ORDER.find(one[1][0])):
        _not_sent(job, person, name, state, reason)


_ORDER = "conflict quarantined held pending sent"
"""What is not known decides how the job goes on, then what may work later."""


def _not_sent(job: Job, person: Person, name: str, state: str, reason: str) -> None:
    who = f"{named(person)}: {name}"
    if state in ("quarantined", "held"):
        job.refuse(state, f"{who} was not taken: {reason}")
        job.listed = True
    elif state == "conflict":
        job.tell(f"{who} changed on both sides; `crmsync conflicts` settles it.")
    elif state == "sent":
        job.unsure(f"{who} was sent, and the answer was lost.")
    elif state == "pending" and reason:
        job.heard(who, Outcome(result=Result.RETRY, code="later", message=reason))
