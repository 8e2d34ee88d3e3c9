"""What a verification says of records that cannot be read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from crmsync.hookspecs import hookimpl
from crmsync.model import Gone, Page, Query, Scope
from support.engine import Engine
from support.memory import Crm


class Picky(Crm):
    """A connector that cannot read some of the records that it is given."""

    @hookimpl
    async def fetch(self, session: Any, query: Query) -> AsyncIterator[Page]:
        async for page in Crm.fetch(self, session, query):
            names = [field.name for field in query.fields]
            bad = [row for row in page.rows if "LastName" in names and row[names.index("LastName")] == "unreadable"]
            page = replace(page, rows=[row for row in page.rows if row not in bad], skipped=[])  # noqa: PLW2901
            for row in bad:
                page.skip(row, "unreadable")
            yield page


def test_a_record_that_cannot_be_read_is_told_of_as_set_aside(tmp_path: Path) -> None:
    """Whether it was stored before or never, it counts on the CRM's side; nobody says that it is not visible."""
    engine = Engine(tmp_path / "m.db", Picky())
    engine.crm.put("Lead", "00Q1", LastName="Roe")
    engine.crm.put("Lead", "00Q2", LastName="unreadable")
    engine.sync()
    engine.crm.tick(10)
    engine.crm.put("Lead", "00Q1", LastName="unreadable")
    engine.sync()
    found = engine.verify()
    assert found.ok
    assert {one["crm_id"] for one in found.explained} == {"00Q1", "00Q2"}
    assert all("quarantine" in one["rule"] for one in found.explained)
    lead = next(one for one in found.objects if one["object"] == "Lead")
    assert (lead["crm_records"], lead["explained"]) == (2, 2)


def told(engine: Engine) -> str:
    """Why the only record that differs does."""
    (one,) = engine.verify().explained
    return str(one["rule"])


def test_what_is_nowhere_may_be_gone_or_hidden(tmp_path: Path) -> None:
    """Nobody says more than the CRM does: both come into question, and what to do about either."""
    engine = Engine(tmp_path / "m.db")
    engine.crm.put("Lead", "00Q1", LastName="Roe")
    engine.sync()
    del engine.crm.objects["Lead"]["00Q1"]
    said = told(engine)
    assert "deleted in the CRM for good, or hidden from these credentials" in said
    assert "`crmsync check`" in said


def test_what_is_nowhere_is_gone_where_everything_is_visible(tmp_path: Path) -> None:
    """A connector that knows so takes the doubt away."""

    class Whole(Crm):
        @hookimpl
        async def scope(self, session: Any, obj: str) -> Scope:
            return Scope(whole=True)

    engine = Engine(tmp_path / "m.db", Whole())
    engine.crm.put("Lead", "00Q1", LastName="Roe")
    engine.sync()
    del engine.crm.objects["Lead"]["00Q1"]
    said = told(engine)
    assert said.startswith("deleted in the CRM for good: ")
    assert "hidden" not in said


def test_a_deletion_that_no_feed_told_of_is_told_with_its_moment(tmp_path: Path) -> None:
    """One of long before the last cycle is not told as if it had come after it."""
    engine = Engine(tmp_path / "m.db")
    engine.crm.put("Lead", "00Q1", LastName="Roe")
    engine.crm.put("Lead", "00Q2", LastName="Doe")
    engine.sync()
    lost = engine.crm.now()
    del engine.crm.objects["Lead"]["00Q1"]
    engine.crm.tick(3_600)
    engine.sync()
    engine.crm.ended.append(("Lead", Gone("00Q1", lost)))
    assert told(engine).startswith(f"deleted in the CRM at {lost}, and no feed has told")
    engine.crm.objects["Lead"]["00Q1"] = {"Id": "00Q1", "LastName": "Roe", "Stamp": lost}
    engine.crm.delete("Lead", "00Q1")
    assert told(engine) == "deleted in the CRM after the last cycle"
