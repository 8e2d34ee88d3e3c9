"""What tests of actions ask again and again: somebody asks for one, and it is done."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from typing import Any

from crmsync.asking import Told
from crmsync.connection import Connection
from crmsync.model import Value
from crmsync.store.people import actions
from support.engine import Engine


def ask(engine: Engine, kind: str, *persons: int, **arguments: Any) -> Told:
    """Ask through Python, and wait; what became of the first."""
    return engine.use(lambda connection: connection.actions.ask(kind, persons, **arguments))[0]


def ask_all(engine: Engine, kind: str, persons: Sequence[int], **arguments: Any) -> list[Told]:
    """Ask the same for many."""
    return engine.use(lambda connection: connection.actions.ask(kind, persons, **arguments))


def insert(engine: Engine, kind: str, person: int | None, **arguments: Any) -> int:
    """Any program asks, with SQL."""
    sql = "INSERT INTO crm_action (kind, person_id, arguments) VALUES (?, ?, ?) RETURNING id"
    return int(engine.sql(sql, kind, person, json.dumps(arguments))[0][0])


def state(engine: Engine, action: int) -> tuple[str, str, str | None]:
    """State, code and record of an action."""
    ((one, code, crm_id),) = engine.sql("SELECT state, COALESCE(code, ''), crm_id FROM crm_action WHERE id = ?", action)
    return one, code, crm_id


def outcome(engine: Engine, action: int) -> str:
    """What an action tells."""
    return str(engine.one("SELECT outcome FROM crm_action WHERE id = ?", action))


def local(engine: Engine, **values: Value) -> int:
    """A person of this side alone."""
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    return int(engine.sql(f"INSERT INTO person ({names}) VALUES ({marks}) RETURNING id", *values.values())[0][0])


def served(engine: Engine, until: Callable[[], bool] = lambda: False) -> None:
    """A process holds the lease until nothing is due, or until something holds."""

    async def do(connection: Connection) -> None:
        store = await connection.opened.lease()
        for _ in range(1000):
            connection.opened.poke()
            await asyncio.sleep(0.01)
            busy = await store.read(actions.any_due, engine.crm.now())
            if until() or not busy:
                return
        raise AssertionError("not served")

    engine.use(do)


def leads(engine: Engine) -> list[str]:
    """The leads that came into being."""
    return [one for one in engine.crm.objects["Lead"] if one != "00Q1"]
