"""A record is made in the CRM once, whatever is asked of it twice and wherever a process ends."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from msgspec.structs import replace

from crmsync.errors import LeaseLost
from crmsync.pull.run import Pull
from crmsync.push.sending import Asked, key_of, send
from crmsync.writes import Change, Operation, Outcome, Result, Wish
from support.creating import INTENTS, PERSON, asked, create, end_of_line, made, person, running, settled
from support.engine import Engine


def test_a_new_record_is_the_persons_own(synced: Engine) -> None:
    """Linked at once, journalled, and the next cycle finds nothing to do but take its version."""
    row = person(synced, last_name="Roe", title="boss")
    done = create(synced, row, last_name="Roe", title="boss", email=None)
    assert (done.result, synced.sql(PERSON, row)) == (Result.DONE, [(done.crm_id, "lead", "Roe", "boss")])
    assert synced.sql(INTENTS) == [("done", done.crm_id, None)]
    told = synced.sql("SELECT field, new FROM crmsync_journal WHERE rule = 'create' ORDER BY field")
    assert told == [("last_name", "Roe"), ("title", "boss")]
    synced.sync()
    assert synced.one("SELECT COUNT(*) FROM person") == 3
    assert synced.verify().ok


def test_what_was_done_is_not_done_again(synced: Engine) -> None:
    """Whoever asks under the same key hears of the record that was made; so does whoever asks for the same person."""
    row = person(synced, last_name="Roe")

    async def twice(pull: Pull) -> list[Outcome]:
        one = await asked(pull, row, last_name="Roe")
        first = await send(pull, [one, one])
        return [*first, *await send(pull, [one]), *await send(pull, [await asked(pull, row, last_name="Roe")])]

    found = running(synced, twice)
    assert {(one.result, one.crm_id) for one in found} == {(Result.DONE, made(synced)[0])}
    assert len(synced.crm.written) == len(made(synced)) == 1


def test_an_edit_made_meanwhile_goes_with_the_next_push(synced: Engine) -> None:
    """What was typed while the create was under way is an edit on the value that was sent."""
    row = person(synced, last_name="Roe", title="one")

    def type_on() -> None:
        synced.sql("UPDATE person SET title = 'two', email = 'roe@x.org' WHERE id = ?", row)

    synced.crm.after_apply = type_on
    done = create(synced, row, last_name="Roe", title="one", email=None)
    synced.crm.after_apply = lambda: None
    edits = synced.sql("SELECT field, base, state FROM crmsync_edit ORDER BY field")
    assert edits == [("email", None, "pending"), ("title", "one", "pending")]
    synced.sync()
    there = synced.crm.objects["Lead"][str(done.crm_id)]
    assert (there["Title"], there["Email"]) == ("two", "roe@x.org")
    synced.sync()
    assert synced.verify().ok


def test_a_refused_create_leaves_the_person_alone(synced: Engine) -> None:
    """It may be sent again, and then it is made."""
    row = person(synced, last_name="Roe")
    synced.crm.answer = lambda _one: Outcome(result=Result.REFUSED, code="RULE", message="no")
    assert create(synced, row, last_name="Roe").result is Result.REFUSED
    assert (synced.sql(INTENTS), synced.sql(PERSON, row)) == (
        [("refused", None, "RULE")],
        [(None, None, "Roe", None)],
    )
    synced.crm.answer = lambda _one: None
    assert create(synced, row, last_name="Roe").result is Result.DONE


def test_a_crash_before_anything_was_stored_sends_nothing(synced: Engine) -> None:
    """The token of the lease is checked before a change leaves: whoever lost it writes nothing."""
    row = person(synced, last_name="Roe")

    async def late(pull: Pull) -> None:
        one = await asked(pull, row, last_name="Roe")
        synced.sql("UPDATE crmsync_lease SET token = token + 1")
        await send(pull, [one])

    with pytest.raises(LeaseLost):
        running(synced, late)
    assert (synced.crm.written, synced.sql(INTENTS)) == ([], [])


def test_a_crash_after_storing_and_before_sending_sends_once(synced: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A read finds that nothing was made; then it is made under the key it had."""
    row = person(synced, last_name="Roe")

    async def dies(*_args: Any) -> Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("crmsync.plugins.calls.Plugins.apply", dies)
        with suppress(KeyboardInterrupt):
            create(synced, row, last_name="Roe")
    assert synced.sql(INTENTS) == [("sent", None, None)]
    (key,) = synced.sql("SELECT key FROM crmsync_intent")
    assert create(synced, row, last_name="Roe").result is Result.UNKNOWN
    assert made(synced) == []
    settled(synced)
    assert synced.sql(INTENTS) == [("lost", None, "lost")]
    create(synced, row, last_name="Roe")
    assert len(made(synced)) == 1
    synced.sync()
    assert synced.verify().ok
    assert len(key) == 1


def test_batches_are_as_large_as_the_connector_takes(synced: Engine) -> None:
    """Two hundred creates share a call."""
    rows = [person(synced, last_name=f"Roe {number}") for number in range(201)]

    async def do(pull: Pull) -> list[Outcome]:
        return await send(pull, [await asked(pull, row, last_name=f"Roe {row}") for row in rows])

    found = running(synced, do)
    assert synced.crm.calls_of == [200, 1]
    assert [synced.sql(PERSON, row)[0][0] for row in rows] == [one.crm_id for one in found]


