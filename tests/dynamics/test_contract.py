"""The connector keeps every promise of a connector, for contacts and leads."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any

from crmsync.clock import SetClock
from crmsync.model import Value
from crmsync.testing import ConnectorContract, Source, WritingContract
from crmsync_dynamics.simulator import Org, Server
from dynamics.orgs import NOON, QUICK, REACH
from support.editor import Editor


@asynccontextmanager
async def org(obj: str, **settings: Any) -> AsyncIterator[Source]:
    """An environment with some pages of one table; its clock goes on by more than a save takes to become visible."""
    clock = SetClock(NOON)
    one = Org(30 if obj == "contact" else 20, 7, clock=clock)
    more = {"subject": "Made"} if obj == "lead" else {}
    truth = Editor(org=one, object=obj, name="lastname", title="jobtitle", more=more)
    async with Server(one) as server:

        async def wait() -> None:
            clock.advance(timedelta(seconds=61))

        ready = server.ready
        yield Source(
            settings={**{key: ready[key] for key in REACH if key in ready}, "page_size": 10, **QUICK, **settings},
            wrong={"client_secret": "not this one"}, truth=truth, clock=clock, wait=wait,
            values={**VALUES, **STATES[obj]}, refused={"emailaddress1": "x" * 101}, owner=one.user("minimum").user_id,
            lose=lambda: server.faults.plant({"drop": True}, method="PATCH", times=QUICK["attempts"]),
        )  # fmt: skip


VALUES: Mapping[str, Sequence[Value]] = {
    "mkt_urgency": [0, 1, 2, 3], "mkt_relativescore": [0, 1, 3], "mkt_leadscore": [0, 12, 99],
    "revenue": [123456789.12, 5, 0.5],
}  # fmt: skip
"""Numbers between the limits that their columns have."""
STATES: Mapping[str, Mapping[str, Sequence[Value]]] = {
    "contact": {"statecode": ["Active"], "statuscode": ["Active"]},
    "lead": {"statecode": ["Open"], "statuscode": ["New", "Contacted"]},
}
"""States and reasons that go together."""


class TestContacts(ConnectorContract):
    connector = "dynamics"

    def source(self) -> AbstractAsyncContextManager[Source]:
        return org("contact")


class TestLeads(WritingContract):
    connector = "dynamics"

    def source(self) -> AbstractAsyncContextManager[Source]:
        return org("lead")
