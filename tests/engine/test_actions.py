"""Rows of the action table: whoever writes them, they are done once, soon, in order, and tell how they ended."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import replace
from typing import Any

import pytest

from crmsync.actions import KINDS, serving
from crmsync.asking import Actions, Told
from crmsync.connection import Connection
from crmsync.errors import Denied, LeaseHeld, RetryLater, SettingsError
from crmsync.plugins import wire
from crmsync.store import lease
from crmsync.store.people import actions
from crmsync.writes import Operation, Outcome, Result
from support.engine import Engine
from support.marketer import ask, ask_all, insert, local, outcome, state

RUNS = "SELECT kind, status FROM crmsync_run ORDER BY id"


@pytest.fixture
def synced(engine: Engine) -> Engine:
    """A lead and a contact, synced, of a CRM that would make a second record if asked twice."""
    engine.crm.keyed = False
    engine.crm.put("Lead", "00Q1", LastName="Lead", Email="l@x.org")
    engine.crm.put("Contact", "0031", LastName="Contact", Email="c@x.org")
    engine.sync()
    return engine


def leads(engine: Engine) -> list[str]:
    """The leads that came into being."""
    return [one for one in engine.crm.objects["Lead"] if one != "00Q1"]


def served(engine: Engine, until: Callable[[], bool] = lambda: False) -> None:
    """A process holds the lease until nothing is due, or until something holds."""

    async def do(connection: Connection) -> None:
        store = await connection.opened.lease()
        for _ in range(1000):
            connection.opened.poke()
            await asyncio.sleep(0.01)
            busy = await store.read(actions.any_due, engine.crm.now())
            if until() or not busy:
                return
        raise AssertionError("not served")

    engine.use(do)


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


def test_what_a_killed_process_did_is_taken_up(synced: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed after the CRM wrote and before that was stored: done by the next holder of the lease, made once."""
    action = insert(synced, "sync_person", local(synced, last_name="Roe"))

    with monkeypatch.context() as patch:
        original = synced.crm._apply

        def written(change: Any) -> Any:
            original(change)
            raise asyncio.CancelledError

        patch.setattr(synced.crm, "_apply", written)
        with suppress(asyncio.CancelledError, AssertionError):
            served(synced, lambda: bool(leads(synced)))
    assert state(synced, action)[0] == "running"
    served(synced)
    assert state(synced, action)[0] == "done"
    assert len(leads(synced)) == 1


