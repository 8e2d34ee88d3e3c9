"""Leads made of persons of this side, one by one, in a process of its own each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from crmsync.model import Value
from crmsync.pull.run import Pull
from crmsync.push.sending import Asked, key_of, send
from crmsync.push.settling import settle
from crmsync.writes import Change, Operation, Outcome
from support.engine import Engine
from support.lost import running as in_a_process

T = TypeVar("T")


INTENTS = "SELECT state, crm_id, code FROM crmsync_intent ORDER BY id"


PERSON = "SELECT crm_id, crm_type, last_name, title FROM person WHERE id = ?"


def person(engine: Engine, **values: Value) -> int:
    """A person of this side alone."""
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    engine.sql(f"INSERT INTO person ({names}) VALUES ({marks})", *values.values())
    return int(engine.one("SELECT MAX(id) FROM person"))


def running(engine: Engine, work: Callable[[Pull], Awaitable[T]]) -> T:
    """A process of its own that does one thing with the CRM, a moment later."""
    engine.crm.tick()
    return in_a_process(engine, work)


async def asked(pull: Pull, row: int, **values: Value) -> Asked:
    """A create of a lead for a person."""
    names = {"last_name": "LastName", "title": "Title", "email": "Email"}
    key = await pull.store.read(key_of, Operation.CREATE, "person", row)
    change = Change(
        operation=Operation.CREATE, object="Lead", row=row, key=key,
        values={names[name]: value for name, value in values.items() if value is not None},
    )  # fmt: skip
    return Asked(change=change, entity="person", row_id=row, sent=values)


def create(engine: Engine, row: int, **values: Value) -> Outcome:
    """Make a lead of a person."""

    async def do(pull: Pull) -> Outcome:
        return (await send(pull, [await asked(pull, row, **values)]))[0]

    return running(engine, do)


def settled(engine: Engine) -> None:
    """What the next cycle does first."""
    running(engine, settle)


def made(engine: Engine) -> list[str]:
    """The leads that came into being."""
    return [one for one in engine.crm.objects["Lead"] if one != "00Q1"]


def end_of_line() -> None:
    raise ConnectionError("the line was cut")
