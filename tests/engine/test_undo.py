"""A run is taken back on both sides, where the value has not moved since; what cannot be is listed, with the reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crmsync.errors import RetryLater, SettingsError
from crmsync.model import Query
from crmsync.pull.run import Pull
from crmsync.push.sending import Asked, key_of, send
from crmsync.schema import recall
from crmsync.undo import Undone
from crmsync.writes import Change, Operation, Outcome, Result
from support.engine import Engine
from support.records import ids, value
from support.simulated import Simulated

JOURNAL = "SELECT field, old, new, side, rule FROM crmsync_journal WHERE run = ? ORDER BY id"


@pytest.fixture
def synced(engine: Engine) -> Engine:
    """Two leads, a contact and an account after a first cycle."""
    engine.crm.put("Account", "0011", Name="Acme", Industry="Art")
    engine.crm.put("Contact", "0031", LastName="Doe", Email="doe@x.org", Title="old", AccountId="0011")
    for number in (1, 2):
        engine.crm.put("Lead", f"00Q{number}", LastName="Roe", Email=f"{number}@x.org", Title="old", Score=number)
    engine.sync()
    return engine


def undo(engine: Engine, run: int, **how: Any) -> Undone:
    """Take a run back."""
    return engine.use(lambda connection: connection.review.undo(run, **how))


def states(found: Undone) -> dict[tuple[str | None, str], str]:
    """What became of each value."""
    return {(one["crm_id"], one["field"]): one["state"] for one in found.items}


def edit(engine: Engine, crm_id: str, **values: Any) -> None:
    """Any program edits a person."""
    for name, new in values.items():
        engine.sql(f"UPDATE person SET {name} = ? WHERE crm_id = ?", new, crm_id)


def change(engine: Engine, obj: str, crm_id: str, **values: Any) -> None:
    """A CRM user edits a record."""
    engine.crm.tick(2)
    engine.crm.put(obj, crm_id, **values)


def title(engine: Engine, crm_id: str) -> tuple[Any, Any]:
    """Here, and in the CRM."""
    obj = "Lead" if crm_id.startswith("00Q") else "Contact"
    here = engine.one("SELECT title FROM person WHERE crm_id = ?", crm_id)
    return here, engine.crm.objects[obj][crm_id].get("Title")


@pytest.mark.parametrize("crm_id", ["00Q1", "0031"])
def test_a_pull_is_taken_back_on_both_sides(synced: Engine, crm_id: str) -> None:
    """As a local edit of the former value, which is sent at once; the undo is a run of its own, with its steps."""
    obj = "Lead" if crm_id == "00Q1" else "Contact"
    change(synced, obj, crm_id, Title="new", Email="new@x.org")
    run = synced.sync().run
    done = undo(synced, run)
    assert states(done) == {(crm_id, "title"): "reverted", (crm_id, "email"): "reverted"}
    assert title(synced, crm_id) == ("old", "old")
    assert synced.sql("SELECT kind, status FROM crmsync_run WHERE id = ?", done.run) == [("undo", "succeeded")]
    steps = synced.steps(int(done.run or 0))
    assert (steps[obj, "undo"]["updated"], steps[obj, "push updates"]["updated"]) == (2, 1)
    assert ("title", "new", "old", "marketing", "undo") in synced.sql(JOURNAL, done.run)
    before = synced.sql("SELECT * FROM crmsync_journal")
    synced.sync()
    assert synced.sql("SELECT * FROM crmsync_journal") == before
    assert synced.verify().ok


def test_a_push_is_taken_back_on_both_sides(synced: Engine) -> None:
    """The value that the CRM had comes back, here and there."""
    edit(synced, "00Q1", title="mine")
    run = synced.sync().run
    assert title(synced, "00Q1") == ("mine", "mine")
    done = undo(synced, run)
    assert states(done) == {("00Q1", "title"): "reverted"}
    assert title(synced, "00Q1") == ("old", "old")


def test_a_collision_is_taken_back_to_what_the_crm_had(synced: Engine) -> None:
    """Also where the local value won and overwrote the CRM's."""
    edit(synced, "00Q1", title="mine")
    change(synced, "Lead", "00Q1", Title="theirs")
    edit(synced, "0031", title="mine")
    change(synced, "Contact", "0031", Title="theirs")
    run = synced.sync().run
    undo(synced, run)
    assert title(synced, "00Q1") == ("theirs", "theirs")
    assert title(synced, "0031") == ("mine", "mine")


