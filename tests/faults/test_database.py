"""The marketing database fails: code 4, nothing of the page is kept, and the next cycle carries on."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from crmsync.store import database
from support.office import Office


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only to root")
def test_a_folder_that_may_not_be_written_is_named(office: Office) -> None:
    locked = office.folder / "locked"
    locked.mkdir(mode=0o500)
    right, office.database = office.database, "locked/acme.db"
    said = office("sync")
    assert said.code == 4
    assert "locked/acme.db" in said.err
    office.database = right
    office.carries_on()


def test_a_folder_that_is_not_there_is_named(office: Office) -> None:
    right, office.database = office.database, "nowhere/acme.db"
    said = office("sync")
    assert said.code == 4, said
    assert "nowhere/acme.db" in said.err
    assert "Check that the folder exists" in said.err
    office.database = right
    office.carries_on()


def test_a_folder_in_place_of_the_file_is_named(office: Office) -> None:
    (office.folder / "acme.db").mkdir()
    for command in ("sync", "status", "verify"):
        said = office(command)
        assert said.code == 4, said
        assert "acme.db" in said.err
    (office.folder / "acme.db").rmdir()
    office.carries_on()


def test_a_database_that_may_only_be_read_is_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """As SQLite says it, also where the rights of the file mean nothing to this user."""
    office.sync()
    office.org.update("Contact", office.contacts()[0], {"Title": "Chief"})
    monkeypatch.setattr(database, "_ALWAYS", database._ALWAYS + "PRAGMA query_only = ON;")
    said = office("sync")
    assert said.code == 4, said
    assert "acme.db failed: attempt to write a readonly database" in said.err
    assert "right to write the file and its folder" in said.err
    assert office("status").code == 0
    monkeypatch.undo()
    os.chdir(office.folder)
    assert office.carries_on()["counts"]["updated"] == 1


@pytest.mark.parametrize("pages", [40, 55, 70])
def test_a_full_disk_keeps_what_was_committed(office: Office, monkeypatch: pytest.MonkeyPatch, pages: int) -> None:
    """The file may not grow beyond so many pages: wherever in the first load that is, it goes on from there."""
    office.org.settings.batch_size = 4
    for one in office.contacts():
        office.org.update("Contact", one, {"Description": "long " * 4000})
    monkeypatch.setattr(database, "_ALWAYS", database._ALWAYS + f"PRAGMA max_page_count = {pages};")
    said = office("sync")
    assert said.code == 4, said
    assert "disk is full" in said.err
    assert "the next cycle carries on" in said.err
    assert office.sql("PRAGMA integrity_check") == [("ok",)]
    monkeypatch.undo()
    os.chdir(office.folder)
    office.carries_on()
    assert office.sql("SELECT COUNT(*), COUNT(DISTINCT crm_id) FROM person") == [(30, 30)]


def test_a_file_of_a_newer_version_is_left_alone(office: Office) -> None:
    office.sync()
    office.sql("PRAGMA user_version = 99")
    before = Path("acme.db").read_bytes()
    for command in ("sync", "status", "verify", "check", "errors"):
        said = office(command)
        assert said.code == 4, said
        assert "schema version 99" in said.err
        assert "Install the newer crmsync" in said.err
    assert Path("acme.db").read_bytes() == before
    office.sql(f"PRAGMA user_version = {database.SCHEMA_VERSION}")
    office.carries_on()


def test_another_program_that_writes_without_end_is_told(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """After thirty seconds, here a tenth of one; reading goes on all the while."""
    office.sync()
    office.org.update("Contact", office.contacts()[0], {"Title": "Chief"})
    impatient = database._ALWAYS.replace("busy_timeout = 30000", "busy_timeout = 100")
    monkeypatch.setattr(database, "_ALWAYS", impatient)
    with closing(sqlite3.connect("acme.db", isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        said = office("sync")
        assert said.code == 4, said
        assert "acme.db failed: database is locked" in said.err
        assert "Another program holds a long write transaction" in said.err
        assert office("status").code == 0
        other.execute("ROLLBACK")
    assert office.carries_on()["counts"]["updated"] == 1


def test_a_file_that_is_damaged_is_told(office: Office) -> None:
    """And a copy of it goes on."""
    office.sync()
    office.sql("VACUUM INTO 'copy.db'")
    for beside in ("acme.db-wal", "acme.db-shm"):
        Path(beside).unlink(missing_ok=True)
    whole = Path("acme.db").read_bytes()
    Path("acme.db").write_bytes(whole[:16_384] + b"\xff" * (len(whole) - 16_384))
    said = office("sync")
    assert said.code == 4, said
    assert "Restore the file from a copy" in said.err
    Path("copy.db").replace("acme.db")
    office.org.update("Contact", office.contacts()[0], {"Title": "Chief"})
    assert office.carries_on()["counts"]["updated"] == 1
