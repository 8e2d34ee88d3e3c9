"""Who wins is said field by field, and so is which side's later values a field does not take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crmsync.errors import SettingsError
from crmsync.settings import load_settings
from support.engine import Engine
from support.records import ids, value
from support.simulated import Simulated

JOURNAL = "SELECT field, old, new, side, rule FROM crmsync_journal ORDER BY id"
EDITS = "SELECT field, base, state FROM crmsync_edit ORDER BY field"
ENTRY = {"Lead": "00Q1", "Contact": "0031"}


def synced(folder: Path, title: str | None = "old", **fields: Any) -> Engine:
    """A lead and a contact of one title, synced under these settings of the fields."""
    engine = Engine(folder / "marketing.db", fields=fields)
    for obj, crm_id in ENTRY.items():
        engine.crm.put(obj, crm_id, LastName=obj, Email=f"{crm_id}@x.org", Title=title)
    engine.sync()
    return engine


def both(engine: Engine, obj: str, *, edited_at: str | None = None) -> None:
    """Here somebody writes "mine", in the CRM "theirs"."""
    engine.sql("UPDATE person SET title = 'mine' WHERE crm_id = ?", ENTRY[obj])
    if edited_at is not None:
        engine.sql("UPDATE crmsync_edit SET edited_at = ?", edited_at)
    engine.crm.tick(2)
    engine.crm.put(obj, ENTRY[obj], Title="theirs")


def titles(engine: Engine, obj: str) -> tuple[Any, Any]:
    """The title here, and in the CRM."""
    here = engine.one("SELECT title FROM person WHERE crm_id = ?", ENTRY[obj])
    return here, engine.crm.objects[obj][ENTRY[obj]].get("Title")


@pytest.mark.rule("R-084", "R-085")
@pytest.mark.parametrize(("obj", "winner"), [("Lead", "crm"), ("Contact", "marketing")])
def test_a_field_may_have_another_winner_than_its_object(tmp_path: Path, obj: str, winner: str) -> None:
    """The other fields of the record follow the rule of the object; the loser is in the journal."""
    engine = synced(tmp_path, winner={f"{obj}.Title": winner})
    both(engine, obj)
    engine.sql("UPDATE person SET last_name = 'mine' WHERE crm_id = ?", ENTRY[obj])
    engine.crm.put(obj, ENTRY[obj], LastName="theirs")
    engine.sync()
    other = "mine" if obj == "Lead" else "theirs"
    won = "theirs" if winner == "crm" else "mine"
    assert titles(engine, obj) == (won, won)
    assert engine.sql("SELECT last_name FROM person WHERE crm_id = ?", ENTRY[obj]) == [(other,)]
    lost = {"crm": ("title", "mine", "theirs", "crm", "crm-wins")}
    expected = lost.get(winner, ("title", "theirs", "mine", "marketing", "marketing-wins"))
    assert expected in engine.sql(JOURNAL)
    engine.sync()
    assert engine.verify().ok


@pytest.mark.rule("R-088")
@pytest.mark.parametrize(
    ("edited_at", "won"), [("2025-06-01T00:00:00.000Z", "theirs"), ("2027-01-01T00:00:00.000Z", "mine")]
)
@pytest.mark.parametrize("obj", ["Lead", "Contact"])
def test_the_newest_value_may_win(tmp_path: Path, obj: str, edited_at: str, won: str) -> None:
    """The moment of the local edit against the CRM's stamp, whatever the rule of the object is."""
    engine = synced(tmp_path, winner={f"{obj}.Title": "newest"})
    both(engine, obj, edited_at=edited_at)
    engine.sync()
    assert titles(engine, obj) == (won, won)