def test_without_a_way_to_the_crm_actions_wait(synced: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reason stands in the row, and the run has failed."""

    async def away(*_args: Any) -> Any:
        raise RetryLater("The CRM cannot be reached.", code="network")

    action = insert(synced, "sync_person", local(synced, last_name="Roe"))
    with monkeypatch.context() as patch:
        patch.setattr("crmsync.opened.Opened.session", away)
        served(synced)
    assert state(synced, action)[:2] == ("waiting", "network")
    assert "cannot be reached" in outcome(synced, action)
    assert synced.sql(RUNS)[-1] == ("actions", "failed")
    synced.crm.tick(60)
    served(synced)
    assert state(synced, action)[0] == "done"


def test_credentials_that_are_refused_are_told(synced: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """To every action, which waits for better ones."""

    async def denied(*_args: Any) -> Any:
        raise Denied("The log-in was refused.", code="login")

    action = insert(synced, "sync_person", local(synced, last_name="Roe"))
    with monkeypatch.context() as patch:
        patch.setattr("crmsync.plugins.calls.Plugins.apply", denied)
        served(synced)
    assert state(synced, action)[:2] == ("waiting", "login")
    synced.crm.tick(60)
    served(synced)
    assert len(leads(synced)) == 1


@pytest.mark.parametrize("stuck", ["", "Deal"])
def test_actions_run_beside_a_cycle(synced: Engine, stuck: str) -> None:
    """What is asked for is done while a cycle waits for its first answer, or has written a lot; no run is mixed up."""
    row = local(synced, last_name="Roe")
    synced.crm.put("Lead", "00Q2", LastName="Lead 2")
    asked, done = asyncio.Event(), asyncio.Event()
    original = synced.crm._pages

    async def slow(query: Any) -> Any:
        async for page in original(query):
            if stuck in ("", query.object) and not done.is_set():
                asked.set()
                await asyncio.wait_for(done.wait(), 30)
            yield page

    async def both(connection: Connection) -> None:
        synced.crm._pages = slow  # type: ignore[method-assign]
        cycle = asyncio.create_task(connection.sync())
        await asyncio.wait_for(asked.wait(), 30)
        told = await connection.actions.sync_person(row)
        assert told.ok, told
        assert not cycle.done()
        done.set()
        assert (await cycle).status == "succeeded"

    synced.use(both)
    assert sorted(synced.sql(RUNS)) == [("actions", "succeeded"), ("cycle", "succeeded"), ("cycle", "succeeded")]
    steps = synced.sql(
        "SELECT r.kind FROM crmsync_step s JOIN crmsync_run r ON r.id = s.run WHERE operation = 'push new'"
    )
    assert steps == [("actions",)]
    synced.sync()
    assert synced.verify().ok


def test_runs_that_begin_at_once_have_numbers_of_their_own(synced: Engine) -> None:
    """An action and a cycle look at the same moment which numbers are taken; neither is stored yet."""

    async def both(connection: Connection) -> list[int]:
        store = await connection.opened.lease()
        return await asyncio.gather(*(connection.runs._number(store) for _ in range(3)))

    assert synced.use(both) == [2, 3, 4]


def test_another_process_serves_where_it_holds_the_lease(synced: Engine) -> None:
    """Whoever asks waits for it, within two seconds."""
    row = local(synced, last_name="Roe")

    async def two() -> Told:
        first = Connection("acme", synced.settings, wire("memory", synced.crm), synced.crm.clock)
        second = Connection("acme", synced.settings, wire("memory", synced.crm), synced.crm.clock)
        try:
            await first.opened.lease()
            await (await first.opened.store()).write(_held_by_another)
            first.opened._server.retries = 3  # type: ignore[union-attr]
            with pytest.raises(LeaseHeld):
                await second.opened.lease()
            async with asyncio.timeout(2):
                return await second.actions.sync_person(row)
        finally:
            await second.close()
            await first.close()

    assert asyncio.run(two()).ok


def _held_by_another(con: sqlite3.Connection) -> None:
    con.execute("UPDATE crmsync_lease SET holder = 'elsewhere:1:1'")


def test_an_action_that_nobody_serves_stays(synced: Engine) -> None:
    """After a while whoever asked is told so; it is done later."""
    row = local(synced, last_name="Roe")
    synced.sql("UPDATE crmsync_lease SET holder = 'elsewhere:1:1', expires_at = '9999-01-01T00:00:00.000Z'")

    async def impatient(connection: Connection) -> Told:
        return await Actions(connection.opened, patience=0.2).sync_person(row)

    told = synced.use(impatient)
    assert (told.state, told.ok) == ("waiting", False)
    assert f"action {told.id} stays" in told.outcome
    synced.sql("UPDATE crmsync_lease SET expires_at = '2000-01-01T00:00:00.000Z'")
    served(synced)
    assert state(synced, told.id)[0] == "done"


def test_arguments_of_the_functions_are_checked_at_once(synced: Engine) -> None:
    """Before any row is written."""
    with pytest.raises(SettingsError, match="ownr is not known; did you mean 'owner'"):
        ask(synced, "sync_person", 1, ownr="x")
    assert synced.sql("SELECT * FROM crm_action") == []


def test_the_functions_are_the_kinds(synced: Engine) -> None:
    """One for each, under its name."""
    assert all(callable(getattr(Actions, kind)) for kind in KINDS)


def test_an_idle_table_costs_next_to_nothing(synced: Engine) -> None:
    """The look at the table reads no row of those that are over."""
    for number in range(50):
        synced.sql("INSERT INTO crm_action (kind, person_id, state) VALUES ('x', ?, 'done')", number)
    with closing(sqlite3.connect(synced.path)) as con:
        plan = con.execute(
            "EXPLAIN QUERY PLAN SELECT 1 FROM crm_action WHERE state IN ('waiting', 'running') "
            "AND (retry_at IS NULL OR retry_at <= '2026') LIMIT 1"
        ).fetchall()
    assert "crm_action_open" in plan[0][3]


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


def test_the_pause_between_two_looks_is_short() -> None:
    """Two seconds are promised."""
    assert serving.EVERY <= 1
    assert lease.LEASE_SECONDS > serving.GRACE