def test_an_undo_can_be_undone(synced: Engine) -> None:
    """And that again: both sides go to and fro."""
    change(synced, "Lead", "00Q1", Title="new")
    change(synced, "Account", "0011", Industry="Law")
    run = synced.sync().run
    for expected in ("old", "new", "old"):
        done = undo(synced, run)
        assert title(synced, "00Q1") == (expected, expected)
        assert synced.one("SELECT industry FROM account") == {"old": "Art", "new": "Law"}[expected]
        run = int(done.run or 0)


def test_several_changes_of_a_value_in_a_run_go_back_to_the_first(synced: Engine) -> None:
    """The CRM's value came, then a local edit was sent: what stood before both comes back."""
    change(synced, "Lead", "00Q2", Title="second")
    edit(synced, "00Q1", title="mine")
    original = synced.crm._by_id

    def late(query: Query) -> Any:
        edit(synced, "00Q2", title="third")
        return original(query)

    synced.crm._by_id = late  # type: ignore[method-assign]
    run = synced.sync().run
    synced.crm._by_id = original  # type: ignore[method-assign]
    assert title(synced, "00Q2") == ("third", "third")
    assert {("title", "old", "second", "crm", "pull"), ("title", "second", "third", "marketing", "push")} < set(
        synced.sql(JOURNAL, run)
    )
    assert set(states(undo(synced, run)).values()) == {"reverted"}
    assert title(synced, "00Q2") == title(synced, "00Q1") == ("old", "old")


def test_what_moves_one_way_is_taken_back_here_alone(synced: Engine) -> None:
    """It says so: the next update of the record in the CRM overwrites it, as any local edit of it."""
    change(synced, "Account", "0011", Industry="Law")
    run = synced.sync().run
    (item,) = undo(synced, run).items
    assert item["state"] == "reverted here"
    assert "overwrite" in item["why"]
    assert (synced.one("SELECT industry FROM account"), synced.crm.objects["Account"]["0011"]["Industry"]) == (
        "Art", "Law"
    )  # fmt: skip
    change(synced, "Account", "0011", Name="New")
    synced.sync()
    assert synced.one("SELECT industry FROM account") == "Law"


def test_what_moved_since_stays(synced: Engine) -> None:
    """Here, or in the CRM without our knowing yet, whoever would win a collision: it is listed with its value."""
    for crm_id, obj in (("00Q1", "Lead"), ("00Q2", "Lead"), ("0031", "Contact")):
        change(synced, obj, crm_id, Title="new", Email=f"{crm_id}@new.org")
    run = synced.sync().run
    edit(synced, "00Q2", title="mine")
    change(synced, "Lead", "00Q1", Title="theirs")
    change(synced, "Contact", "0031", Title="theirs")
    done = undo(synced, run)
    found = states(done)
    assert {key: state for key, state in found.items() if key[1] == "title"} == {
        (one, "title"): "not reverted" for one in ("00Q1", "00Q2", "0031")
    }
    assert {state for key, state in found.items() if key[1] == "email"} == {"reverted"}
    whys = {one["crm_id"]: one["why"] for one in done.items if one["field"] == "title"}
    assert "moved since, to 'mine'" in whys["00Q2"]
    assert "theirs" in whys["00Q1"]
    assert "theirs" in whys["0031"]
    assert title(synced, "00Q1") == title(synced, "0031") == ("theirs", "theirs")
    synced.sync()
    assert synced.verify().ok


def test_only_some_columns_on_request(synced: Engine) -> None:
    """The others stay as the run left them, and are not listed."""
    change(synced, "Lead", "00Q1", Title="new", Email="new@x.org")
    done = undo(synced, synced.sync().run, fields=["title"])
    assert states(done) == {("00Q1", "title"): "reverted"}
    assert synced.sql("SELECT title, email FROM person WHERE crm_id = '00Q1'") == [("old", "new@x.org")]


def test_a_dry_run_tells_and_writes_nothing(synced: Engine) -> None:
    """Neither here nor there, and it is no run."""
    change(synced, "Lead", "00Q1", Title="new")
    change(synced, "Lead", "00Q2", Title="new")
    run = synced.sync().run
    edit(synced, "00Q2", title="mine")
    before = [synced.sql(f"SELECT * FROM {table}") for table in ("person", "crmsync_edit", "crmsync_run")]
    calls = synced.crm.calls
    found = undo(synced, run, dry_run=True)
    assert states(found) == {("00Q1", "title"): "to be reverted", ("00Q2", "title"): "not reverted"}
    assert (found.run, found.counts) == (None, {"to be reverted": 1, "not reverted": 1})
    assert [synced.sql(f"SELECT * FROM {table}") for table in ("person", "crmsync_edit", "crmsync_run")] == before
    assert synced.crm.calls == calls


