"""Local edits go to the CRM: once, only what differs, each told apart by its outcome."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from crmsync.errors import RetryLater
from crmsync.hookspecs import hookimpl
from crmsync.model import Fields
from crmsync.writes import Change, Outcome, Result
from support.engine import Engine
from support.memory import Crm

EDITS = "SELECT field, base, state FROM crmsync_edit ORDER BY row_id, field"
PUSHED = "SELECT field, old, new, side, rule FROM crmsync_journal WHERE side = 'marketing' ORDER BY id"


@pytest.fixture
def synced(engine: Engine) -> Engine:
    """Two leads and two contacts, synced."""
    for number in (1, 2):
        engine.crm.put("Lead", f"00Q{number}", LastName=f"Lead {number}", Email=f"l{number}@x.org", Title="old")
        engine.crm.put("Contact", f"003{number}", LastName=f"Contact {number}", Email=f"c{number}@x.org", Title="old")
    engine.sync()
    return engine


def edit(engine: Engine, crm_id: str, **values: object) -> None:
    """Any program edits the person."""
    for name, value in values.items():
        engine.sql(f"UPDATE person SET {name} = ? WHERE crm_id = ?", value, crm_id)


def there(engine: Engine, obj: str, crm_id: str) -> dict[str, Any]:
    """The record in the CRM."""
    return engine.crm.objects[obj][crm_id]


@pytest.mark.rule("R-008", "R-082", "R-083")
def test_an_edit_leaves_with_only_what_changed(synced: Engine) -> None:
    """One change a record with the changed columns; it is journalled, and the next cycle has nothing to do."""
    edit(synced, "00Q1", title="new", email="n@x.org")
    edit(synced, "0031", title="boss")
    summary = synced.sync()
    sent = [(one.object, one.crm_id, dict(one.values)) for one in synced.crm.written]
    assert sent == [
        ("Contact", "0031", {"Title": "boss"}),
        ("Lead", "00Q1", {"Title": "new", "Email": "n@x.org"}),
    ]
    step = synced.steps(summary.run)["Lead", "push updates"]
    assert (step["updated"], step["failed"], step["status"]) == (1, 0, "succeeded")
    assert ("title", "old", "new", "marketing", "push") in synced.sql(PUSHED)
    before = synced.sql("SELECT * FROM crmsync_journal"), synced.sql("SELECT * FROM activity")
    synced.sync()
    assert len(synced.crm.written) == 2
    assert (synced.sql("SELECT * FROM crmsync_journal"), synced.sql("SELECT * FROM activity")) == before


def test_the_crm_is_read_before_it_is_written(synced: Engine) -> None:
    """A CRM edit between pull and push wins or loses by the rules; it is never overwritten unseen."""
    edit(synced, "0031", title="mine")
    edit(synced, "00Q1", title="mine")
    original = synced.crm._by_id

    def late(query: Any) -> Any:
        for obj, one in (("Contact", "0031"), ("Lead", "00Q1")):
            if there(synced, obj, one)["Title"] == "old":
                synced.crm.tick(2)
                synced.crm.put(obj, one, Title="theirs")
        return original(query)

    synced.crm._by_id = late  # type: ignore[method-assign]
    synced.sync()
    assert there(synced, "Contact", "0031")["Title"] == "theirs"
    assert there(synced, "Lead", "00Q1")["Title"] == "mine"
    assert synced.one("SELECT title FROM person WHERE crm_id = '0031'") == "theirs"
    assert ("title", "theirs", "mine", "marketing", "marketing-wins") in synced.sql(PUSHED)
    synced.crm._by_id = original  # type: ignore[method-assign]
    synced.sync()
    assert synced.verify().ok


def test_what_the_crm_makes_of_a_value_comes_back(synced: Engine) -> None:
    """Trimmed on the way in: that is a change of the CRM like any other, not an echo."""
    original = synced.crm.put

    def trims(obj: str, crm_id: str, **values: Any) -> str:
        return original(obj, crm_id, **{k: v.strip() if isinstance(v, str) else v for k, v in values.items()})

    synced.crm.put = trims  # type: ignore[method-assign]
    edit(synced, "00Q1", title="new  ")
    synced.sync()
    synced.sync()
    assert synced.one("SELECT title FROM person WHERE crm_id = '00Q1'") == "new"
    assert synced.verify().ok


def test_a_lost_answer_is_settled_by_the_next_read(synced: Engine) -> None:
    """The write went through and the answer was lost: nothing is sent again, and the journal has it once."""

    def lost() -> None:
        raise ConnectionError("the line was cut")

    edit(synced, "00Q1", title="new")
    synced.crm.after_apply = lost
    synced.sync()
    assert synced.sql(EDITS) == [("title", "old", "sent")]
    synced.crm.after_apply = lambda: None
    synced.sync()
    assert len(synced.crm.written) == 1
    assert synced.sql(PUSHED) == [("title", "old", "new", "marketing", "push")]


def test_an_edit_made_while_its_forerunner_travels_is_not_lost(synced: Engine) -> None:
    """The answer confirms what was sent; the later value goes with the next cycle, on the right base."""
    edit(synced, "00Q1", title="one")
    synced.crm.after_apply = lambda: edit(synced, "00Q1", title="two")
    synced.sync()
    assert synced.sql(EDITS) == [("title", "one", "pending")]
    synced.crm.after_apply = lambda: None
    synced.sync()
    assert there(synced, "Lead", "00Q1")["Title"] == "two"
    assert synced.verify().ok


@pytest.mark.rule("R-089", "R-332")
def test_one_refused_record_does_not_hold_up_the_others(synced: Engine) -> None:
    """It is listed with both ids, told on the person, set aside, and sent again once it was changed."""
    refuse = Outcome(result=Result.REFUSED, code="RULE", message="no such title")
    synced.crm.answer = lambda one: refuse if one.crm_id == "00Q1" else None
    edit(synced, "00Q1", title="bad", email="good@x.org")
    edit(synced, "00Q2", title="good")
    synced.sync()
    assert there(synced, "Lead", "00Q2")["Title"] == "good"
    sql = "SELECT object, crm_id, row_id, code, message FROM crmsync_error"
    row = synced.one("SELECT id FROM person WHERE crm_id = '00Q1'")
    assert synced.sql(sql) == [("Lead", "00Q1", row, "RULE", "no such title")]
    told = synced.sql("SELECT kind, reason FROM activity WHERE person_id = ?", row)
    assert [kind for kind, _ in told] == ["CRM Sync Refused"]
    assert "no such title" in told[0][1]
    sent = len(synced.crm.written)
    synced.sync()
    assert len(synced.crm.written) == sent, "a refused record is not sent again as it is"
    synced.crm.answer = lambda _one: None
    edit(synced, "00Q1", title="better")
    synced.sync()
    assert (there(synced, "Lead", "00Q1")["Title"], there(synced, "Lead", "00Q1")["Email"]) == ("better", "good@x.org")


def test_a_column_that_a_refusal_names_stays_behind_alone(synced: Engine) -> None:
    """The other columns of the record go with the next cycle."""
    no = Outcome(result=Result.REFUSED, code="RULE", message="no", fields=("Title",))
    synced.crm.answer = lambda one: no if "Title" in one.values else None
    edit(synced, "00Q1", title="bad", email="good@x.org")
    synced.sync()
    assert dict(synced.sql("SELECT field, state FROM crmsync_edit")) == {"title": "quarantined", "email": "pending"}


def test_what_may_work_later_is_tried_later_and_not_for_ever(synced: Engine) -> None:
    """Bounded: then it is set aside with the reason."""
    busy = Outcome(result=Result.RETRY, code="LOCKED", message="somebody else has it")
    synced.crm.answer = lambda _one: busy
    edit(synced, "00Q1", title="new")
    for _ in range(8):
        synced.crm.tick(7200)
        synced.sync()
    assert [row[2] for row in synced.sql(EDITS)] == ["quarantined"]
    assert len(synced.crm.written) == 6


def test_edits_of_a_deleted_record_are_held(synced: Engine) -> None:
    """Not sent, not set aside; they go when the record is back."""
    edit(synced, "00Q1", title="new")
    gone = dict(there(synced, "Lead", "00Q1"))
    synced.crm.tick()
    synced.crm.delete("Lead", "00Q1")
    synced.sync()
    assert (synced.crm.written, [row[2] for row in synced.sql(EDITS)]) == ([], ["held"])
    synced.crm.ended.clear()
    synced.crm.tick(5)
    synced.crm.put("Lead", "00Q1", **{k: v for k, v in gone.items() if k != "Stamp"})
    synced.sync()
    assert there(synced, "Lead", "00Q1")["Title"] == "new"


def test_a_record_that_went_meanwhile_is_no_error(synced: Engine) -> None:
    """Deleted between read and write: the row is flagged, and its edits are held."""
    synced.crm.answer = lambda one: synced.crm.delete("Lead", str(one.crm_id)) if one.crm_id == "00Q1" else None
    edit(synced, "00Q1", title="new")
    synced.sync()
    synced.crm.answer = lambda _one: None
    synced.sync()
    assert synced.one("SELECT crm_is_deleted FROM person WHERE crm_id = '00Q1'") == 1
    assert [row[2] for row in synced.sql(EDITS)] == ["held"]
    assert synced.sql("SELECT * FROM crmsync_error") == []


def test_edits_of_a_converted_lead_go_to_the_contact(synced: Engine) -> None:
    """With the contact's rules: the CRM wins where both changed."""
    edit(synced, "00Q1", title="mine", email="mine@x.org")
    synced.crm.tick(2)
    synced.crm.put("Contact", "0039", LastName="Lead 1", Email="l1@x.org", Title="theirs")
    synced.crm.join("Lead", "00Q1", "0039", "Contact", "converted")
    synced.sync()
    synced.sync()
    assert not [one for one in synced.crm.written if one.object == "Lead"]
    assert there(synced, "Contact", "0039")["Title"] == "theirs"
    assert synced.verify().ok