@pytest.mark.parametrize("lost", [False, True])
def test_a_conversion_here_is_one_there(synced: Engine, lost: bool) -> None:
    """The lead's row becomes the contact, at once or once a read has told; its edits go to the contact."""
    row = synced.one("SELECT id FROM person WHERE crm_id = '00Q1'")
    synced.sql("UPDATE person SET title = 'mine' WHERE id = ?", row)
    wish = Wish(opportunity=None)
    once(synced, Change(operation=Operation.CONVERT, object="Lead", row=row, crm_id="00Q1", wish=wish), lost=lost)
    assert synced.sql(PERSON, row)[0][:2] == ("Con-00Q1", "contact")
    assert synced.sql(INTENTS) == [("done", "Con-00Q1", None)]
    synced.sync()
    synced.sync()
    assert synced.crm.objects["Contact"]["Con-00Q1"]["Title"] == "mine"
    assert synced.verify().ok


@pytest.mark.parametrize("lost", [False, True])
def test_a_merge_here_is_one_there(synced: Engine, lost: bool) -> None:
    """The loser's row goes into the winner's; scores are not added up, since we asked for it (R-295)."""
    synced.crm.tick()
    synced.crm.put("Lead", "00Q1", Score=3)
    synced.crm.put("Lead", "00Q2", LastName="Other", Score=4, Title="kept")
    synced.sync()
    assert synced.sql("SELECT SUM(score) FROM person") == [(7,)]
    row = synced.one("SELECT id FROM person WHERE crm_id = '00Q1'")
    wish = Wish(losers=("00Q2",))
    once(synced, Change(operation=Operation.MERGE, object="Lead", row=row, crm_id="00Q1", wish=wish), lost=lost)
    assert synced.sql(PERSON, row) == [("00Q1", "lead", "Lead", "kept")]
    synced.sync()
    assert synced.sql(PERSON, row) == [("00Q1", "lead", "Lead", "kept")]
    assert synced.one("SELECT score FROM person WHERE id = ?", row) == 3
    synced.sync()
    assert synced.verify().ok


@pytest.mark.parametrize("lost", [False, True])
def test_a_deletion_here_is_one_there(synced: Engine, lost: bool) -> None:
    """The row is flagged."""
    row = synced.one("SELECT id FROM person WHERE crm_id = '00Q1'")
    once(synced, Change(operation=Operation.DELETE, object="Lead", row=row, crm_id="00Q1"), lost=lost)
    assert synced.sql("SELECT crm_is_deleted FROM person WHERE id = ?", row) == [(1,)]
    assert "00Q1" not in synced.crm.objects["Lead"]


def once(engine: Engine, change: Change, *, lost: bool) -> None:
    """Send a change; with `lost` its answer is, and the next process settles it."""

    async def do(pull: Pull) -> Outcome:
        key = await pull.store.read(key_of, change.operation, "person", change.row)
        return (await send(pull, [Asked(change=replace(change, key=key), entity="person", row_id=change.row)]))[0]

    engine.crm.after_apply = end_of_line if lost else lambda: None
    if lost:
        with pytest.raises(ConnectionError):
            running(engine, do)
        engine.crm.after_apply = lambda: None
        assert [one[0] for one in engine.sql(INTENTS)] == ["sent"]
        settled(engine)
    else:
        assert running(engine, do).result is Result.DONE
    assert [one[0] for one in engine.sql(INTENTS)] == ["done"]
    assert len(engine.crm.written) == 1


def test_a_lead_that_is_gone_is_not_converted(synced: Engine) -> None:
    """What became of it is read, and taken in."""
    synced.crm.tick()
    synced.crm.delete("Lead", "00Q1")
    row = synced.one("SELECT id FROM person WHERE crm_id = '00Q1'")

    async def do(pull: Pull) -> Outcome:
        change = Change(operation=Operation.CONVERT, object="Lead", row=row, crm_id="00Q1", key="k")
        return (await send(pull, [Asked(change=change, entity="person", row_id=row)]))[0]

    assert running(synced, do).result is Result.GONE
    assert synced.sql("SELECT crm_is_deleted FROM person WHERE id = ?", row) == [(1,)]


@pytest.mark.rule("R-317")
def test_a_person_whose_record_was_deleted_gets_a_new_one(synced: Engine) -> None:
    """The old id stays a former one; should that record come back, it is a person of its own."""
    row = synced.one("SELECT id FROM person WHERE crm_id = '00Q1'")
    gone = dict(synced.crm.objects["Lead"]["00Q1"])
    synced.crm.tick()
    synced.crm.delete("Lead", "00Q1")
    synced.sync()
    synced.sql("UPDATE person SET title = 'new' WHERE id = ?", row)
    done = create(synced, row, last_name="Lead", title="new", email="l@x.org")
    assert synced.sql("SELECT crm_id, crm_is_deleted FROM person WHERE id = ?", row) == [(done.crm_id, 0)]
    assert synced.sql("SELECT * FROM crmsync_edit") == []
    links = synced.sql("SELECT crm_id, role FROM crmsync_link WHERE row_id = ? ORDER BY role", row)
    assert links == [(done.crm_id, "current"), ("00Q1", "deleted")]
    synced.crm.ended.clear()
    synced.crm.tick(5)
    synced.crm.put("Lead", "00Q1", **{name: value for name, value in gone.items() if name != "Stamp"})
    synced.sync()
    back = synced.one("SELECT id FROM person WHERE crm_id = '00Q1'")
    assert back != row
    assert synced.verify().ok
