"""Rows of the action table: whoever writes them, they are done once, in order, and tell how they ended."""

from __future__ import annotations

import sqlite3
from typing import Any

import pytest
from msgspec.structs import replace

from crmsync.actions import KINDS
from crmsync.asking import Actions
from crmsync.errors import SettingsError
from crmsync.writes import Operation, Outcome, Result
from support.engine import Engine
from support.marketer import ask, ask_all, insert, leads, local, outcome, served, state

RUNS = "SELECT kind, status FROM crmsync_run ORDER BY id"


def test_any_program_asks_with_sql_and_reads_the_outcome(synced: Engine) -> None:
    """Done by the process that holds the lease; a run of its own with steps, and an activity of the person."""
    row = local(synced, last_name="Roe", title="boss")
    action = insert(synced, "sync_person", row)
    assert state(synced, action) == ("waiting", "", None)
    served(synced)
    (lead,) = leads(synced)
    assert state(synced, action) == ("done", "", lead)
    assert lead in outcome(synced, action)
    run = synced.one("SELECT run FROM crm_action")
    assert synced.sql(RUNS)[-1] == ("actions", "succeeded")
    assert synced.steps(run)["Lead", "push new"]["new"] == 1
    told = synced.sql("SELECT kind, source, crm_id FROM activity WHERE person_id = ?", row)
    assert told == [("Sync Person", "marketing", lead)]


@pytest.mark.parametrize(
    ("kind", "person", "arguments", "said"),
    [
        ("sync_persons", 1, "{}", "Did you mean 'sync_person'?"),
        ("dance", 1, "{}", "There are: sync_person"),
        ("sync_person", None, "{}", "names no person"),
        ("sync_person", 999, "{}", "There is no person 999."),
        ("sync_person", 1, '{"ownr": "x"}', "did you mean 'owner'?"),
        ("sync_person", 1, '{"assign": "yes"}', "assign: input should be a valid boolean"),
        ("sync_person", 1, "[]", "all of it"),
        ("change_owner", 1, "{}", "owner: field required"),
        ("create_task", 1, '{"subject": "x", "due": "soon"}', "due"),
        ("merge_persons", 1, '{"others": []}', "others"),
        ("change_status", 1, '{"campaign": 7}', "status: field required"),
    ],
)
def test_nonsense_is_refused_in_words(synced: Engine, kind: str, person: int | None, arguments: str, said: str) -> None:
    """Whatever a program writes into a row; the next row is done all the same."""
    sql = "INSERT INTO crm_action (kind, person_id, arguments) VALUES (?, ?, ?)"
    synced.sql(sql, kind, person, arguments)
    good = insert(synced, "sync_person", local(synced, last_name="Roe"))
    served(synced)
    assert state(synced, 1)[0] == "refused"
    assert said in outcome(synced, 1)
    assert state(synced, good)[0] == "done"


def test_arguments_that_are_no_json_are_refused_by_the_database(synced: Engine) -> None:
    """At once, by name."""
    with pytest.raises(sqlite3.IntegrityError, match="arguments are JSON"):
        synced.sql("INSERT INTO crm_action (kind, person_id, arguments) VALUES ('sync_person', 1, '{')")


@pytest.mark.rule("R-072")
def test_equal_actions_share_calls(synced: Engine) -> None:
    """Rows of one kind go together, as many as the connector takes at once; kinds do not mix."""
    people = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 201) SELECT 'Roe ' || i FROM n"
    synced.sql(f"INSERT INTO person (last_name) {people}")
    synced.sql("INSERT INTO crm_action (kind, person_id) SELECT 'sync_person', id FROM person WHERE crm_id IS NULL")
    served(synced)
    assert synced.crm.calls_of == [200, 1]
    assert synced.sql("SELECT state, COUNT(*) FROM crm_action GROUP BY state") == [("done", 201)]


def test_actions_of_one_person_are_done_in_order(synced: Engine) -> None:
    """Each sees what the one before has done; others do not wait."""
    row = synced.one("SELECT id FROM person WHERE crm_id = '00Q1'")
    insert(synced, "convert_person", row, confirmed=True)
    insert(synced, "delete_person", row)
    insert(synced, "convert_person", row, confirmed=True)
    other = insert(synced, "sync_person", local(synced, last_name="Roe"))
    served(synced)
    assert [state(synced, number)[:2] for number in (1, 2, 3)] == [
        ("done", ""), ("done", ""), ("refused", "person"),
    ]  # fmt: skip
    assert [one.operation for one in synced.crm.written] == [Operation.CONVERT, Operation.CREATE, Operation.DELETE]
    assert state(synced, other)[0] == "done"


def test_who_went_into_another_meanwhile_is_nobody_to_the_actions_behind(synced: Engine) -> None:
    """A merge ends persons that other actions of the same moment are for: those are refused, and say so."""
    kept = synced.one("SELECT id FROM person WHERE crm_id = '00Q1'")
    ended = local(synced, last_name="Roe")
    first = insert(synced, "merge_persons", kept, others=[ended])
    second = insert(synced, "convert_person", ended, confirmed=True)
    served(synced)
    assert [state(synced, number)[:2] for number in (first, second)] == [("done", ""), ("refused", "person")]


