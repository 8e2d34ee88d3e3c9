"""What a verification says of records that cannot be read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from crmsync.hookspecs import hookimpl
from crmsync.model import Page, Query
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
