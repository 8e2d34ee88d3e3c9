"""A server that speaks OData 4 and is no Dynamics is read as well as it lets itself be read."""

from __future__ import annotations

import asyncio
import sqlite3
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import crmsync_dynamics.plugin
from crmsync.clock import SetClock
from crmsync.connection import Connection
from crmsync.plugins import wire
from crmsync.settings import ConnectionSettings, ObjectSettings
from support.odata import PlainServer, Table

COLUMNS = {
    "contactid": "Edm.Guid", "firstname": "Edm.String", "lastname": "Edm.String", "emailaddress1": "Edm.String",
    "jobtitle": "Edm.String", "birthdate": "Edm.Date", "donotbulkemail": "Edm.Boolean", "modifiedon":
    "Edm.DateTimeOffset",
}  # fmt: skip
UNSTAMPED = {"ID": "Edm.Int32", "name": "Edm.String", "revenue": "Edm.Decimal"}


def contact(number: int, **more: Any) -> dict[str, Any]:
    return {
        "contactid": str(uuid.UUID(int=number)), "firstname": f"First {number}", "lastname": "O'Hara",
        "emailaddress1": f"{number}@example.org", "jobtitle": None, "birthdate": "1980-02-29",
        "donotbulkemail": number % 2 == 0, "modifiedon": f"2026-04-01T10:00:{number:02d}Z",
    } | more  # fmt: skip


@dataclass
class Desk:
    """One connection to the server, opened anew for every cycle."""

    server: PlainServer
    path: Path
    clock: SetClock
    told: list[str] = field(default_factory=list)

    async def sync(self, **options: Any) -> Any:
        self.clock.advance(timedelta(hours=1))
        settings = ConnectionSettings(
            connector="dynamics", database=self.path, settings={"url": self.server.url, "backoff_seconds": 0},
            objects=ObjectSettings(enable=["book"]),
        )  # fmt: skip
        connection = Connection("plain", settings, wire("dynamics", crmsync_dynamics.plugin), self.clock)
        try:
            self.told = list((await connection.sync(**options)).notes)
            return await connection.verify()
        finally:
            await connection.close()

    def rows(self, sql: str) -> list[Any]:
        with sqlite3.connect(self.path) as con:
            return con.execute(sql).fetchall()


@asynccontextmanager
async def desk(path: Path) -> AsyncIterator[Desk]:
    people = Table("contacts", "contact", "contactid", COLUMNS)
    people.rows = [contact(number) for number in range(1, 18)]
    books = Table("Books", "book", "ID", UNSTAMPED)
    books.rows = [{"ID": number, "name": f"Book {number}", "revenue": 10.5} for number in range(1, 4)]
    clock = SetClock(datetime(2026, 5, 4, 12, tzinfo=UTC))
    async with PlainServer([people, books], clock) as server:
        yield Desk(server, path / "plain.db", clock)


def test_a_plain_server_is_read_in_full_and_then_by_stamps(tmp_path: Path) -> None:
    """Pages, then changes by their stamps and deletions by comparing ids, from `$metadata` alone; verify agrees."""

    async def run() -> None:
        async with desk(tmp_path) as one:
            assert (await one.sync()).ok
            assert one.rows("SELECT COUNT(*), SUM(unsubscribed), MIN(last_name) FROM person") == [(17, 8, "O'Hara")]
            assert one.rows("SELECT crm_id, name, revenue FROM book ORDER BY id")[0] == ("1", "Book 1", 10.5)
            people = one.server.tables["contacts"].rows
            people[2] |= {"jobtitle": "Head", "modifiedon": "2026-05-04T13:30:00Z"}
            people.append(contact(40, modifiedon="2026-05-04T13:30:01Z"))
            del people[0]
            one.server.tables["Books"].rows[1]["name"] = "Another"
            one.clock.advance(timedelta(days=2))
            assert (await one.sync()).ok
            assert one.rows("SELECT COUNT(*), SUM(crm_is_deleted), SUM(title = 'Head') FROM person") == [(18, 1, 1)]
            assert one.rows("SELECT name FROM book WHERE crm_id = '2'") == [("Another",)]

    asyncio.run(run())


def test_a_plain_server_is_told_to_be_one(tmp_path: Path) -> None:
    """What the server lacks is told once, in a person's words, and nothing that it refuses is asked twice."""

    async def run() -> list[str]:
        async with desk(tmp_path) as one:
            await one.sync()
            assert sum("WhoAmI" in line for line in one.server.asked) == 1
            return one.told

    told = " ".join(asyncio.run(run()))
    assert "plain OData server" in told
    assert "has no systemuser" in told
