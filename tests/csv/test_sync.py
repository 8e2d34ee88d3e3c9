"""A folder of CSV files is synced like any CRM, through the public door."""

from __future__ import annotations

import asyncio
import codecs
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


def made(tmp_path: Path, encoding: str = "utf-8") -> Path:
    """A folder with a CRM and the settings of a connection with it; returns the file of people."""
    (tmp_path / "crm").mkdir()
    file = tmp_path / "crm/people.csv"
    file.write_text(HEADER + PEOPLE, encoding)
    (tmp_path / "crm/companies.csv").write_text("Id,ModifiedAt,Name\nC1,2026-01-01T00:00:00Z,Acme\n")
    (tmp_path / "crmsync.toml").write_text(TOML)
    return file


def test_a_folder_becomes_a_database_and_stays_in_step(tmp_path: Path) -> None:
    """First everything; then what changed and what was deleted. A bad row is set aside, a filtered one stays away."""
    file = made(tmp_path)
    first = sync(tmp_path)
    assert (first.counts.new, first.counts.failed) == (3, 1)
    assert people(tmp_path) == [("P1", "Doe", 42, "C1", 0), ("P2", "Roe", None, None, 0)]
    file.write_text(HEADER + PEOPLE.replace("01-01T00:00:00Z,,Roe", "01-02T00:00:00Z,true,Roe").replace("forty", "40"))
    sync(tmp_path)
    assert people(tmp_path) == [("P1", "Doe", 42, "C1", 0), ("P2", "Roe", None, None, 1), ("P3", "Poe", 40, None, 0)]


def change(folder: Path, sql: str) -> None:
    """Somebody edits the marketing database with a program of their own."""
    con = sqlite3.connect(folder / "acme.db")
    with con:
        con.execute(sql)
    con.close()


def test_edits_go_both_ways(tmp_path: Path) -> None:
    """An edit on either side reaches the other, in its own cell: all else in the file stays as it was."""
    file = made(tmp_path, "utf-8-sig")
    sync(tmp_path)
    change(tmp_path, "UPDATE person SET last_name = 'Müller, \"Jo\"', shoe_size = 43 WHERE crm_id = 'P1'")
    file.write_text(file.read_text("utf-8-sig").replace("01-01T00:00:00Z,,Roe", "01-02T00:00:00Z,,Row"), "utf-8-sig")
    second = sync(tmp_path)
    assert people(tmp_path) == [("P1", 'Müller, "Jo"', 43, "C1", 0), ("P2", "Row", None, None, 0)]
    assert second.counts.updated == 2
    before = file.read_bytes()
    assert before.startswith(codecs.BOM_UTF8)
    first, *others = before.decode("utf-8-sig").split("\n")[1:]
    assert (first.partition(",")[0], first.split(",", 2)[2]) == ("P1", ',"Müller, ""Jo""",a@x.org,C1,43,s')
    assert others == [*PEOPLE.replace("01-01T00:00:00Z,,Roe", "01-02T00:00:00Z,,Row").splitlines()[1:], ""]
    assert sync(tmp_path).counts.touched == 0
    assert file.read_bytes() == before


def test_a_record_that_was_deleted_meanwhile_takes_no_edit(tmp_path: Path) -> None:
    """An edit of somebody who was deleted in the file stays where it was made, and revives nobody."""
    file = made(tmp_path)
    sync(tmp_path)
    change(tmp_path, "UPDATE person SET last_name = 'Raw' WHERE crm_id = 'P2'")
    gone = HEADER + PEOPLE.replace("01-01T00:00:00Z,,Roe", "01-02T00:00:00Z,true,Roe")
    file.write_text(gone)
    sync(tmp_path)
    assert file.read_text() == gone
    assert ("P2", "Raw", None, None, 1) in people(tmp_path)
