"""What an action asks of the CRM, sent for many jobs in as few calls as may be, each job told of its own answer."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from crmsync.actions.jobs import Job
from crmsync.model import Value
from crmsync.pull.run import Pull
from crmsync.push.sending import Asked, key_of, send
from crmsync.store.people.known import Person
from crmsync.writes import Change, Operation, Outcome, Wish


class Order(Struct, frozen=True, kw_only=True):
    """One job's change; `step` tells several of one operation apart."""

    job: Job
    person: Person
    operation: Operation
    object: str
    crm_id: str | None = None
    values: Mapping[str, Value] = field(default_factory=dict)
    wish: Wish = field(default_factory=Wish)
    step: str = ""


async def place(pull: Pull, orders: Sequence[Order]) -> list[Outcome]:
    """Send what jobs ask for; one outcome each, in order, the jobs that cannot go on ended with theirs."""
    asked = await pull.store.read(_asked, orders)
    outcomes = await send(pull, asked)
    for order, outcome in zip(orders, outcomes, strict=True):
        order.job.heard(order.person, outcome)
    return outcomes


def _asked(con: sqlite3.Connection, orders: Sequence[Order]) -> list[Asked]:
    return [_change(con, one) for one in orders]


def _change(con: sqlite3.Connection, one: Order) -> Asked:
    row, job = one.person.row_id, one.job
    key = key_of(con, one.operation, "person", row, job.id).partition(".")[0]
    change = Change(
        operation=one.operation, object=one.object, row=row, crm_id=one.crm_id, values=one.values, wish=one.wish,
        key=f"{key}.{one.step}" if one.step else key,
    )  # fmt: skip
    return Asked(change=change, entity="person", row_id=row, action=job.id)