@pytest.mark.rule("R-239", "R-240", "R-241")
def test_a_field_blocked_for_the_crm_keeps_its_first_value(tmp_path: Path) -> None:
    """An empty column takes a value of the CRM once; later ones, also an empty one, are not taken. Others move."""
    engine = synced(tmp_path, title=None, block={"Contact.Title": ["crm"]})
    engine.crm.tick(2)
    for obj, crm_id in ENTRY.items():
        engine.crm.put(obj, crm_id, Title="first")
    engine.sync()
    for later in ("second", None):
        engine.crm.tick(2)
        for obj, crm_id in ENTRY.items():
            engine.crm.put(obj, crm_id, Title=later, LastName=str(later))
        engine.sync()
        assert titles(engine, "Contact") == ("first", later)
        assert titles(engine, "Lead") == (later, later)
        assert engine.one("SELECT last_name FROM person WHERE crm_id = '0031'") == str(later)
    found = engine.verify()
    assert found.ok
    assert [(one["field"], one["rule"]) for one in found.explained] == [
        ("title", "blocked for values of the CRM after the first (R-239)")
    ]


@pytest.mark.rule("R-239", "R-240")
def test_a_field_blocked_for_the_crm_still_goes_there(tmp_path: Path) -> None:
    """The block is of one source: local edits leave as ever."""
    engine = synced(tmp_path, block={"Contact.Title": ["crm"]})
    engine.sql("UPDATE person SET title = 'mine' WHERE crm_id = '0031'")
    engine.sync()
    assert titles(engine, "Contact") == ("mine", "mine")


@pytest.mark.rule("R-239", "R-240", "R-241")
def test_a_field_blocked_for_marketing_goes_to_the_crm_once(tmp_path: Path) -> None:
    """What the CRM has is not overwritten; the edit stays here, and the CRM's later values come as its rule says."""
    engine = synced(tmp_path, title=None, block={"Lead.Title": ["marketing"]})
    engine.sql("UPDATE person SET title = 'first' WHERE crm_id = '00Q1'")
    engine.sync()
    assert titles(engine, "Lead") == ("first", "first")
    engine.sql("UPDATE person SET title = 'second', last_name = 'new' WHERE crm_id = '00Q1'")
    engine.sync()
    assert titles(engine, "Lead") == ("second", "first")
    assert engine.crm.objects["Lead"]["00Q1"]["LastName"] == "new"
    assert ("title", "first", "local") in engine.sql(EDITS)
    assert engine.verify().ok


@pytest.mark.rule("R-242")
def test_a_block_that_meets_a_collision_leaves_each_side_its_own(tmp_path: Path) -> None:
    """The CRM would win and may not be taken: nothing is overwritten, a notice tells, and nothing is stuck."""
    engine = synced(tmp_path, block={"Contact.Title": ["crm"]})
    both(engine, "Contact")
    engine.sync()
    assert titles(engine, "Contact") == ("mine", "theirs")
    assert engine.sql(JOURNAL)[-1] == ("title", "theirs", "mine", "marketing", "blocked")
    assert [
        said for (said,) in engine.sql("SELECT message FROM crmsync_notice WHERE kind = 'blocked'") if "R-242" in said
    ]
    before = engine.sql(JOURNAL)
    engine.sync()
    assert engine.sql(JOURNAL) == before, "it is told once"
    engine.sql("UPDATE person SET title = 'mine again', last_name = 'new' WHERE crm_id = '0031'")
    engine.sync()
    assert titles(engine, "Contact") == ("mine again", "mine again")
    assert engine.crm.objects["Contact"]["0031"]["LastName"] == "new"


@pytest.mark.rule("R-242")
def test_where_marketing_wins_a_block_for_the_crm_changes_nothing(tmp_path: Path) -> None:
    """The local value goes to the CRM, whose value is in the journal."""
    engine = synced(tmp_path, block={"Lead.Title": ["crm"]})
    both(engine, "Lead")
    engine.sync()
    assert titles(engine, "Lead") == ("mine", "mine")
    assert ("title", "theirs", "mine", "marketing", "marketing-wins") in engine.sql(JOURNAL)


@pytest.mark.rule("R-239", "R-240")
def test_a_one_way_field_may_be_blocked(tmp_path: Path) -> None:
    """An account's field keeps its first value, also one that was edited here, and a refresh does not change that."""
    engine = Engine(tmp_path / "marketing.db", fields={"block": {"Account.Industry": ["crm"]}})
    engine.crm.put("Account", "0011", Name="A", Industry="Art")
    engine.sync()
    engine.crm.tick(2)
    engine.crm.put("Account", "0011", Name="B", Industry="Law")
    engine.sync()
    assert engine.sql("SELECT name, industry FROM account") == [("B", "Art")]
    engine.sql("UPDATE account SET industry = 'mine'")
    engine.crm.tick(2)
    engine.crm.put("Account", "0011", Name="C")
    engine.sync()
    engine.use(lambda connection: connection.refresh(["Account.Industry"]))
    assert engine.sql("SELECT name, industry FROM account") == [("C", "mine")]


