"""Activities of the marketing side go to the CRM: those chosen, and none from before its time."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from crmsync.clock import stamp
from crmsync.kinds import KINDS
from crmsync.model import Finding, Level
from crmsync.store.reports import throughput
from crmsync.writes import Outcome, Result
from support.engine import Engine
from support.mailer import CLICKED, OPENED, days, happened, office, sent, subjects, tasks
from support.memory import ROUTES, TASKS, Crm
from support.simulated import Simulated

STATES = "SELECT state, COUNT(*) FROM crmsync_outgoing GROUP BY state"


@pytest.fixture
def engine(tmp_path: Path) -> Engine:
    """A connection whose opened mails go to the CRM."""
    return office(tmp_path / "m.db", OPENED)


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
    task = sent(sim, about="x" * 400)
    assert len(task["Subject"]) == 255
    assert "x" * 400 in task["Description"]


@pytest.mark.rule("R-176")
def test_a_task_is_made_in_the_simulated_org(sim: Simulated) -> None:
    """Over HTTP, completed, of the lead; and read again without being news."""
    task = sent(sim)
    assert (task["Status"], task["IsClosed"], task["ActivityDate"]) == ("Completed", True, "2026-03-01")
    assert task["Subject"] == "Email Opened: May news"
    sim.sync()
    assert sim.one("SELECT COUNT(*) FROM activity WHERE kind = 'Activity Logged'") == 0
    assert sim.one("SELECT COUNT(*) FROM crm_activity WHERE crm_id = ?", task["Id"]) == 1


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