def test_nobody_is_sent_as_a_contact_where_contacts_need_accounts(synced: Engine) -> None:
    """Refused with the way that there is, before a lead is made."""
    told = ask(synced, "sync_person", local(synced, last_name="Roe"), as_contact=True)
    assert (told.code, leads(synced)) == ("account", [])
    assert "convert" in told.outcome


def test_what_may_work_later_is_tried_again_and_not_for_ever(synced: Engine) -> None:
    """Put off with the reason, each time for longer; then it has failed, and is listed."""
    busy = Outcome(result=Result.RETRY, code="LOCKED", message="somebody else has it")
    synced.crm.answer = lambda _one: busy
    action = insert(synced, "sync_person", local(synced, last_name="Roe"))
    waits = []
    for _ in range(10):
        served(synced)
        waits.append(str(synced.one("SELECT retry_at FROM crm_action")))
        synced.crm.tick(7200)
    assert state(synced, action)[:2] == ("failed", "LOCKED")
    assert "somebody else has it" in outcome(synced, action)
    assert len(synced.crm.written) == 6
    assert waits[0] < waits[1]
    assert synced.sql("SELECT code FROM crmsync_error WHERE level = 'record'") == [("LOCKED",)]


def test_a_later_try_succeeds(synced: Engine) -> None:
    """Refused for now, done then, once."""
    busy = Outcome(result=Result.RETRY, code="LOCKED", message="somebody else has it")
    synced.crm.answer = lambda _one: busy
    action = insert(synced, "sync_person", local(synced, last_name="Roe"))
    served(synced)
    assert state(synced, action)[:2] == ("waiting", "LOCKED")
    synced.crm.answer = lambda _one: None
    served(synced)
    assert state(synced, action)[0] == "waiting", "not before its time"
    synced.crm.tick(60)
    served(synced)
    assert state(synced, action)[0] == "done"
    assert len(leads(synced)) == 1


@pytest.mark.parametrize("how", [ConnectionError, ValueError])
def test_a_lost_answer_keeps_the_action_running_until_it_is_settled(synced: Engine, how: type[Exception]) -> None:
    """Nothing is sent twice; the outcome names the record that was made."""

    def lose() -> None:
        raise how("the line was cut")

    synced.crm.after_apply = lose
    original = synced.crm._made
    synced.crm._made = lambda query: replace_page(original(query))  # type: ignore[method-assign]
    action = insert(synced, "sync_person", row := local(synced, last_name="Roe"))
    served(synced)
    assert state(synced, action)[0] == "running"
    synced.crm.after_apply = lambda: None
    for _ in range(12):
        synced.crm.tick(600)
        served(synced)
        assert state(synced, action)[0] == "running", "however often it was looked for"
    synced.crm._made = original  # type: ignore[method-assign]
    synced.crm.tick(600)
    served(synced)
    (lead,) = leads(synced)
    assert state(synced, action)[0::2] == ("done", lead)
    assert synced.one("SELECT crm_id FROM person WHERE id = ?", row) == lead
    assert sum(one.operation is Operation.CREATE for one in synced.crm.written) == 1


def replace_page(page: Any) -> Any:
    """As if the CRM could not show it yet."""
    return replace(page, rows=(), gap=True)


def test_arguments_of_the_functions_are_checked_at_once(synced: Engine) -> None:
    """Before any row is written."""
    with pytest.raises(SettingsError, match="ownr is not known; did you mean 'owner'"):
        ask(synced, "sync_person", 1, ownr="x")
    assert synced.sql("SELECT * FROM crm_action") == []


def test_the_functions_are_the_kinds(synced: Engine) -> None:
    """One for each, under its name."""
    assert all(callable(getattr(Actions, kind)) for kind in KINDS)


def test_a_second_wish_for_one_person_makes_no_second_lead(synced: Engine) -> None:
    """Asked twice while the first answer is lost: one lead, and both are told of it."""

    def lose() -> None:
        raise ConnectionError("the line was cut")

    row = local(synced, last_name="Roe")
    synced.crm.after_apply = lose
    first = insert(synced, "sync_person", row)
    served(synced)
    synced.crm.after_apply = lambda: None
    second = insert(synced, "sync_person", row)
    synced.crm.tick(600)
    served(synced)
    assert [state(synced, one)[0] for one in (first, second)] == ["done", "done"]
    assert len(leads(synced)) == 1


def test_many_are_asked_for_at_once(synced: Engine) -> None:
    """One answer each, in order."""
    rows = [local(synced, last_name=f"Roe {number}") for number in range(3)]
    told = ask_all(synced, "sync_person", rows)
    assert [one.person_id for one in told] == rows
    assert all(one.ok for one in told)
