"""Activities of the marketing side go to the CRM: those chosen, once each, and none from before its time."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from crmsync.clock import stamp
from crmsync.errors import QuotaKept, RetryLater
from crmsync.kinds import KINDS
from crmsync.model import Finding, Level, Page
from crmsync.store.reports import throughput
from crmsync.store.sending.retries import Wanted
from crmsync.writes import Change, Outcome, Result
from support.engine import Engine
from support.memory import ROUTES, TASKS, Crm
from support.simulated import Simulated

OPENED, CLICKED = "Email Opened", "Clicked Link in Email"
STATES = "SELECT state, COUNT(*) FROM crmsync_outgoing GROUP BY state"


def office(path: Path, *kinds: str, **settings: Any) -> Engine:
    """A CRM with tasks, one lead and one contact, synced; activities of these kinds go to it."""
    engine = Engine(path, Crm(routes=(*ROUTES, TASKS)), activities=list(kinds), **settings)
    engine.crm.put("Lead", "00Q1", LastName="Roe")
    engine.crm.put("Contact", "0031", LastName="Doe")
    engine.sync()
    engine.crm.tick(3600)
    return engine


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A connection whose opened mails go to the CRM."""
    return office(tmp_path / "m.db", OPENED)


def happened(engine: Engine, crm_id: str, kind: str = OPENED, at: str | None = None, about: str = "May news") -> int:
    """A marketing program writes an activity of a person; its id."""
    sql = """INSERT INTO activity (person_id, kind, at, reason, source)
             SELECT id, ?, ?, ?, 'mailer' FROM person WHERE crm_id = ? RETURNING id"""
    return int(engine.one(sql, kind, at or stamp(engine.crm.clock.now()), about, crm_id))


def days(engine: Engine, number: float) -> None:
    """Let time pass."""
    engine.crm.clock.advance(timedelta(days=number))


def tasks(engine: Engine) -> list[dict[str, Any]]:
    """The tasks in the CRM."""
    return list(engine.crm.objects.get("Task", {}).values())


def subjects(engine: Engine) -> list[Any]:
    """What the tasks in the CRM are about."""
    return sorted(str(one["Subject"]) for one in tasks(engine))


@pytest.mark.rule("R-176")
def test_a_chosen_activity_becomes_a_task_that_is_over(engine: Engine) -> None:
    """Of the lead or contact, dated when it happened, with its kind and what it is about."""
    at = stamp(engine.crm.clock.now())
    happened(engine, "00Q1")
    happened(engine, "0031", about="")
    summary = engine.sync()
    one, other = tasks(engine)
    assert (one["WhoId"], one["Subject"], one["ActivityDate"]) == ("00Q1", "Email Opened: May news", "2026-01-01")
    assert (one["Status"], one["Description"]) == ("Completed", f"Email Opened at {at}\nreason: May news")
    assert (other["WhoId"], other["Subject"]) == ("0031", "Email Opened")
    (step,) = [one for one in summary.steps if one["operation"] == "push new"]
    assert (step["object"], step["new"], step["status"]) == ("Task", 2, "succeeded")
    assert engine.sql(STATES) == [("done", 2)]


@pytest.mark.rule("R-175")
def test_a_kind_that_is_not_chosen_stays_here(engine: Engine) -> None:
    """Neither now nor later, and nobody calls the CRM for it."""
    happened(engine, "00Q1", CLICKED)
    engine.sync()
    days(engine, 3)
    engine.sync()
    assert tasks(engine) == []


@pytest.mark.rule("R-175")
def test_what_the_sync_itself_writes_is_never_sent(tmp_path: Path) -> None:
    """A change that came from the CRM is no news there, even if its kind is chosen."""
    engine = office(tmp_path / "m.db", "Change Data Value")
    engine.crm.put("Lead", "00Q1", Title="CTO")
    engine.sync()
    assert engine.one("SELECT COUNT(*) FROM activity WHERE kind = 'Change Data Value'") == 1
    days(engine, 2)
    engine.sync()
    assert tasks(engine) == []


@pytest.mark.rule("R-181")
@pytest.mark.parametrize("kind", [*KINDS, "Watched Webinar", "ölte die Tür"])
def test_any_kind_may_be_chosen(tmp_path: Path, kind: str) -> None:
    """The twelve usual ones, in whatever case, and a program's own."""
    engine = office(tmp_path / "m.db", kind.upper() if kind.isascii() else kind)
    happened(engine, "00Q1", kind)
    engine.sync()
    assert subjects(engine) == [f"{kind}: May news"]


