"""An activity becomes one task, whatever becomes of its answer, its person or the process that sent it."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from crmsync.clock import stamp
from crmsync.errors import QuotaKept, RetryLater
from crmsync.model import Page
from crmsync.store.sending.retries import Wanted
from crmsync.writes import Change, Outcome, Result
from support.engine import Engine
from support.mailer import OPENED, days, happened, office, tasks
from support.simulated import Simulated

STATES = "SELECT state, COUNT(*) FROM crmsync_outgoing GROUP BY state"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A connection whose opened mails go to the CRM."""
    return office(tmp_path / "m.db", OPENED)


def test_a_lost_answer_makes_no_second_task(engine: Engine) -> None:
    """What was made is found by the next cycle, before anything is sent again, and is no news either."""
    happened(engine, "00Q1")

    def lost() -> None:
        raise ConnectionResetError

    engine.crm.after_apply = lost
    engine.sync()
    assert len(tasks(engine)) == 1
    engine.crm.after_apply = lambda: None
    for _ in range(3):
        engine.sync()
    assert len(tasks(engine)) == 1
    assert engine.sql(STATES) == [("done", 1)]
    assert engine.sql("SELECT kind FROM activity WHERE source = 'crm' AND kind = 'Activity Logged'") == []


def test_an_echo_that_came_before_its_answer_is_taken_back(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The task is read as somebody's while nobody can know yet that it is ours; once that is known it is no news."""
    happened(engine, "00Q1")

    def lost() -> None:
        raise ConnectionResetError

    engine.crm.after_apply = lost
    engine.sync()
    engine.crm.after_apply = lambda: None
    with monkeypatch.context() as patched:
        patched.setattr(engine.crm, "_made", lambda _query: Page(columns=("Id",), gap=True))
        engine.sync()
    assert engine.one("SELECT COUNT(*) FROM activity WHERE kind = 'Activity Logged'") == 1
    engine.sync()
    assert engine.one("SELECT COUNT(*) FROM activity WHERE kind = 'Activity Logged'") == 0
    assert len(tasks(engine)) == 1


def test_what_did_not_leave_goes_with_the_next_cycle(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connector broke off before it wrote anything."""

    async def broken(*_args: Any) -> Any:
        raise RetryLater("not now")

    happened(engine, "00Q1")
    with monkeypatch.context() as patched:
        patched.setattr("crmsync.plugins.calls.Plugins.apply", broken)
        with suppress(RetryLater):
            engine.sync()
    assert tasks(engine) == []
    engine.sync()
    assert len(tasks(engine)) == 1


def test_a_process_that_died_before_sending_forgets_nothing(engine: Engine) -> None:
    """Marked as sent and never stored as a write: it goes. Stored and answered, but not noted: it does not."""
    one, other = happened(engine, "00Q1"), happened(engine, "0031")
    engine.sync()
    engine.sql("UPDATE crmsync_outgoing SET state = 'sent'")
    engine.sql("DELETE FROM crmsync_intent WHERE row_id = ?", other)
    engine.crm.objects["Task"] = {}
    days(engine, 2)
    engine.sync()
    assert [task["WhoId"] for task in tasks(engine)] == ["0031"]
    assert engine.sql(STATES) == [("done", 2)]
    assert one != other


def test_a_converted_leads_activities_go_to_the_contact(engine: Engine) -> None:
    """Whatever they did as a lead."""
    happened(engine, "00Q1")
    engine.crm.put("Contact", "0039", LastName="Roe")
    engine.crm.join("Lead", "00Q1", "0039", "Contact", "converted")
    engine.sync()
    assert [task["WhoId"] for task in tasks(engine)] == ["0039"]


def test_a_person_who_was_deleted_in_the_crm_gets_no_task(engine: Engine) -> None:
    """They wait, and go if the person comes back."""
    happened(engine, "00Q1")
    engine.crm.delete("Lead", "00Q1")
    engine.sync()
    days(engine, 1)
    engine.sync()
    assert tasks(engine) == []
    engine.crm.put("Lead", "00Q1", LastName="Roe")
    engine.crm.ended.clear()
    engine.sync()
    engine.crm.tick(3600)
    engine.sync()
    assert [task["WhoId"] for task in tasks(engine)] == ["00Q1"]


def test_who_was_gone_when_the_task_was_to_be_made_is_read_again(engine: Engine) -> None:
    """The CRM says that the person is gone, after the cycle has read: the contact that they became gets the task."""
    happened(engine, "00Q1")

    def converted(change: Change) -> Outcome | None:
        if change.wish.person != "00Q1":
            return None
        engine.crm.put("Contact", "0039", LastName="Roe")
        engine.crm.join("Lead", "00Q1", "0039", "Contact", "converted")
        return Outcome(result=Result.GONE, code="gone", message="the lead was converted")

    engine.crm.answer = converted
    engine.sync()
    assert engine.one("SELECT crm_type FROM person WHERE crm_id = '0039'") == "contact"
    engine.crm.tick(60)
    engine.sync()
    assert [task["WhoId"] for task in tasks(engine)] == ["0039"]


def test_a_refusal_is_told_with_both_ids_and_holds_up_no_other(engine: Engine) -> None:
    """It is among the errors and on the person, and is not sent again by itself."""
    happened(engine, "00Q1")
    happened(engine, "0031")

    def refusing(change: Change) -> Outcome | None:
        bad = change.wish.person == "00Q1"
        return Outcome(result=Result.REFUSED, code="RULE", message="No tasks, please.") if bad else None

    engine.crm.answer = refusing
    engine.sync()
    days(engine, 2)
    engine.sync()
    assert [task["WhoId"] for task in tasks(engine)] == ["0031"]
    ((obj, crm_id, row_id, message),) = engine.sql("SELECT object, crm_id, row_id, message FROM crmsync_error")
    assert (obj, crm_id) == ("Task", "00Q1")
    assert row_id == engine.one("SELECT id FROM person WHERE crm_id = '00Q1'")
    assert "(Email Opened) was not taken: No tasks, please." in message
    assert engine.one("SELECT COUNT(*) FROM activity WHERE kind = 'CRM Sync Refused'") == 1


def test_a_refused_activity_goes_again_on_request(engine: Engine) -> None:
    """By the person, the cause or the time, like an edit that was refused."""
    happened(engine, "00Q1")
    engine.crm.answer = lambda _change: Outcome(result=Result.REFUSED, code="RULE", message="No tasks, please.")
    engine.sync()
    engine.crm.answer = lambda _change: None
    assert engine.use(lambda connection: connection.review.retry(Wanted(cause="OTHER"))) == []
    (one,) = engine.use(lambda connection: connection.review.retry(Wanted(ids=frozenset({"00Q1"}))))
    assert (one["object"], one["field"], one["cause"], one["was"]) == ("Task", OPENED, "RULE", "refused")
    engine.sync()
    assert [task["WhoId"] for task in tasks(engine)] == ["00Q1"]


def test_where_nobody_can_know_what_was_made_nothing_is_sent_again(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The answer was lost, and two tasks look like it: better one too few than one too many."""
    happened(engine, "00Q1")

    def lost() -> None:
        raise ConnectionResetError

    engine.crm.after_apply = lost
    engine.sync()
    engine.crm.after_apply = lambda: None
    two = Page(columns=("Id",), rows=[("Tas-0001",), ("Tas-0002",)])
    monkeypatch.setattr(engine.crm, "_made", lambda _query: two)
    engine.sync()
    engine.sync()
    assert len(engine.crm.written) == 1
    assert engine.sql("SELECT state, code FROM crmsync_outgoing") == [("refused", "ambiguous")]
    monkeypatch.setattr(engine.crm, "_made", lambda _query: replace(two, rows=two.rows[:1]))  # somebody deleted one
    (freed,) = engine.use(lambda connection: connection.review.retry(Wanted(cause="ambiguous")))
    assert freed["row_id"] == engine.one("SELECT person_id FROM activity WHERE id = ?", freed["activity"])
    engine.sync()
    assert (len(engine.crm.written), engine.one("SELECT state FROM crmsync_outgoing")) == (1, "done")


def test_what_the_crm_puts_off_is_tried_a_bounded_number_of_times(tmp_path: Path) -> None:
    """Later each time, then it is refused."""
    engine = office(tmp_path / "m.db", OPENED, retries=2)
    happened(engine, "00Q1")
    engine.crm.answer = lambda _change: Outcome(result=Result.RETRY, code="busy", message="busy")
    for _ in range(5):
        engine.sync()
        engine.crm.tick(600)
    assert len(engine.crm.written) == 3
    assert engine.sql("SELECT state, code FROM crmsync_outgoing") == [("refused", "busy")]


def test_a_lost_answer_of_the_simulated_org_makes_no_second_task(sim: Simulated) -> None:
    """Three were written when the connection broke; without a field for our keys they are found by their looks."""
    sim.given["activities"] = [OPENED]
    sim.sync()
    sim.later()
    before = len(list(sim.org.records("Task")))
    sql = "INSERT INTO activity (person_id, kind, at) SELECT id, ?, ? FROM person WHERE crm_type = 'lead' LIMIT ?"
    sim.sql(sql, OPENED, stamp(sim.clock.now()), 2)
    sim.sql(sql, OPENED, stamp(sim.clock.now() + timedelta(seconds=1)), 1)
    sim.faults = lambda server: server.faults.plant({"drop": True}, path="composite/sobjects", method="POST")
    sim.sync()
    assert sim.sql(STATES) == [("sent", 3)]
    sim.faults = lambda _server: None
    for _ in range(2):
        sim.sync()
    assert sim.sql(STATES) == [("done", 3)]
    assert len(list(sim.org.records("Task"))) == before + 3
    assert sim.one("SELECT COUNT(*) FROM activity WHERE kind = 'Activity Logged'") == 0


def test_with_short_calls_activities_wait_for_nothing_but_calls(engine: Engine) -> None:
    """They claim calls as pushes do, and go with the next cycle that has some."""
    happened(engine, "00Q1")
    engine.crm.budget.tell(765, 1000)
    with pytest.raises(QuotaKept, match="Task: what is meant for the CRM waits"):
        engine.sync()
    assert tasks(engine) == []
    engine.crm.budget.tell(10, 1000)
    engine.sync()
    assert len(tasks(engine)) == 1
