"""Whatever is cut off at whatever moment: a record is made in the CRM once, and one person stands for it here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from crmsync.connection import Connection
from crmsync.errors import LeaseLost, RetryLater
from crmsync.model import Value
from crmsync.pull.run import Pull
from crmsync.push.sending import Asked, key_of, send
from crmsync.push.settling import settle
from crmsync.schema import recall
from crmsync.writes import Change, Operation, Outcome, Result, Wish
from support.engine import Engine

T = TypeVar("T")
INTENTS = "SELECT state, crm_id, code FROM crmsync_intent ORDER BY id"
PERSON = "SELECT crm_id, crm_type, last_name, title FROM person WHERE id = ?"


@pytest.fixture
def synced(engine: Engine) -> Engine:
    """A lead and a contact, synced, of a CRM that would make a second record if asked twice."""
    engine.crm.keyed = False
    engine.crm.put("Lead", "00Q1", LastName="Lead", Email="l@x.org")
    engine.crm.put("Contact", "0031", LastName="Contact", Email="c@x.org")
    engine.sync()
    return engine


def person(engine: Engine, **values: Value) -> int:
    """A person of this side alone."""
    names, marks = ", ".join(values), ", ".join("?" * len(values))
    engine.sql(f"INSERT INTO person ({names}) VALUES ({marks})", *values.values())
    return int(engine.one("SELECT MAX(id) FROM person"))


def running(engine: Engine, work: Callable[[Pull], Awaitable[T]]) -> T:
    """A process of its own that does one thing with the CRM."""

    async def do(connection: Connection) -> T:
        async with connection.runs.of("test", None) as pull:
            pull.routes = await recall(pull.store, engine.settings)
            pull.roles = {name: route.role for name, route in pull.routes.items()}
            return await work(pull)

    engine.crm.tick()
    return engine.use(do)


async def asked(pull: Pull, row: int, **values: Value) -> Asked:
    """A create of a lead for a person."""
    names = {"last_name": "LastName", "title": "Title", "email": "Email"}
    key = await pull.store.read(key_of, Operation.CREATE, "person", row)
    change = Change(
        operation=Operation.CREATE, object="Lead", row=row, key=key,
        values={names[name]: value for name, value in values.items() if value is not None},
    )  # fmt: skip
    return Asked(change=change, entity="person", row_id=row, sent=values)


def create(engine: Engine, row: int, **values: Value) -> Outcome:
    """Make a lead of a person."""

    async def do(pull: Pull) -> Outcome:
        return (await send(pull, [await asked(pull, row, **values)]))[0]

    return running(engine, do)


def settled(engine: Engine) -> None:
    """What the next cycle does first."""
    running(engine, settle)


def made(engine: Engine) -> list[str]:
    """The leads that came into being."""
    return [one for one in engine.crm.objects["Lead"] if one != "00Q1"]


def end_of_line() -> None:
    raise ConnectionError("the line was cut")


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


@pytest.mark.parametrize("how", [ConnectionError, KeyboardInterrupt, ValueError])
def test_a_lost_answer_makes_no_second_record(synced: Engine, how: type[BaseException]) -> None:
    """A read finds what was made; the person stands for it, with what was typed since."""
    row = person(synced, last_name="Roe", title="one")

    def lose() -> None:
        synced.sql("UPDATE person SET title = 'two' WHERE id = ?", row)
        raise how

    synced.crm.after_apply = lose
    with suppress(how):
        create(synced, row, last_name="Roe", title="one")
    synced.crm.after_apply = lambda: None
    assert create(synced, row, last_name="Roe", title="two").result is Result.UNKNOWN
    synced.sync()
    (lead,) = made(synced)
    assert synced.sql(INTENTS) == [("done", lead, None)]
    assert synced.sql(PERSON, row) == [(lead, "lead", "Roe", "two")]
    assert synced.crm.objects["Lead"][lead]["Title"] == "two"
    assert synced.one("SELECT COUNT(*) FROM person") == 3
    synced.sync()
    assert synced.verify().ok


def test_a_record_that_was_pulled_before_it_was_settled_is_no_second_person(synced: Engine) -> None:
    """What hangs on the second row, and what was edited there, goes to the first; edits of both sides survive."""
    row = person(synced, last_name="Roe", title="one")
    synced.crm.after_apply = end_of_line
    with suppress(ConnectionError):
        create(synced, row, last_name="Roe", title="one")
    synced.crm.after_apply = lambda: None
    original = synced.crm._made
    synced.crm._made = lambda query: replace(original(query), rows=(), gap=True)  # type: ignore[method-assign]
    synced.sync()
    (lead,) = made(synced)
    assert synced.sql(INTENTS) == [("sent", None, None)]
    twin = synced.one("SELECT id FROM person WHERE crm_id = ?", lead)
    synced.sql("UPDATE person SET email = 'twin@x.org' WHERE id = ?", twin)
    synced.sql("UPDATE person SET title = 'two' WHERE id = ?", row)
    synced.crm.tick()
    synced.crm.put("Lead", lead, LastName="Roe-Doe")
    synced.crm._made = original  # type: ignore[method-assign]
    synced.sync()
    assert synced.sql(PERSON, row) == [(lead, "lead", "Roe-Doe", "two")]
    there = synced.crm.objects["Lead"][lead]
    assert (there["Title"], there["Email"]) == ("two", "twin@x.org")
    assert synced.one("SELECT COUNT(*) FROM person") == 3
    assert synced.sql("SELECT person_id FROM activity WHERE kind = 'New Person'") == [(row,)]
    assert made(synced) == [lead]
    synced.sync()
    assert synced.verify().ok


def test_what_cannot_be_seen_yet_waits(synced: Engine) -> None:
    """While the CRM may not show it yet nobody concludes that nothing was made."""
    row = person(synced, last_name="Roe")
    synced.crm.after_apply, synced.crm.gap = end_of_line, True
    with suppress(ConnectionError):
        create(synced, row, last_name="Roe")
    synced.crm.after_apply = lambda: None
    hidden = synced.crm.objects["Lead"].pop(made(synced)[0])
    settled(synced)
    assert synced.sql(INTENTS) == [("sent", None, None)]
    synced.crm.objects["Lead"][str(hidden["Id"])] = hidden
    synced.crm.gap = False
    settled(synced)
    assert synced.sql(INTENTS) == [("done", hidden["Id"], None)]


def test_several_that_may_be_it_are_for_a_person_to_decide(synced: Engine) -> None:
    """None is taken, the error names both sides, and no second create ever leaves."""
    row = person(synced, last_name="Roe")
    synced.crm.after_apply = end_of_line
    with suppress(ConnectionError):
        create(synced, row, last_name="Roe")
    synced.crm.after_apply = lambda: None
    key = synced.one("SELECT key FROM crmsync_intent")
    synced.crm.put("Lead", "00Q9", LastName="Roe", Key=key)
    settled(synced)
    ((state, _, _),) = synced.sql(INTENTS)
    ((at_row, said, hint),) = synced.sql("SELECT row_id, message, hint FROM crmsync_error WHERE level = 'record'")
    assert (state, at_row) == ("ambiguous", row)
    assert "00Q9" in said
    assert "merge" in hint
    again = create(synced, row, last_name="Roe")
    assert (again.result, again.code) == (Result.REFUSED, "ambiguous")
    synced.sync()
    assert len(synced.crm.written) == 1


def test_one_record_is_not_taken_twice(synced: Engine) -> None:
    """What one lost create is known to have made is not what another one made."""
    rows = [person(synced, last_name="Roe"), person(synced, last_name="Roe")]
    synced.crm.after_apply = end_of_line
    for row in rows:
        with suppress(ConnectionError):
            create(synced, row, last_name="Roe")
    synced.crm.after_apply = lambda: None
    first, second = made(synced)
    del synced.crm.objects["Lead"][second]
    original = synced.crm._made
    key = synced.one("SELECT key FROM crmsync_intent ORDER BY id LIMIT 1")
    synced.crm._made = lambda query: original(replace(query, sent=replace(query.sent, key=key)))  # type: ignore[method-assign,type-var]
    settled(synced)
    assert [one[0] for one in synced.sql(INTENTS)] == ["done", "lost"]
    assert [synced.sql(PERSON, row)[0][0] for row in rows] == [first, None]


def test_made_and_deleted_before_anybody_saw_it(synced: Engine) -> None:
    """It was made: the person stands for a deleted record."""
    row = person(synced, last_name="Roe")
    synced.crm.after_apply = end_of_line
    with suppress(ConnectionError):
        create(synced, row, last_name="Roe")
    synced.crm.after_apply = lambda: None
    (lead,) = made(synced)
    settled(synced)
    synced.crm.tick()
    synced.crm.delete("Lead", lead)
    synced.sync()
    assert synced.sql("SELECT crm_id, crm_is_deleted FROM person WHERE id = ?", row) == [(lead, 1)]


def test_what_certainly_was_not_written_may_be_sent_again(synced: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """A connector that breaks off before writing says so: no read is needed, and the key stays."""
    row = person(synced, last_name="Roe")

    async def broken(*_args: Any) -> Any:
        raise RetryLater("not now", code="BUSY")

    with monkeypatch.context() as patch:
        patch.setattr("crmsync.plugins.calls.Plugins.apply", broken)
        with suppress(RetryLater):
            create(synced, row, last_name="Roe")
    assert synced.sql(INTENTS) == [("lost", None, "BUSY")]
    assert create(synced, row, last_name="Roe").result is Result.DONE


def test_what_is_under_way_is_not_settled(synced: Engine) -> None:
    """A cycle that begins while an action sends leaves its intent alone."""
    row = person(synced, last_name="Roe")

    async def both(pull: Pull) -> list[str]:
        states: list[str] = []
        original = pull.plugins.apply

        async def slow(session: Any, changes: Any) -> Any:
            await settle(pull)
            states.append(synced.one("SELECT state FROM crmsync_intent"))
            return await original(session, changes)

        pull.plugins.apply = slow  # type: ignore[method-assign]
        await send(pull, [await asked(pull, row, last_name="Roe")])
        return states

    assert running(synced, both) == ["sent"]
    assert len(made(synced)) == 1


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