@pytest.mark.rule("R-181")
def test_a_kind_that_looks_like_a_mistake_is_told(tmp_path: Path) -> None:
    """The check names the kind that was probably meant, kinds that are never sent, and otherwise what goes where."""

    def told(*kinds: str) -> list[Finding]:
        engine = Engine(tmp_path / "m.db", Crm(routes=(*ROUTES, TASKS)), activities=list(kinds))
        found: list[Finding] = engine.use(lambda connection: connection.check())
        return [one for one in found if one.topic == "activities"]

    assert told() == []
    (well,) = told(OPENED, "Watched Webinar")
    assert (well.level, well.message) == (Level.OK, "sent as Task: Email Opened, Watched Webinar")
    (near,) = told("Emails Opened")
    assert near.level is Level.WARN
    assert "did you mean 'Email Opened'?" in near.message
    (own,) = told("New Person")
    assert "itself" in own.message


@pytest.mark.rule("R-177")
def test_nothing_from_before_the_person_was_in_the_crm(engine: Engine) -> None:
    """What a person did here before is left out, for good; what they do from then on goes."""
    engine.sql("INSERT INTO person (email, last_name) VALUES ('new@x.org', 'New')")
    sql = "INSERT INTO activity (person_id, kind, at) SELECT id, ?, ? FROM person WHERE email = 'new@x.org'"
    engine.sql(sql, OPENED, stamp(engine.crm.clock.now()))
    happened(engine, "00Q1", at="2025-12-31T23:00:00.000Z", about="before")
    engine.sync()
    engine.crm.put("Lead", "00Q9", LastName="New", Email="new@x.org")
    one = Engine(engine.path, engine.crm, activities=[OPENED], match=["email"])
    one.sync()
    assert one.one("SELECT crm_id FROM person WHERE email = 'new@x.org'") == "00Q9"
    days(one, 2)
    one.sync()
    assert tasks(one) == []
    reason = "the person was not in the CRM when it happened (R-177)"
    assert one.sql("SELECT DISTINCT state, reason FROM crmsync_outgoing") == [("left out", reason)]
    happened(one, "00Q9", about="since")
    one.sync()
    assert subjects(one) == ["Email Opened: since"]


@pytest.mark.rule("R-178")
def test_a_newly_chosen_kind_goes_back_three_months(tmp_path: Path) -> None:
    """What is older stays here; what waits for the CRM afterwards does not grow old."""
    engine = office(tmp_path / "m.db")
    happened(engine, "00Q1", about="old")
    days(engine, 2)
    happened(engine, "00Q1", about="young")
    engine.sync()
    days(engine, 89)
    chosen = Engine(engine.path, engine.crm, activities=[OPENED])
    chosen.crm.answer = lambda _change: Outcome(result=Result.RETRY, code="busy", message="busy")
    chosen.sync()
    assert tasks(chosen) == []
    chosen.crm.answer = lambda _change: None
    days(chosen, 30)
    chosen.sync()
    assert subjects(chosen) == ["Email Opened: young"]


@pytest.mark.rule("R-178")
def test_a_long_way_back_goes_in_full_batches(tmp_path: Path) -> None:
    """2,500 activities in one cycle, and none is forgotten between two batches."""
    engine = office(tmp_path / "m.db")
    sql = """WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
             INSERT INTO activity (person_id, kind, at, reason) SELECT 1, ?, ?, i FROM n"""
    engine.sql(sql, OPENED, stamp(engine.crm.clock.now()))
    Engine(engine.path, engine.crm, activities=[OPENED]).sync()
    assert len(set(subjects(engine))) == 2500
    assert engine.crm.calls_of == [200] * 10 + [200, 200, 100]


@pytest.mark.rule("R-179")
def test_a_persons_activities_go_once_a_day(engine: Engine) -> None:
    """All that came together go together; what comes later waits a day; another person's do not wait for it."""
    happened(engine, "00Q1", about="1")
    happened(engine, "00Q1", about="2")
    engine.sync()
    assert subjects(engine) == ["Email Opened: 1", "Email Opened: 2"]
    happened(engine, "00Q1", about="3")
    happened(engine, "0031", about="4")
    engine.sync()
    days(engine, 0.9)
    engine.sync()
    assert subjects(engine) == ["Email Opened: 1", "Email Opened: 2", "Email Opened: 4"]
    days(engine, 0.1)
    engine.sync()
    assert subjects(engine) == ["Email Opened: 1", "Email Opened: 2", "Email Opened: 3", "Email Opened: 4"]


@pytest.mark.rule("R-179")
def test_the_interval_can_be_set(tmp_path: Path) -> None:
    """With none, activities go with every cycle."""
    engine = office(tmp_path / "m.db", OPENED, activities_every=0)
    for number in range(3):
        happened(engine, "00Q1", about=str(number))
        engine.sync()
        assert len(tasks(engine)) == number + 1


