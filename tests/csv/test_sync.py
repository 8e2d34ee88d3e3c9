"""A folder of CSV files is synced like any CRM, through the public door."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

from crmsync import service

TOML = """
[connections.acme]
connector = "csv"
database = "acme.db"
[connections.acme.settings]
folder = "crm"
page_size = 2
[connections.acme.fields]
exclude = ["*.Secret"]
rename = { "Person.Shoe Size" = "shoe_size" }
[connections.acme.objects]
where.Person = [{ field = "LastName", op = "!=", value = "Hidden" }]
"""
HEADER = "Id,ModifiedAt,Deleted,LastName,Email,CompanyId,Shoe Size:integer,Secret\n"
PEOPLE = """P1,2026-01-01T00:00:00Z,,Doe,a@x.org,C1,42,s
P2,2026-01-01T00:00:00Z,,Roe,,,,
P3,2026-01-01T00:00:00Z,,Poe,,,forty,
P4,2026-01-01T00:00:00Z,,Hidden,,,,
"""


def sync(folder: Path) -> Any:
    async def run() -> Any:
        async with service.open(folder / "crmsync.toml") as app:
            return await app.connection("acme").sync()

    return asyncio.run(run())


def people(folder: Path) -> list[tuple[Any, ...]]:
    con = sqlite3.connect(folder / "acme.db")
    try:
        wanted = "crm_id, last_name, shoe_size, account_crm_id, crm_is_deleted"
        return con.execute(f"SELECT {wanted} FROM person ORDER BY crm_id").fetchall()
    finally:
        con.close()


def test_a_folder_becomes_a_database_and_stays_in_step(tmp_path: Path) -> None:
    """First everything; then what changed and what was deleted. A bad row is set aside, a filtered one stays away."""
    (tmp_path / "crm").mkdir()
    file = tmp_path / "crm/people.csv"
    file.write_text(HEADER + PEOPLE)
    (tmp_path / "crm/companies.csv").write_text("Id,ModifiedAt,Name\nC1,2026-01-01T00:00:00Z,Acme\n")
    (tmp_path / "crmsync.toml").write_text(TOML)
    first = sync(tmp_path)
    assert (first.counts.new, first.counts.failed) == (3, 1)
    assert people(tmp_path) == [("P1", "Doe", 42, "C1", 0), ("P2", "Roe", None, None, 0)]
    file.write_text(HEADER + PEOPLE.replace("01-01T00:00:00Z,,Roe", "01-02T00:00:00Z,true,Roe").replace("forty", "40"))
    sync(tmp_path)
    assert people(tmp_path) == [("P1", "Doe", 42, "C1", 0), ("P2", "Roe", None, None, 1), ("P3", "Poe", 40, None, 0)]
