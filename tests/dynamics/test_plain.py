"""A server that speaks OData 4 and is no Dynamics is read as well as it lets itself be read."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crmsync.model import Kind, Query, Row
from crmsync_dynamics.fetch import fetch
from crmsync_dynamics.session import DynamicsSession
from dynamics.plain import Desk, a_clock
from support.odata import PlainServer, Table

COLUMNS = {
    "contactid": "Edm.Guid", "firstname": "Edm.String", "lastname": "Edm.String", "emailaddress1": "Edm.String",
    "jobtitle": "Edm.String", "birthdate": "Edm.Date", "donotbulkemail": "Edm.Boolean", "visits": "Edm.Int64",
    "modifiedon": "Edm.DateTimeOffset",
}  # fmt: skip
UNSTAMPED = {"ID": "Edm.Int32", "name": "Edm.String", "revenue": "Edm.Decimal"}


def contact(number: int, **more: Any) -> dict[str, Any]:
    return {
        "contactid": str(uuid.UUID(int=number)), "firstname": f"First {number}", "lastname": "O'Hara",
        "emailaddress1": f"{number}@example.org", "jobtitle": None, "birthdate": "1980-02-29",
        "donotbulkemail": number % 2 == 0, "visits": str(2**53 + 1), "modifiedon": f"2026-04-01T10:00:{number:02d}Z",
    } | more  # fmt: skip


@asynccontextmanager
async def desk(path: Path, **lacks: Any) -> AsyncIterator[tuple[Desk, PlainServer]]:
    """A server with seventeen contacts and three books, and our connection with it."""
    contacts = Table("contacts", "contact", "contactid", COLUMNS)
    contacts.rows = [contact(number) for number in range(1, 18)]
    books = Table("Books", "book", "ID", UNSTAMPED)
    books.rows = [{"ID": number, "name": f"Book {number}", "revenue": 10.5} for number in range(1, 4)]
    clock = a_clock()
    async with PlainServer([contacts, books], clock, **lacks) as server:
        yield Desk(server.url, path / "plain.db", clock, ["book"], ["contact.visits"]), server


@pytest.mark.parametrize(
    "lacks",
    [
        {},
        {"refuses": ["$filter"]},
        {"refuses": ["$select"], "refusal": 501},
        {"refuses": ["$filter", "$select", "$count"], "refusal": 400},
        {"ignores": ["$filter", "$select", "$count"]},
        {"unknown": 500},
        {"forgets": 2},
    ],
    ids=str,
)
def test_a_plain_server_is_read_in_full_and_then_by_stamps(tmp_path: Path, lacks: dict[str, Any]) -> None:
    """Pages, then changes by their stamps and deletions by comparing ids, from `$metadata` alone; verify agrees.

    So it is with a server that refuses or ignores options, calls what it does not know its own error, or forgets where
    a read was.
    """

    async def run() -> None:
        async with desk(tmp_path, **lacks) as (one, server):
            assert (await one.sync()).ok
            found = "SELECT COUNT(*), SUM(unsubscribed), MIN(last_name), MIN(visits) FROM person"
            assert one.rows(found) == [(17, 8, "O'Hara", 2**53 + 1)]
            assert one.rows("SELECT crm_id, name, revenue FROM book ORDER BY id")[0] == ("1", "Book 1", 10.5)
            people = server.tables["contacts"].rows
            people[2] |= {"jobtitle": "Head", "modifiedon": "2026-05-04T13:30:00Z"}
            people.append(contact(40, modifiedon="2026-05-04T13:30:01Z"))
            del people[0]
            server.tables["Books"].rows[1]["name"] = "Another"
            one.clock.advance(timedelta(days=2))
            assert (await one.sync()).ok
            assert one.rows("SELECT COUNT(*), SUM(crm_is_deleted), SUM(title = 'Head') FROM person") == [(18, 1, 1)]
            assert one.rows("SELECT name FROM book WHERE crm_id = '2'") == [("Another",)]

    asyncio.run(run())


def test_a_plain_server_is_told_to_be_one(tmp_path: Path) -> None:
    """What the server lacks is told once, in a person's words, and nothing that it refuses is asked twice."""

    async def run() -> list[str]:
        async with desk(tmp_path, refuses=["$filter"]) as (one, server):
            await one.sync()
            server.asked.clear()
            await one.sync()
            assert sum("WhoAmI" in line for line in server.asked) == 1
            assert sum("$filter" in line for line in server.asked) == 1
            assert not any("EntityDefinitions" in line for line in server.asked)
            return one.told

    told = " ".join(asyncio.run(run()))
    assert "plain OData server" in told
    assert "refuses a filter: all records are read" in told
    assert "has no systemuser" in told


@pytest.mark.parametrize(("lacks", "pages"), [({"refuses": ["$filter"]}, 4), ({"ignores": ["$filter"]}, 6)], ids=str)
def test_records_by_id_are_those_that_were_asked_for(tmp_path: Path, lacks: dict[str, Any], pages: int) -> None:
    """Where a server tests nothing, all is read, once if it says so, and what nobody asked for is left out."""
    ids = tuple(str(uuid.UUID(int=number)) for number in (2, 5, *range(1000, 1200)))

    async def run() -> list[Row]:
        async with desk(tmp_path, **lacks) as (one, server), one.connection() as connection:
            session = await connection.opened.session()
            assert isinstance(session, DynamicsSession)
            key = (await session.describes.fresh("contact")).fields["contactid"]
            query = Query(kind=Kind.IDS, object="contact", fields=(key,), ids=ids)
            rows = [row for page in [page async for page in fetch(session, query)] for row in page.rows]
            assert sum("/contacts?" in line for line in server.asked) == pages
            return rows

    assert {row[0] for row in asyncio.run(run())} == set(ids[:2])
