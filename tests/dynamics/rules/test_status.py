"""What is told of a connection with Dynamics: what waits, what moved, what failed; and who logs in."""

from __future__ import annotations

from typing import Any

import pytest

from crmsync.cli import screen
from crmsync.clock import stamp
from crmsync.errors import Denied
from crmsync.store.reports import report, throughput
from crmsync.store.reports.report import Filter
from crmsync_dynamics.simulator import Ref
from dynamics.environment import Environment


def told(site: Environment, work: Any, *args: Any, **more: Any) -> Any:
    """What a reading function says now."""
    return site.use(lambda connection: connection.report(work, *args, now=site.clock.now(), **more))


@pytest.mark.rule("R-350", "R-351", "R-352")
def test_what_waits_is_counted_by_table_with_the_age_of_the_oldest(site: Environment) -> None:
    """New and changed records there and edits here, while the sync is off; what moved in the last hour afterwards."""
    site.sync()
    site.use(lambda one: one.disable())
    site.later(600)
    for name in ("One", "Two"):
        site.org.create("lead", {"lastname": name})
    contact = str(next(site.org.records("contact"))["contactid"])
    site.org.update("contact", contact, {"jobtitle": "CTO"})
    site.sql("UPDATE person SET city = 'Ulm' WHERE id IN (SELECT id FROM person WHERE crm_type = 'lead' LIMIT 3)")
    edited = stamp(site.clock.now())
    site.sql("UPDATE crmsync_edit SET edited_at = ?", edited)
    site.later(600)
    site.use(lambda one: one.sample_backlog())
    waits = {one["object"]: (one["waiting_crm"], one["waiting_here"]) for one in told(site, throughput.backlog)}
    assert waits == {"account": (0, 0), "contact": (1, 0), "lead": (2, 3)}
    ages = {one["object"]: (one["lag_seconds"], one["push_lag_seconds"]) for one in told(site, report.objects)}
    assert ages == {"account": (1200, 0), "contact": (1200, 0), "lead": (1200, 600)}
    site.use(lambda one: one.enable())
    site.sync()
    hour = Filter(since=stamp(site.clock.now().replace(minute=0, second=0)), operation="pull updates")
    moved = {one["object"]: (one["new"], one["updated"]) for one in told(site, report.steps, hour)}
    assert moved == {"account": (0, 0), "contact": (0, 1), "lead": (2, 0)}
    overview = told(site, throughput.overview)
    assert (overview["waiting_crm"], overview["waiting_here"]) == (0, 0)


@pytest.mark.rule("R-230", "R-332", "R-349", "R-353", "R-354")
def test_what_failed_is_listed_and_told_once_a_day(site: Environment, capsys: pytest.CaptureFixture[str]) -> None:
    """Each record with both ids, the way it went, code and words; as CSV too; and one notice in 24 hours for all."""
    leads = [site.org.create("lead", {"lastname": name}) for name in ("Long", "Longer")]
    site.sync()
    site.sql("UPDATE person SET title = ? WHERE crm_id IN (?, ?)", "x" * 101, *leads)
    site.sync()
    site.sync()
    notices = "SELECT message FROM crmsync_notice WHERE kind = 'failed'"
    assert site.sql(notices) == []
    failed = told(site, report.errors, Filter(object="Lead", level="record"))
    rows = {one["crm_id"]: one for one in failed}
    assert rows.keys() == set(leads)
    for crm_id, one in rows.items():
        assert one["row_id"] == site.one("SELECT id FROM person WHERE crm_id = ?", crm_id)
        assert (one["operation"], "101 characters" in one["message"]) == ("push updates", True)
        assert one["code"]
    assert told(site, report.errors, Filter(object="contact")) == []
    screen.write_csv(failed, ["at", "object", "operation", "code", "message"])
    assert capsys.readouterr().out.splitlines()[0] == "at,object,operation,code,message"
    for _ in range(2):
        site.later(86400)
        site.sync()
    (said,) = [message for (message,) in site.sql(notices)]
    assert said.startswith("2 records failed since ")
    assert all(lead in said for lead in leads)
    assert site.one("SELECT COUNT(*) FROM activity WHERE kind LIKE '%Refused'") >= 2
    site.later(27 * 86400)
    site.sync()
    assert len(site.sql(notices)) == 1
    site.later(4 * 86400)
    site.sync()
    assert site.sql(notices) == []


@pytest.mark.rule("R-255", "R-243")
def test_the_user_is_anybodys_whatever_its_language(site: Environment) -> None:
    """A user with the smallest rights and no labels in its language gets the same rows."""
    site.sync()
    here = site.sql("SELECT * FROM person ORDER BY id")
    labels = site.sql("SELECT DISTINCT status FROM person ORDER BY 1")
    site.user = "minimum"
    site.org.state.settings.labels = False
    other = Environment(site.path.with_name("other.db"), site.org, user="minimum", **site.given)
    other.sync()
    assert other.sql("SELECT DISTINCT status FROM person ORDER BY 1") == labels
    assert len(other.sql("SELECT * FROM person")) == len(here)
    assert other.verify().ok


@pytest.mark.rule("R-257")
def test_a_second_factor_that_is_demanded_is_told_with_the_way_out(site: Environment) -> None:
    """An application is asked for none; where the tenant demands one all the same, the error says how to log in."""
    site.faults = lambda server: server.faults.plant(
        {"name": "token_error", "number": 50076, "error": "interaction_required"}, path="/token", times=None
    )
    with pytest.raises(Denied, match="log in as an application"):
        site.sync()
    site.faults = lambda _server: None
    assert site.sync().status == "succeeded"


@pytest.mark.rule("R-284")
def test_a_lead_that_was_qualified_in_a_way_of_their_own_stays_a_lead(site: Environment) -> None:
    """Only what the standard action leaves behind joins lead and contact: a contact made by hand is another person."""
    lead = site.org.create("lead", {"lastname": "Own", "emailaddress1": "own@example.org"})
    site.sync()
    row = site.one("SELECT id FROM person WHERE crm_id = ?", lead)
    contact = site.org.create("contact", {"lastname": "Own", "emailaddress1": "own@example.org"})
    site.org.update("lead", lead, {"statecode": 1, "statuscode": 3})
    site.sync()
    assert site.sql("SELECT id, crm_type, status FROM person WHERE crm_id = ?", lead) == [(row, "lead", "Qualified")]
    assert site.one("SELECT id FROM person WHERE crm_id = ?", contact) != row
    made = site.org.create("contact", {"lastname": "Own", "originatingleadid": Ref("lead", lead)})
    site.sync()
    assert site.sql("SELECT crm_type FROM person WHERE crm_id = ?", made) == [("contact",)]
    assert site.verify().ok