def test_most_of_many_being_refused_stops_the_object(engine: Engine) -> None:
    """Hundreds of refusals in a row are one cause: the object stops with it, and the rest waits untouched."""
    for number in range(900):
        engine.crm.put("Lead", f"00Q{number:04}", LastName=f"Lead {number}", Title="old")
    engine.crm.page_size = 500
    engine.sync()
    engine.sql("UPDATE person SET title = 'new'")
    engine.crm.answer = lambda _one: Outcome(result=Result.REFUSED, code="RULE", message="no")
    summary = engine.sync()
    step = engine.steps(summary.run)["Lead", "push updates"]
    assert step["status"] == "failed"
    assert "RULE" in step["message"]
    assert len(engine.crm.written) == 400
    states = dict(engine.sql("SELECT state, COUNT(*) FROM crmsync_edit GROUP BY state"))
    assert states == {"quarantined": 400, "pending": 500}


def test_values_that_never_left_are_no_reason_to_send_no_more(tmp_path: Path) -> None:
    """Nearly all titles are too long, which is found out here: the addresses of their persons go all the same."""

    class Short(Crm):
        @hookimpl
        async def fields(self, session: Any, obj: str) -> Fields:
            found = dict(await super().fields(session, obj))
            return found | {name: replace(one, length=5) for name, one in found.items() if name == "Title"}

    engine = Engine(tmp_path / "marketing.db", Short(page_size=900))
    for number in range(1_000):
        engine.crm.put("Lead", f"00Q{number:04}", LastName=f"Lead {number}", Title="old")
    engine.sync()
    engine.sql("UPDATE person SET title = iif(id % 20, 'too long', 'new')")
    engine.sql("UPDATE person SET email = 'new'")
    summary = engine.sync()
    assert engine.steps(summary.run)["Lead", "push updates"]["status"] == "succeeded"
    assert len(engine.crm.written) == 1_000


def test_batches_are_as_large_as_the_connector_takes(engine: Engine) -> None:
    """Two hundred at a time."""
    for number in range(450):
        engine.crm.put("Lead", f"00Q{number:04}", LastName=f"Lead {number}", Title="old")
    engine.crm.page_size = 500
    engine.sync()
    engine.sql("UPDATE person SET title = 'new'")
    engine.sync()
    assert engine.crm.calls_of == [200, 200, 50]
    assert engine.verify().ok


def test_what_the_crm_will_not_take_is_found_out_before(synced: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cycle that the connector breaks off before writing leaves the edits waiting."""

    async def broken(*_args: Any) -> Any:
        raise RetryLater("not now")

    edit(synced, "00Q1", title="new")
    monkeypatch.setattr("crmsync.plugins.calls.Plugins.apply", broken)
    with suppress(RetryLater):
        synced.sync()
    assert synced.sql(EDITS) == [("title", "old", "pending")]


def test_the_change_names_its_version(synced: Engine) -> None:
    """A precondition for CRMs that have such."""
    edit(synced, "00Q1", title="new")
    synced.sync()
    (change,) = synced.crm.written
    assert isinstance(change, Change)
    assert change.version
