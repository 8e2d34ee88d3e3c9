"""Persons sent to the CRM in a process of its own, without waiting for answers that do not come."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from crmsync.connection import Connection
from crmsync.pull.run import Pull
from crmsync.push.newcomers import Newcomer, make_leads
from crmsync.push.settling import settle
from crmsync.schema import recall
from crmsync.writes import Outcome
from support.engine import Engine

T = TypeVar("T")


def running(engine: Engine, work: Callable[[Pull], Awaitable[T]]) -> T:
    """Do one thing with the CRM."""

    async def do(connection: Connection) -> T:
        async with connection.runs.of("test", None) as pull:
            pull.routes = await recall(pull.store, connection.settings)
            pull.roles = {name: route.role for name, route in pull.routes.items()}
            return await work(pull)

    return engine.use(do)


def send(engine: Engine, *rows: int) -> list[Outcome]:
    """Make leads of persons, all in one batch."""

    async def do(pull: Pull) -> list[Outcome]:
        return await make_leads(pull, [Newcomer(row_id=row) for row in rows])

    return running(engine, do)


def settled(engine: Engine) -> None:
    """What the next cycle does first."""
    running(engine, settle)