@pytest.mark.rule("R-300")
def test_what_came_went_or_was_joined_is_listed(synced: Engine) -> None:
    """Creates, deletions, merges and conversions stay as they are, each with the reason."""
    synced.crm.put("Deal", "0061", Name="Deal", Amount=5)
    synced.crm.put("Lead", "00Q3", LastName="Loser", Title="lost")
    synced.sync()
    synced.crm.tick(2)
    synced.crm.put("Contact", "0039", LastName="Roe", Email="1@x.org", Title="old")
    synced.crm.join("Lead", "00Q1", "0039", "Contact", "converted")
    synced.crm.put("Lead", "00Q2")
    synced.crm.join("Lead", "00Q3", "00Q2")
    synced.crm.delete("Deal", "0061")
    synced.crm.delete("Contact", "0031")
    synced.crm.put("Account", "0012", Name="New")
    run = synced.sync().run
    persons = synced.sql("SELECT id, crm_id, crm_type, crm_is_deleted, title FROM person ORDER BY id")
    done = undo(synced, run)
    assert set(states(done).values()) == {"not reverted"}
    whys = {(one["entity"], one["field"], one["why"]) for one in done.items}
    assert ("opportunity", "*", "the record was deleted; it is not made again") in whys
    assert ("person", "crm_is_deleted", "the record was deleted in the CRM, or came back there") in whys
    assert ("account", "*", "a new record is taken back on request only (--creates)") in whys
    assert ("person", "crm_id", "a merge or conversion cannot be undone (R-300)") in whys
    assert synced.sql("SELECT id, crm_id, crm_type, crm_is_deleted, title FROM person ORDER BY id") == persons


def test_new_records_that_nobody_touched_go_on_request(synced: Engine) -> None:
    """Here alone: the CRM keeps them, and their next update brings them back. Touched ones stay."""
    for number in (1, 2, 3):
        synced.crm.put("Account", f"001A{number}", Name=f"New {number}")
    run = synced.sync().run
    synced.sql("UPDATE account SET name = 'mine' WHERE crm_id = '001A2'")
    change(synced, "Account", "001A3", Name="theirs")
    synced.sync()
    done = undo(synced, run, creates=True)
    assert {key[0]: state for key, state in states(done).items()} == {
        "001A1": "reverted", "001A2": "not reverted", "001A3": "not reverted"
    }  # fmt: skip
    assert synced.sql("SELECT crm_id FROM account WHERE crm_id LIKE '001A%' ORDER BY id") == [("001A2",), ("001A3",)]
    assert "001A1" in synced.crm.objects["Account"]
    synced.sync()
    assert synced.verify().ok
    change(synced, "Account", "001A1", Name="again")
    synced.sync()
    assert synced.one("SELECT name FROM account WHERE crm_id = '001A1'") == "again"


def made(engine: Engine, name: str) -> tuple[int, str]:
    """A run that makes a lead in the CRM of a new person: the run, and the lead's id."""

    async def do(connection: Any) -> tuple[int, str]:
        async with connection.runs.of("test", None) as pull:
            assert isinstance(pull, Pull)
            pull.routes = await recall(pull.store, engine.settings)
            pull.roles = {one: route.role for one, route in pull.routes.items()}
            key = await pull.store.read(key_of, Operation.CREATE, "person", row)
            create = Change(operation=Operation.CREATE, object="Lead", row=row, key=key, values={"LastName": name})
            asked = Asked(change=create, entity="person", row_id=row, sent={"last_name": name})
            (outcome,) = await send(pull, [asked])
            return pull.run, str(outcome.crm_id)

    engine.sql("INSERT INTO person (last_name) VALUES (?)", name)
    row = engine.one("SELECT MAX(id) FROM person")
    return engine.use(do)


