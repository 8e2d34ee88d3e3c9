"""The process that holds the lease does what is asked for: soon, beside a cycle, and after one that died."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing, suppress
from typing import Any

import pytest

from crmsync.actions import serving
from crmsync.asking import Actions, Told
from crmsync.connection import Connection
from crmsync.errors import Denied, LeaseHeld, RetryLater
from crmsync.plugins import wire
from crmsync.store import lease
from support.engine import Engine
from support.marketer import insert, leads, local, outcome, served, state

RUNS = "SELECT kind, status FROM crmsync_run ORDER BY id"


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


def test_the_pause_between_two_looks_is_short() -> None:
    """Two seconds are promised."""
    assert serving.EVERY <= 1
    assert lease.LEASE_SECONDS > serving.GRACE