@pytest.mark.rule("R-180")
def test_activities_share_calls(engine: Engine) -> None:
    """200 of them take one call, where the original took one each."""
    engine.crm.page_size = 500
    for number in range(300):
        engine.crm.put("Lead", f"00Q{number:04}", LastName="Roe")
    engine.sync()
    engine.crm.tick(60)
    sql = "INSERT INTO activity (person_id, kind, at) SELECT id, ?, ? FROM person WHERE crm_id LIKE '00Q____'"
    engine.sql(sql, OPENED, stamp(engine.crm.clock.now()))
    engine.sync()
    assert engine.crm.calls_of == [200, 100]


def test_what_was_sent_does_not_come_back_as_news(engine: Engine) -> None:
    """The task is read like any other, and leaves no activity; a task that somebody else made does."""
    happened(engine, "00Q1")
    engine.sync()
    engine.crm.put("Task", "00T9", WhoId="00Q1", Subject="call")
    engine.crm.tick(60)
    engine.sync()
    assert engine.one("SELECT COUNT(*) FROM crm_activity") == 2
    logged = engine.sql("SELECT crm_id FROM activity WHERE kind = 'Activity Logged'")
    assert logged == [("00T9",)]
    assert engine.one("SELECT COUNT(*) FROM crmsync_outgoing") == 1


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


def test_moments_in_any_form_are_understood(engine: Engine) -> None:
    """A space, an offset, a date alone; one that is none is left out, and one to come waits for its time."""
    later = engine.crm.clock.now() + timedelta(days=3)
    happened(engine, "00Q1", at="2026-01-01 00:30:00", about="space")
    happened(engine, "00Q1", at="2026-01-01T01:45:00+01:00", about="offset")
    happened(engine, "00Q1", at="yesterday", about="none")
    happened(engine, "0031", at=stamp(later), about="to come")
    engine.sync()
    assert subjects(engine) == ["Email Opened: offset", "Email Opened: space"]
    days(engine, 3)
    engine.sync()
    assert [one["ActivityDate"] for one in tasks(engine) if one["WhoId"] == "0031"] == [stamp(later)[:10]]
    assert engine.sql(STATES) == [("done", 3), ("left out", 1)]


def test_a_subject_is_cut_to_what_the_crm_takes(sim: Simulated) -> None:
    """255 characters there; the description has the whole."""
    sent = _sent(sim, about="x" * 400)
    assert len(sent["Subject"]) == 255
    assert "x" * 400 in sent["Description"]


@pytest.mark.rule("R-176")
def test_a_task_is_made_in_the_simulated_org(sim: Simulated) -> None:
    """Over HTTP, completed, of the lead; and read again without being news."""
    sent = _sent(sim)
    assert (sent["Status"], sent["IsClosed"], sent["ActivityDate"]) == ("Completed", True, "2026-03-01")
    assert sent["Subject"] == "Email Opened: May news"
    sim.sync()
    assert sim.one("SELECT COUNT(*) FROM activity WHERE kind = 'Activity Logged'") == 0
    assert sim.one("SELECT COUNT(*) FROM crm_activity WHERE crm_id = ?", sent["Id"]) == 1


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


def _sent(sim: Simulated, about: str = "May news") -> dict[str, Any]:
    """The task that an activity of the first lead became."""
    sim.given["activities"] = [OPENED]
    sim.sync()
    sim.later()
    before = {one["Id"] for one in sim.org.records("Task")}
    lead = next(iter(sim.org.records("Lead")))["Id"]
    sql = "INSERT INTO activity (person_id, kind, at, reason) SELECT id, ?, ?, ? FROM person WHERE crm_id = ?"
    sim.sql(sql, OPENED, stamp(sim.clock.now()), about, lead)
    sim.sync()
    (made,) = [one for one in sim.org.records("Task") if one["Id"] not in before]
    assert made["WhoId"] == lead
    return dict(made)


@pytest.mark.rule("R-358")
def test_activities_that_wait_are_part_of_the_backlog(engine: Engine) -> None:
    """Those of chosen kinds, since the oldest happened; those that stay here wait for nothing."""
    at = stamp(engine.crm.clock.now())
    happened(engine, "00Q1")
    happened(engine, "00Q1")
    happened(engine, "00Q1", CLICKED)
    found = engine.use(lambda connection: connection.report(throughput.waiting_since))
    assert found == {"Task": (2, at)}
    engine.sync()
    assert engine.use(lambda connection: connection.report(throughput.waiting_since)) == {}


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