@pytest.mark.rule("R-085", "R-239", "R-240", "R-242")
def test_winners_and_blocks_hold_over_the_wire(tmp_path: Path) -> None:
    """With a simulated org over HTTP: a contact's field that marketing wins, one blocked each way, and a collision."""
    block = {"Contact.Phone": ["crm"], "Contact.Fax": ["crm"], "Lead.Title": ["marketing"]}
    sim = Simulated(tmp_path / "m.db", fields={"winner": {"Contact.Title": "marketing"}, "block": block})
    contact, lead = ids(sim, "Contact")[0], ids(sim, "Lead")[0]
    sim.org.update("Contact", contact, {"Phone": "1", "Fax": "1"})
    sim.org.update("Lead", lead, {"Title": "first"})
    sim.sync()
    sim.sql("UPDATE person SET title = 'mine', fax = 'mine' WHERE crm_id IN (?, ?)", contact, lead)
    sim.later()
    sim.org.update("Contact", contact, {"Title": "theirs", "Phone": "2", "Fax": "2"})
    sim.sync()
    there = {str(one["Id"]): one for name in ("Contact", "Lead") for one in sim.org.records(name)}
    assert (value(sim, "title", contact), there[contact]["Title"]) == ("mine", "mine")
    assert (value(sim, "phone", contact), there[contact]["Phone"]) == ("1", "2")
    assert (value(sim, "fax", contact), there[contact]["Fax"]) == ("mine", "2")
    assert (value(sim, "title", lead), there[lead]["Title"]) == ("mine", "first")
    assert sim.verify().ok


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ('winner = { "Lead.Title" = "best" }', "fields.winner.Lead.Title (crmsync.toml): input should be 'crm'"),
        ('block = { "Lead.Title" = ["sql"] }', "fields.block.Lead.Title.0 (crmsync.toml): input should be 'crm'"),
    ],
)
def test_a_word_that_is_none_is_refused_with_its_key_and_source(tmp_path: Path, fields: str, said: str) -> None:
    """Before anything runs, with what is expected."""
    file = tmp_path / "crmsync.toml"
    file.write_text(f'[connections.a]\nconnector = "x"\ndatabase = "a.db"\n[connections.a.fields]\n{fields}\n')
    with pytest.raises(SettingsError) as caught:
        load_settings(file, {})
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"winner": {"Led.Title": "crm"}}, "fields.winner names the object 'Led'"),
        ({"block": {"Lead.Titel": ["crm"]}}, "fields.block names 'Lead.Titel'.*Did you mean Title"),
        ({"winner": {"Title": "crm"}}, "fields.winner has 'Title', but \"Object.Field\" is expected"),
        ({"block": {"Lead.Id": ["crm"]}}, "Lead.Id is the record's crm_id"),
    ],
)
def test_a_field_that_is_none_is_refused(tmp_path: Path, fields: dict[str, Any], said: str) -> None:
    """As with every other key of `fields`."""
    with pytest.raises(SettingsError, match=said):
        synced(tmp_path, **fields)


def test_a_winner_or_block_that_changes_nothing_is_told(tmp_path: Path) -> None:
    """A field that moves one way has one winner, and nothing of it goes to the CRM; one that is not synced has none."""
    engine = Engine(
        tmp_path / "marketing.db",
        fields={
            "winner": {"Account.Name": "marketing", "Lead.Title": "crm"},
            "block": {"Account.Industry": ["marketing"], "Lead.Score": ["crm"]},
            "exclude": ["Lead.Title"],
        },
    )
    notes = engine.sync().notes
    assert [note for note in notes if "Account.Name" in note and "changes nothing" in note]
    assert [note for note in notes if "Account.Industry" in note and "changes nothing" in note]
    assert [note for note in notes if "Lead.Title" in note and "not synced" in note]
    assert not [note for note in notes if "Lead.Score" in note]
