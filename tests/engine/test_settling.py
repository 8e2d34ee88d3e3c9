"""What was sent and not answered is found out before anything like it is sent again."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from msgspec.structs import replace

from crmsync.errors import RetryLater
from crmsync.pull.run import Pull
from crmsync.push.sending import send
from crmsync.push.settling import settle
from crmsync.writes import Result
from support.creating import INTENTS, PERSON, asked, create, end_of_line, made, person, running, settled
from support.engine import Engine


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