def test_records_made_in_the_crm_go_there_on_request(synced: Engine) -> None:
    """Where nobody has touched them there: what the CRM filled in by itself is nobody's doing."""
    run, kept = made(synced, "Kept")
    other, gone = made(synced, "Gone")
    synced.crm.put("Lead", gone, Score=1)
    synced.sync()
    change(synced, "Lead", kept, LastName="Touched")
    assert states(undo(synced, run, creates=True)) == {(kept, "*"): "not reverted"}
    assert kept in synced.crm.objects["Lead"]
    assert states(undo(synced, other)) == {(gone, "*"): "not reverted"}
    assert states(undo(synced, other, creates=True)) == {(gone, "*"): "reverted"}
    assert gone not in synced.crm.objects["Lead"]
    assert synced.one("SELECT crm_is_deleted FROM person WHERE last_name = 'Gone'") == 1
    synced.sync()
    assert synced.verify().ok


def test_what_the_crm_refuses_waits_and_is_told(synced: Engine) -> None:
    """Here it is taken back; the edit stands with the CRM's reason, like any that was refused."""
    change(synced, "Lead", "00Q1", Title="new")
    run = synced.sync().run
    synced.crm.answer = lambda _change: Outcome(result=Result.REFUSED, code="RULE", message="no such title")
    (item,) = undo(synced, run).items
    assert (item["state"], item["why"]) == ("waits", "no such title")
    assert title(synced, "00Q1") == ("old", "new")


def test_where_the_crm_cannot_be_asked_nothing_of_it_is_taken_back(synced: Engine) -> None:
    """Nobody knows whether it has moved there; what moves one way is taken back all the same."""
    change(synced, "Lead", "00Q1", Title="new")
    change(synced, "Account", "0011", Industry="Law")
    run = synced.sync().run
    original = synced.crm._by_id

    def cut(query: Query) -> Any:
        raise RetryLater("the line was cut")

    synced.crm._by_id = cut  # type: ignore[method-assign]
    done = undo(synced, run)
    assert states(done) == {("00Q1", "title"): "not reverted", ("0011", "industry"): "reverted here"}
    assert [one["why"] for one in done.items if one["field"] == "title" and "the line was cut" in one["why"]]
    assert synced.one("SELECT status FROM crmsync_run WHERE id = ?", done.run) == "failed"
    assert title(synced, "00Q1") == ("new", "new")
    synced.crm._by_id = original  # type: ignore[method-assign]
    assert states(undo(synced, run))["00Q1", "title"] == "reverted"


def test_a_value_that_the_database_does_not_take_stays(synced: Engine) -> None:
    """A rule of somebody else's: the others are taken back."""
    change(synced, "Lead", "00Q1", Title="new", Email="new@x.org")
    run = synced.sync().run
    edit(synced, "00Q2", email="1@x.org")
    synced.sql("CREATE UNIQUE INDEX one_email ON person (email)")
    done = undo(synced, run)
    assert states(done) == {("00Q1", "title"): "reverted", ("00Q1", "email"): "not reverted"}
    assert [one["why"] for one in done.items if "UNIQUE" in one["why"]]


def test_a_run_that_is_none_is_refused(synced: Engine) -> None:
    """Also one that has not ended."""
    with pytest.raises(SettingsError, match="no run 99"):
        undo(synced, 99)
    synced.sql(
        "INSERT INTO crmsync_run (id, kind, started_at, status) VALUES (50, 'cycle', '2026-01-01', 'in process')"
    )
    with pytest.raises(SettingsError, match="Run 50 has not ended"):
        undo(synced, 50, dry_run=True)


def test_a_run_that_changed_nothing_has_nothing_to_undo(synced: Engine) -> None:
    """An empty list."""
    assert undo(synced, synced.sync().run).items == []


def test_a_run_is_taken_back_over_the_wire(tmp_path: Path) -> None:
    """With a simulated org over HTTP: a pull and a push of one run, and the undo itself."""
    sim = Simulated(tmp_path / "m.db")
    contact, lead = ids(sim, "Contact")[0], ids(sim, "Lead")[0]
    for obj, crm_id in (("Contact", contact), ("Lead", lead)):
        sim.org.update(obj, crm_id, {"Title": "old"})
    sim.sync()
    sim.later()
    sim.org.update("Contact", contact, {"Title": "theirs"})
    sim.sql("UPDATE person SET title = 'mine' WHERE crm_id = ?", lead)
    run = sim.sync().run
    for expected in (["old", "old"], ["theirs", "mine"]):
        sim.later()
        done = undo(sim, run)
        assert set(done.counts) == {"reverted"}
        there = [sim.org.get(obj, one) or {} for obj, one in (("Contact", contact), ("Lead", lead))]
        assert [one["Title"] for one in there] == expected
        assert [value(sim, "title", one) for one in (contact, lead)] == expected
        run = int(done.run or 0)
    sim.sync()
    assert sim.verify().ok
