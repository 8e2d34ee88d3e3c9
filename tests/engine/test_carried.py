"""A plan that is carried out does what it says and nothing else, and refuses what moved since."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crmsync.connection import Connection
from crmsync.errors import SettingsError
from crmsync.model import Winner
from crmsync.planning.carry import carry_out
from crmsync.writes import Outcome, Result
from support.engine import Engine
from support.happenings import begin, edit
from support.planned import carried, here, moved_here, planned, refused, there


@pytest.fixture
def synced(tmp_path: Path) -> Engine:
    """Four leads, four contacts, two accounts and two deals, synced."""
    return begin(str(tmp_path))


def test_what_moved_since_is_refused_and_nothing_else_happens(synced: Engine, tmp_path: Path) -> None:
    """On either side, in whichever direction the change was to go: it is listed with both values; the rest is made."""
    for number in range(4):
        edit(synced, "Lead", number, title="mine")
        synced.crm.put("Contact", f"003{number}", Title="theirs", LastName="theirs")
    planned(synced, tmp_path / "plan")
    edit(synced, "Lead", 1, title="mine again")
    synced.crm.tick()
    synced.crm.put("Lead", "00Q2", Title="moved")
    edit(synced, "Contact", 1, title="mine")
    synced.crm.put("Contact", "0032", Title="moved")
    synced.crm.delete("Contact", "0033")
    done = carried(synced, tmp_path / "plan")
    assert refused(done) == {
        ("00Q1", "title"): ("mine again", "Ann", "it has moved here"),
        ("00Q2", "title"): ("mine", "moved", "it has moved in the CRM"),
        ("0031", "title"): ("mine", "theirs", "it has moved here"),
        ("0032", "title"): ("Ann", "moved", "it has moved in the CRM"),
        ("0033", "title"): ("Ann", None, "the record is deleted in the CRM now"),
        ("0033", "last_name"): ("Ann", None, "the record is deleted in the CRM now"),
    }
    assert all(one["row_id"] for one in done.refused)
    assert (done.made, done.status) == (6, "succeeded")
    titles = "SELECT title FROM person WHERE crm_id LIKE ? ORDER BY crm_id"
    assert synced.sql(titles, "003%") == [("theirs",), ("mine",), ("Ann",), ("Ann",)]
    assert [one["Title"] for one in synced.crm.objects["Lead"].values()] == ["mine", "Ann", "moved", "mine"]
    names = "SELECT last_name FROM person WHERE crm_id LIKE '003%' ORDER BY crm_id"
    assert synced.sql(names) == [("theirs",), ("theirs",), ("theirs",), ("Ann",)]
    assert synced.sql("SELECT kind FROM crmsync_run ORDER BY id") == [("cycle",), ("plan",)]
    synced.sync()
    synced.sync()
    assert synced.verify().ok


def test_a_record_that_came_or_was_joined_otherwise_is_refused_whole(synced: Engine, tmp_path: Path) -> None:
    """A new record that changed, a deletion that was taken back, a merge into another: all of the record stays."""
    synced.crm.put("Account", "0015", Name="New")
    synced.crm.put("Account", "0016", Name="New")
    synced.crm.delete("Lead", "00Q3")
    synced.crm.join("Contact", "0030", "0031")
    planned(synced, tmp_path / "plan")
    before = here(synced)
    synced.crm.tick()
    synced.crm.put("Account", "0015", Name="Newer")
    synced.crm.ended.clear()
    synced.crm.put("Lead", "00Q3", LastName="Ann", Email="00Q3@x.org", Title="Ann")
    synced.crm.joined.clear()
    synced.crm.put("Contact", "0030", LastName="Ann", Email="0030@x.org", Title="Ann")
    done = carried(synced, tmp_path / "plan")
    assert {one["crm_id"] for one in done.refused} == {"0015", "00Q3", "0030"}
    assert {move[3] for move in moved_here(before, here(synced))} == {"0016"}


def test_what_the_crm_refuses_is_told(synced: Engine, tmp_path: Path) -> None:
    """With its own words; the edit is set aside like any other that was refused."""
    edit(synced, "Lead", 0, title="mine")
    planned(synced, tmp_path / "plan")
    synced.crm.answer = lambda _change: Outcome(result=Result.REFUSED, code="RULE", message="no such title")
    done = carried(synced, tmp_path / "plan")
    assert refused(done) == {("00Q0", "title"): ("mine", "Ann", "its local edit is quarantined: no such title")}


def test_edits_that_the_plan_does_not_name_stay(synced: Engine, tmp_path: Path) -> None:
    """Made after it, in other rows and in other columns of the same row: they go with the next cycle."""
    edit(synced, "Lead", 0, title="mine")
    planned(synced, tmp_path / "plan")
    edit(synced, "Lead", 0, last_name="later")
    edit(synced, "Lead", 1, title="later")
    assert carried(synced, tmp_path / "plan").refused == []
    assert [(one.crm_id, dict(one.values)) for one in synced.crm.written] == [("00Q0", {"Title": "mine"})]
    states = "SELECT field FROM crmsync_edit WHERE state = 'pending' ORDER BY field"
    assert synced.sql(states) == [("last_name",), ("title",)]


def test_carrying_out_leaves_no_watch_behind(synced: Engine, tmp_path: Path) -> None:
    """A process that lives on notes no more what moves once the plan is carried out."""
    synced.crm.put("Lead", "00Q1", Title="CTO")
    planned(synced, tmp_path / "plan")

    async def carry(connection: Connection) -> list[Any]:
        assert (await carry_out(connection, tmp_path / "plan")).status == "succeeded"
        store = await connection.opened.store()
        return await store.write(lambda con: con.execute("SELECT name FROM sqlite_temp_master").fetchall())

    assert synced.use(carry) == []
    assert synced.sql("SELECT title FROM person WHERE crm_id = '00Q1'") == [("CTO",)]


def test_a_plan_twice_carried_out_does_nothing_the_second_time(synced: Engine, tmp_path: Path) -> None:
    """All of it has moved: by the first time."""
    edit(synced, "Lead", 0, title="mine")
    synced.crm.put("Contact", "0031", Title="theirs")
    planned(synced, tmp_path / "plan")
    carried(synced, tmp_path / "plan")
    before = here(synced), there(synced)
    assert len(carried(synced, tmp_path / "plan").refused) == 2
    assert (here(synced), there(synced)) == before


def test_a_plan_of_something_else_is_refused(synced: Engine, tmp_path: Path) -> None:
    """Of another connection, org or database, under other settings, or with a line that was changed: untouched."""
    edit(synced, "Lead", 0, title="mine")
    file, twisted = tmp_path / "plan", tmp_path / "twisted"
    planned(synced, file)
    assert file.stat().st_mode & 0o777 == 0o600
    text = file.read_text()
    for old, new, said in (
        ('"new":"mine"', '"new":"yours"', "was changed"),
        (text.splitlines()[-1], "", "has no end"),
        (text.splitlines()[1] + "\n", "", "was changed"),
        ('"format":1', '"format":2', "another version"),
        (text, "{}", "is no plan"),
        (text, "", "is no plan"),
    ):
        twisted.write_text(text.replace(old, new))
        with pytest.raises(SettingsError, match=said):
            carried(synced, twisted)
    with pytest.raises(SettingsError, match="cannot be read"):
        carried(synced, tmp_path / "none")
    synced.settings.fields.winner["Lead.Title"] = Winner.CRM
    with pytest.raises(SettingsError, match="settings changed"):
        carried(synced, file)
    other = begin(str(tmp_path / "other"))
    with pytest.raises(SettingsError, match="of another database"):
        carried(other, file)
    assert synced.crm.written == []
    assert synced.sql("SELECT kind FROM crmsync_run") == [("cycle",)]


def test_a_plan_of_another_org_or_connection_is_refused(synced: Engine, tmp_path: Path) -> None:
    """Also where the database is a copy of the one that it was made for."""
    file = tmp_path / "plan"
    planned(synced, file)
    synced.crm.org = "ORG2"
    synced.sql("UPDATE crmsync_meta SET value = 'ORG2' WHERE key = 'org'")
    with pytest.raises(SettingsError, match="another org of the CRM: ORG1, not ORG2"):
        carried(synced, file)
    synced.crm.org = "ORG1"
    synced.sql("UPDATE crmsync_meta SET value = 'ORG1' WHERE key = 'org'")

    async def renamed(connection: Connection) -> None:
        connection.name = "other"
        await carry_out(connection, file)

    with pytest.raises(SettingsError, match="another connection: acme, not other"):
        synced.use(renamed)
