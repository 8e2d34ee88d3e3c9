"""When API calls are short, actions go before pushes, and pushes before pulls."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from crmsync.clock import stamp
from crmsync.errors import QuotaKept, QuotaSpent
from crmsync.model import Kind, Query
from crmsync.pacing import FIGURES_AGE, Budget, Claims, claiming
from crmsync.store.reports import report
from support.engine import Engine

CLAIMS = Claims()


def used(budget: Budget, calls: int) -> Budget:
    """The CRM says that so many of a thousand calls are used; the share of four fifths is 800."""
    budget.tell(calls, 1000)
    return budget


@pytest.fixture
def synced(engine: Engine) -> Engine:
    """A lead and a contact, synced."""
    engine.crm.put("Lead", "00Q1", LastName="Roe", Title="old")
    engine.crm.put("Contact", "0031", LastName="Doe", Title="old")
    engine.sync()
    return engine


def edit(engine: Engine) -> None:
    """Somebody edits both sides: a lead here, a contact in the CRM."""
    engine.sql("UPDATE person SET title = 'new' WHERE crm_id = '00Q1'")
    engine.crm.tick(60)
    engine.crm.put("Contact", "0031", Title="newer")


def cut_short(engine: Engine) -> str:
    """A cycle that calls are too few for; what it says."""
    with pytest.raises(QuotaKept) as caught:
        engine.sync()
    return str(caught.value)


def test_each_claim_may_use_up_its_part_of_the_share() -> None:
    """Pulls nine tenths, pushes nineteen twentieths, actions and whatever a person asks for all of it."""
    budget = used(Budget(0.8), 719)
    with claiming(CLAIMS.pulls):
        budget.reserve()
        with pytest.raises(QuotaKept, match="not for pulls") as caught:
            budget.reserve(3)
    assert caught.value.over == 3
    with claiming(CLAIMS.pushes):
        budget.reserve(40)
        with pytest.raises(QuotaKept, match="not for pushes"):
            budget.reserve()
    with claiming(CLAIMS.actions):
        budget.reserve(20)
    budget.reserve(20)
    with pytest.raises(QuotaSpent, match="the share of 80% is not passed"):
        budget.reserve()


def test_a_claim_holds_for_the_tasks_begun_under_it() -> None:
    """What was asked for ahead, as pages are, does not take the claim of whoever comes later."""
    budget = used(Budget(0.8), 730)

    async def ask() -> None:
        budget.reserve()

    async def main() -> None:
        with claiming(CLAIMS.pulls):
            task = asyncio.create_task(ask())
        with claiming(CLAIMS.actions), pytest.raises(QuotaKept):
            await task
        await ask()

    asyncio.run(main())


def test_old_figures_do_not_refuse_for_ever() -> None:
    """Only an answer can tell that calls are free again, so after a while a call is let through to bring one."""
    passed = 0.0
    budget = used(Budget(0.8, monotonic=lambda: passed), 800)
    with pytest.raises(QuotaSpent):
        budget.reserve()
    passed = FIGURES_AGE
    budget.reserve()
    used(budget, 790)
    assert budget.used == 790


def test_pushes_go_on_where_pulls_have_to_wait(synced: Engine) -> None:
    """The cycle sends the lead's edit, reads before writes among the pushes, and says what is stale and since when."""
    edit(synced)
    began = synced.one("SELECT MAX(started_at) FROM crmsync_step WHERE object = 'Contact'")
    used(synced.crm.budget, 725)
    said = cut_short(synced)
    assert synced.crm.objects["Lead"]["00Q1"]["Title"] == "new"
    assert synced.one("SELECT title FROM person WHERE crm_id = '0031'") == "old"
    assert "Account, Contact, Deal, Lead: not read" in said
    assert f"all that was saved there before {began} is here" in said
    steps = synced.steps(synced.one("SELECT MAX(id) FROM crmsync_run"))
    assert steps["Contact", "pull updates"]["status"] == "incomplete"
    assert steps["Lead", "push updates"]["status"] == "succeeded"
    assert (synced.crm.budget.used or 0) <= 760


def test_the_stale_are_read_once_calls_are_free_again(synced: Engine) -> None:
    """Nothing is lost: the next cycle with calls goes on from where the last read ended."""
    edit(synced)
    used(synced.crm.budget, 725)
    cut_short(synced)
    used(synced.crm.budget, 10)
    assert synced.sync().status == "succeeded"
    assert synced.one("SELECT title FROM person WHERE crm_id = '0031'") == "newer"
    assert synced.verify().ok


def test_actions_keep_calls_that_pushes_may_not_take(synced: Engine) -> None:
    """Edits wait, and the cycle says so; no call is made for them."""
    edit(synced)
    used(synced.crm.budget, 762)
    calls = synced.crm.calls
    said = cut_short(synced)
    assert "Lead: what is meant for the CRM waits" in said
    assert synced.crm.calls == calls
    assert synced.sql("SELECT state FROM crmsync_edit WHERE field = 'title'") == [("pending",)]
    synced.crm.budget.reserve()


def test_a_read_that_was_cut_off_is_told_and_goes_on_behind_its_last_page(synced: Engine) -> None:
    """Pages that were stored are not read again, and the object is not taken for read."""
    synced.crm.tick(60)
    for number in range(9):
        synced.crm.put("Lead", f"00Q{number}", LastName="Roe", Title="new")

    def short(query: Query, number: int) -> None:
        if query.object == "Lead" and query.kind is Kind.CHANGES and number == 1:
            used(synced.crm.budget, 725)
            synced.crm.budget.reserve()

    synced.crm.before_page = short
    assert "Lead: not read" in cut_short(synced)
    assert synced.one("SELECT COUNT(*) FROM person WHERE title = 'new'") == 3
    synced.crm.before_page = lambda _query, _number: None
    used(synced.crm.budget, 10)
    synced.sync()
    assert synced.one("SELECT COUNT(*) FROM person WHERE title = 'new'") == 9


def test_it_is_told_when_calls_will_be_free(synced: Engine) -> None:
    """Our own calls are free again a day after they were made."""
    first = synced.crm.clock.now()
    synced.crm.clock.advance(timedelta(hours=20))
    used(synced.crm.budget, 721)
    assert f"at about {stamp(first + timedelta(hours=24))}" in cut_short(synced)


def test_one_error_and_one_notice_tell_it_all(synced: Engine) -> None:
    """Not one for each object, and the figures of the day are kept for `status`."""
    used(synced.crm.budget, 725)
    cut_short(synced)
    assert synced.sql("SELECT level, code FROM crmsync_error") == [("job", "quota")]
    assert synced.one("SELECT COUNT(*) FROM crmsync_notice WHERE kind <> 'first load'") == 1
    told = synced.use(lambda connection: connection.report(report.quota))
    assert told is not None
    assert (told["used"], told["limit"]) == (725, 1000)


def test_what_a_person_has_read_leaves_calls_to_pushes_too(synced: Engine) -> None:
    """A verification and a refresh read as a pull does."""
    used(synced.crm.budget, 725)
    with pytest.raises(QuotaKept, match="not for pulls"):
        synced.verify()
    with pytest.raises(QuotaKept, match="not for pulls"):
        synced.use(lambda connection: connection.refresh(["Lead.Title"]))


def test_the_parts_can_be_set(engine: Engine) -> None:
    """A connection whose pulls may use no more than half of the share."""
    one = Engine(engine.path, engine.crm, quota_pulls=0.5, quota_pushes=0.6)
    used(engine.crm.budget, 401)
    assert "not read" in cut_short(one)
