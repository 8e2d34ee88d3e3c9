"""An OData 4 server that none of us wrote is read from its `$metadata` alone, page by page, cycle after cycle."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from dynamics.plain import Desk, a_clock
from support.foreign import PAGE, Foreign

FIELDS = ("contact.birthdate", "contact.grade", "contact.credit", "contact.score")
EXACT = Decimal("1234567890123456.7891")
BIG = 2**53 + 1


def contact(number: int, **more: Any) -> dict[str, Any]:
    return {
        "Id": uuid.UUID(int=number), "firstname": f"First {number}", "lastname": "O'Hara", "grade": 1,
        "emailaddress1": f"{number}@example.org", "birthdate": date(1980, 2, 29), "donotbulkemail": number % 2 == 0,
        "credit": EXACT, "score": BIG, "LastModified": datetime(2026, 4, 1, tzinfo=UTC),
    } | more  # fmt: skip


@asynccontextmanager
async def desk(path: Path, **more: Any) -> AsyncIterator[tuple[Desk, Foreign]]:
    """A server with twenty contacts and nine leads, and our connection with it."""
    clock = a_clock()
    async with Foreign(clock) as server:
        server.put("Contacts", *map(contact, range(1, 21)))
        server.put("Archive", contact(77))
        server.put("Leads", *({"LeadNo": number, "lastname": f"Lead {number}"} for number in range(1, 10)))
        yield Desk(server.url, path / "foreign.db", clock, include=FIELDS, **more), server


def test_a_foreign_server_is_read_in_full(tmp_path: Path) -> None:
    """All pages come, behind links of the server's own; values are exact, and inherited columns are there.

    The address of its metadata is as good as that of the service.
    """

    async def run() -> None:
        async with desk(tmp_path) as (one, server):
            one.url += "/$metadata"
            assert (await one.sync()).ok
            assert one.rows("SELECT crm_type, COUNT(*) FROM person GROUP BY 1") == [("contact", 20), ("lead", 9)]
            values = "last_name, email, unsubscribed, birthdate, grade, credit, score"
            assert one.rows(f"SELECT {values} FROM person WHERE crm_id = '{uuid.UUID(int=2)}'") == [
                ("O'Hara", "2@example.org", 1, "1980-02-29", "Cold", str(EXACT), BIG)
            ]
            assert sum("Contacts" in line and "$skiptoken" in line for line in server.asked) >= 20 // PAGE

    asyncio.run(run())


def test_a_foreign_server_is_followed(tmp_path: Path) -> None:
    """Changes are found by their stamps, also of rows without one, or by reading all; deletions by comparing ids."""

    async def run() -> None:
        async with desk(tmp_path) as (one, server):
            assert (await one.sync()).ok
            server.change("Contacts", 3, firstname="Changed", LastModified=one.clock.now())
            server.put("Contacts", contact(40, LastModified=None))
            server.remove("Contacts", 5)
            server.change("Leads", 4, lastname="Changed")
            server.remove("Leads", 8)
            one.clock.advance(timedelta(days=2))
            assert (await one.sync()).ok
            found = "crm_type, COUNT(*), SUM(crm_is_deleted), SUM('Changed' IN (first_name, last_name))"
            assert one.rows(f"SELECT {found} FROM person GROUP BY 1") == [("contact", 21, 1, 1), ("lead", 9, 1, 1)]
            assert any("/Contacts?" in line and "LastModified ge 2026-05-04T" in line for line in server.asked)

    asyncio.run(run())


def test_what_a_foreign_server_lacks_is_told(tmp_path: Path) -> None:
    """A cycle warns of what is lost, object by object; `check` also names columns that are not read."""

    async def run() -> tuple[str, str]:
        async with desk(tmp_path) as (one, _):
            await one.sync()
            async with one.connection() as connection:
                return " ".join(one.told), " ".join(found.message for found in await connection.check())

    told, checked = asyncio.run(run())
    assert "taken for a plain OData server" in told
    assert "has no EntityDefinitions" in told
    assert "has no change tracking" in told
    assert "lead has no column that tells when a row changed" in told
    assert "has no systemuser, team, account" in told
    assert "columns whose types are not read: span" in checked


def test_sets_of_one_type_are_told_apart_and_rows_without_one_key_are_refused(tmp_path: Path) -> None:
    """A second set of a type goes by the set's name; a type with a key of two columns says why it is not synced."""

    async def run() -> None:
        async with desk(tmp_path, enable=["Archive", "Item"]) as (one, _), one.connection() as connection:
            summary = await connection.sync()
            assert one.rows("SELECT crm_id, firstname FROM archive") == [(str(uuid.UUID(int=77)), "First 77")]
            refused = next(step["message"] for step in summary.steps if step["object"] == "Item")
            assert "Item has no single column that tells its rows apart" in refused
            assert one.rows("SELECT COUNT(*) FROM person") == [(29,)]

    asyncio.run(run())


def test_an_edit_reaches_a_foreign_server(tmp_path: Path) -> None:
    """A local change of a contact and of a lead goes to the server, under keys of either kind."""

    async def run() -> None:
        async with desk(tmp_path) as (one, server):
            await one.sync()
            one.rows(
                "UPDATE person SET last_name = 'Here' WHERE crm_id IN ('3', '00000000-0000-0000-0000-000000000003')"
            )
            assert (await one.sync()).ok
            assert [server.value(name, 2, "lastname") for name in ("Contacts", "Leads")] == ["Here", "Here"]

    asyncio.run(run())
