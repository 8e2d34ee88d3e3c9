"""The connector keeps every promise of a connector, for contacts with a field that holds our keys and leads without."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta

from crmsync.clock import SetClock
from crmsync.model import Value
from crmsync.testing import ConnectorContract, Source, WritingContract
from crmsync_salesforce.simulator import Org, Server
from salesforce.orgs import NOON, QUICK
from salesforce.writes import KEY
from support.editor import Editor

WRITES = r"/sobjects"
PEOPLE: Mapping[str, Sequence[Value]] = {"Email": ["kit@example.org", "kit.two@example.org"]}


@asynccontextmanager
async def org(obj: str) -> AsyncIterator[Source]:
    """An org with three pages of one object; its clock goes on by more than a save may take to become visible."""
    clock = SetClock(NOON)
    one = Org(410 if obj == "Contact" else 20, 7, clock=clock)
    if obj == "Contact":
        one.add_field(obj, KEY)
    more = {"Company": "Made"} if obj == "Lead" else {}
    truth = Editor(org=one, object=obj, name="LastName", title="Title", more=more, deleted="IsDeleted")
    async with Server(one) as server:

        async def wait() -> None:
            clock.advance(timedelta(seconds=61))

        ready = server.ready
        yield Source(
            settings={
                "url": server.url, "client_id": ready["client_id"], "client_secret": ready["client_secret"],
                "page_size": 200, **QUICK,
            },
            wrong={"client_secret": "not this one"}, truth=truth, clock=clock, wait=wait, values=PEOPLE,
            refused={"Email": "nobody"}, owner=one.user("minimum").user_id,
            lose=lambda: server.faults.plant({"drop": True}, path=WRITES, times=QUICK["attempts"]),
        )  # fmt: skip


class TestContacts(ConnectorContract):
    connector = "salesforce"

    def source(self) -> AbstractAsyncContextManager[Source]:
        return org("Contact")


class TestLeads(WritingContract):
    connector = "salesforce"

    def source(self) -> AbstractAsyncContextManager[Source]:
        return org("Lead")
