"""The few verbs that the tests of writing need: changes made short, sent, and what they cost."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from crmsync.model import Value
from crmsync.writes import Change, Operation, Outcome, Wish
from crmsync_dynamics import plugin
from dynamics.orgs import Site, site
from support.written import applied

NONE = Wish()
NOWHERE = "00000000-0000-4000-8000-00000000dead"


def on_a_site(**traits: Any) -> Callable[[Callable[[Site], Awaitable[None]]], Callable[[], None]]:
    """The test runs on an environment of its own, with a session."""

    def decorate(test: Callable[[Site], Awaitable[None]]) -> Callable[[], None]:
        async def main() -> None:
            async with site(**{"records": 20} | traits) as one:
                await test(one)

        def run() -> None:
            asyncio.run(main())

        run.__name__, run.__doc__ = getattr(test, "__name__", ""), test.__doc__
        return run

    return decorate


def update(crm_id: str, obj: str = "lead", *, version: object = None, **values: Value) -> Change:
    given = None if version is None else str(version)
    return Change(operation=Operation.UPDATE, object=obj, row=1, crm_id=crm_id, values=values, version=given)


def create(obj: str = "lead", *, key: str = "", wish: Wish = NONE, **values: Value) -> Change:
    given: dict[str, Value] = {"lastname": "Noor"} if obj != "account" else {}
    return Change(operation=Operation.CREATE, object=obj, row=1, key=key, values={**given, **values}, wish=wish)


def delete(crm_id: str, obj: str = "lead") -> Change:
    return Change(operation=Operation.DELETE, object=obj, row=1, crm_id=crm_id)


def convert(crm_id: str, **wish: Any) -> Change:
    return Change(operation=Operation.CONVERT, object="lead", row=1, crm_id=crm_id, wish=Wish(**wish))


def merge(crm_id: str, losers: Sequence[str], obj: str = "contact", **values: Value) -> Change:
    wish = Wish(losers=tuple(losers))
    return Change(operation=Operation.MERGE, object=obj, row=1, crm_id=crm_id, values=values, wish=wish)


def member(campaign: str, person: str, obj: str = "lead", **more: Any) -> Change:
    wish = Wish(campaign=campaign, person=person, person_object=obj, **more)
    return Change(operation=Operation.MEMBER, object="listmember", row=1, wish=wish)


def task(person: str, obj: str = "lead", *, owner: str = "", key: str = "", **values: Value) -> Change:
    wish = Wish(person=person, person_object=obj, owner=owner)
    return Change(operation=Operation.TASK, object="task", row=1, key=key, values=values, wish=wish)


async def send(one: Site, *changes: Change) -> list[Outcome]:
    """What became of changes, sent at once."""
    return await applied(plugin.apply, one.session, changes)


def made(one: Site, count: int, obj: str = "lead", **values: Any) -> list[str]:
    """So many new records of another user's."""
    return [one.org.create(obj, {"lastname": f"L{n}", **values}) for n in range(count)]


def value(one: Site, obj: str, crm_id: str, name: str) -> Any:
    return (one.org.get(obj, crm_id) or {})[name]


def asked(one: Site, kind: str) -> int:
    """How many requests of a kind were answered."""
    return int(one.server.statistics.show()["kinds"].get(kind, 0))
