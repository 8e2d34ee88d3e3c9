"""The connector keeps every promise of a connector, for contacts with a field that holds our keys and leads without."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from crmsync.clock import SetClock
from crmsync.model import Value
from crmsync.testing import ConnectorContract, Source, WritingContract
from crmsync_salesforce.simulator import Org, Server
from salesforce.orgs import NOON, QUICK
from salesforce.writes import KEY

WRITES = r"/sobjects"
PEOPLE: Mapping[str, Sequence[Value]] = {"Email": ["kit@example.org", "kit.two@example.org"]}


@dataclass
class Editor:
    """Another user of the org."""

    org: Org
    object: str
    edits: int = 0

    def create(self) -> str:
        self.edits += 1
        company = {"Company": "Made"} if self.object == "Lead" else {}
        return self.org.create(self.object, {"LastName": f"Made {self.edits}", **company})

    def update(self, crm_id: str) -> None:
        self.edits += 1
        self.org.update(self.object, crm_id, {"Title": f"Edited {self.edits}"})

    def delete(self, crm_id: str) -> None:
        self.org.delete(self.object, crm_id)

    def read(self, crm_id: str) -> Mapping[str, Any] | None:
        found = self.org.get(self.object, crm_id)
        return None if found is None or found["IsDeleted"] else found


@asynccontextmanager
async def org(obj: str) -> AsyncIterator[Source]:
    """An org with three pages of one object; its clock goes on by more than a save may take to become visible."""
    clock = SetClock(NOON)
    one = Org(410 if obj == "Contact" else 20, 7, clock=clock)
    if obj == "Contact":
        one.add_field(obj, KEY)
    async with Server(one) as server:

        async def wait() -> None:
            clock.advance(timedelta(seconds=61))

        ready = server.ready
        yield Source(
            settings={
                "url": server.url, "client_id": ready["client_id"], "client_secret": ready["client_secret"],
                "page_size": 200, **QUICK,
            },
            wrong={"client_secret": "not this one"}, truth=Editor(one, obj), clock=clock, wait=wait, values=PEOPLE,
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
