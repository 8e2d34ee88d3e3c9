"""A person sent to the CRM at a marketer's wish: made there once, owned by whom they name, sent again when edited."""

from __future__ import annotations

import pytest

from crmsync.settings import DefaultSettings
from support.marketer import ask, ask_all, local
from support.records import everything, ids, person, there
from support.simulated import Simulated

QUEUE = "Partner Queue"


@pytest.fixture
def synced(sim: Simulated) -> Simulated:
    """After the first load."""
    sim.sync()
    return sim


def leads(sim: Simulated) -> set[str]:
    """The living leads."""
    return set(ids(sim, "Lead"))


@pytest.mark.rule("R-054")
def test_a_person_of_this_side_becomes_a_lead_at_once(synced: Simulated) -> None:
    """With all values that may move, without a cycle; the next cycle changes nothing and both sides agree."""
    before = leads(synced)
    row = local(synced, last_name="Roe", first_name="Ann", company="Roe Ltd", email="ann@roe.example", score=7)
    told = ask(synced, "sync_person", row)
    assert told.ok, told
    (made,) = leads(synced) - before
    assert told.crm_id == made
    fields = ("LastName", "FirstName", "Company", "Email", "mkto71_Lead_Score__c")
    assert there(synced, "Lead", made, *fields) == ("Roe", "Ann", "Roe Ltd", "ann@roe.example", 7)
    assert synced.sql("SELECT crm_id, crm_type FROM person WHERE id = ?", row) == [(made, "lead")]
    synced.sync()
    assert person(synced, made) == row
    assert leads(synced) - before == {made}
    assert synced.verify().ok


@pytest.mark.rule("R-055", "R-056")
@pytest.mark.parametrize("name", ["Lead", "Contact"])
def test_the_edits_of_a_record_are_sent_at_once(synced: Simulated, name: str) -> None:
    """Without a cycle, and nothing else is made."""
    crm_id, before = ids(synced, name)[0], everything(synced)
    synced.sql("UPDATE person SET title = 'Chief', phone = '1' WHERE crm_id = ?", crm_id)
    told = ask(synced, "sync_person", person(synced, crm_id))
    assert told.ok, told
    assert "phone, title" in told.outcome
    assert there(synced, name, crm_id, "Title", "Phone") == ("Chief", "1")
    after = everything(synced)
    assert {one: len(rows) for one, rows in after.items()} == {one: len(rows) for one, rows in before.items()}
    again = ask(synced, "sync_person", person(synced, crm_id))
    assert (again.ok, "Nothing" in again.outcome) == (True, True)


@pytest.mark.rule("R-057")
def test_the_rules_of_the_crm_choose_the_owner_unless_told_not_to(synced: Simulated) -> None:
    """By default the assignment rules run; without them the lead is the integration user's."""
    rows = [local(synced, last_name=f"Roe {n}", company="Roe") for n in (1, 2)]
    by_rule = ask(synced, "sync_person", rows[0])
    by_us = ask(synced, "sync_person", rows[1], assign=False)
    assert there(synced, "Lead", str(by_rule.crm_id), "OwnerId") == synced.org.state.people.lead_owner
    assert there(synced, "Lead", str(by_us.crm_id), "OwnerId") == synced.org.user("full").user_id


@pytest.mark.rule("R-058")
@pytest.mark.parametrize("how", ["id", "username", "queue"])
def test_the_owner_may_be_named(synced: Simulated, how: str) -> None:
    """A user or a queue, by id or by name."""
    user, queue = ids(synced, "User")[-1], ids(synced, "Group")[1]
    name = {"id": user, "username": there(synced, "User", user, "Username"), "queue": QUEUE}[how]
    told = ask(synced, "sync_person", local(synced, last_name="Roe", company="Roe"), owner=name)
    assert told.ok, told
    assert there(synced, "Lead", str(told.crm_id), "OwnerId") == (queue if how == "queue" else user)


def test_an_owner_that_nobody_knows_is_refused(synced: Simulated) -> None:
    """With what is near; nothing is made."""
    before = leads(synced)
    told = ask(synced, "sync_person", local(synced, last_name="Roe", company="Roe"), owner="Partner Queu")
    assert (told.state, told.code) == ("refused", "owner")
    assert "Did you mean Partner Queue?" in told.outcome
    assert leads(synced) == before


@pytest.mark.rule("R-059")
@pytest.mark.parametrize("queue", [False, True])
def test_a_lead_goes_to_the_owner_that_is_named(synced: Simulated, queue: bool) -> None:
    """Another user, or a queue."""
    lead = ids(synced, "Lead")[0]
    owner = ids(synced, "Group")[1] if queue else ids(synced, "User")[-2]
    assert ask(synced, "sync_person", person(synced, lead), owner=owner).ok
    assert there(synced, "Lead", lead, "OwnerId") == owner
    synced.sync()
    assert synced.verify().ok


@pytest.mark.rule("R-060")
def test_a_contact_for_a_queue_is_a_second_lead_when_told_so(synced: Simulated) -> None:
    """Else it is refused in words; the second lead is a person of its own from the next pull on."""
    contact, before = ids(synced, "Contact")[0], leads(synced)
    row = person(synced, contact)
    told = ask(synced, "sync_person", row, owner=QUEUE)
    assert (told.state, told.code) == ("refused", "queue")
    assert contact in told.outcome
    assert leads(synced) == before
    told = ask(synced, "sync_person", row, owner=QUEUE, duplicate=True)
    assert told.ok, told
    (lead,) = leads(synced) - before
    assert lead in told.outcome
    assert there(synced, "Lead", lead, "OwnerId") == ids(synced, "Group")[1]
    assert there(synced, "Lead", lead, "LastName") == there(synced, "Contact", contact, "LastName")
    synced.sync()
    assert (person(synced, contact) == row, person(synced, lead) == row) == (True, False)
    assert synced.verify().ok


@pytest.mark.rule("R-061", "R-332")
def test_without_last_name_or_company_the_crm_refuses(synced: Simulated) -> None:
    """An error with the person, the CRM's own words, and what to do; told on the person, and nothing is linked."""
    row = local(synced, email="ann@roe.example")
    told = ask(synced, "sync_person", row)
    assert (told.state, told.code) == ("refused", "REQUIRED_FIELD_MISSING")
    assert "no last_name and no company" in told.outcome
    assert synced.sql("SELECT row_id, code FROM crmsync_error") == [(row, "REQUIRED_FIELD_MISSING")]
    ((kind, reason),) = synced.sql("SELECT kind, reason FROM activity WHERE person_id = ?", row)
    assert kind == "CRM Sync Refused"
    assert "Company" in reason
    assert synced.one("SELECT crm_id FROM person WHERE id = ?", row) is None


@pytest.mark.rule("R-062", "R-063", "R-064")
def test_defaults_fill_only_what_is_missing_and_only_at_first(synced: Simulated) -> None:
    """They come back with the pull like any value of the CRM; a value lost later is not replaced."""
    synced.given["defaults"] = DefaultSettings(last_name="Unknown", company="None")
    told = ask(synced, "sync_person", row := local(synced, last_name="Roe"))
    lead = str(told.crm_id)
    assert there(synced, "Lead", lead, "LastName", "Company") == ("Roe", "None")
    assert synced.sql("SELECT last_name, company FROM person WHERE id = ?", row) == [("Roe", None)]
    synced.sync()
    assert synced.sql("SELECT last_name, company FROM person WHERE id = ?", row) == [("Roe", "None")]
    synced.sql("UPDATE person SET company = NULL, title = 'x' WHERE id = ?", row)
    told = ask(synced, "sync_person", row)
    assert told.state == "refused"
    assert there(synced, "Lead", lead, "Company", "Title") == ("None", "x")


@pytest.mark.rule("R-072")
def test_many_share_the_calls(synced: Simulated) -> None:
    """Forty persons cost as many writes as one."""
    rows = [local(synced, last_name=f"Roe {n}", company="Roe") for n in range(41)]
    assert ask(synced, "sync_person", rows[0]).ok
    one = synced.calls
    told = ask_all(synced, "sync_person", rows[1:])
    assert all(each.ok for each in told)
    assert len({each.crm_id for each in told}) == 40
    assert synced.calls == one


@pytest.mark.rule("R-317")
def test_a_deleted_lead_is_made_anew(synced: Simulated) -> None:
    """The person stands for the new one; the old id stays a former one."""
    lead, before = ids(synced, "Lead")[0], leads(synced)
    row = person(synced, lead)
    synced.later()
    synced.org.delete("Lead", lead)
    synced.sync()
    told = ask(synced, "sync_person", row)
    (made,) = leads(synced) - before
    assert told.crm_id == made
    assert synced.sql("SELECT crm_id, crm_is_deleted FROM person WHERE id = ?", row) == [(made, 0)]
    assert person(synced, lead) == row
    synced.sync()
    assert synced.verify().ok
    synced.later()
    synced.org.undelete("Lead", lead)
    synced.sync()
    assert person(synced, lead) != row
    assert synced.verify().ok


def test_a_lead_that_the_crm_takes_for_a_duplicate_is_saved_when_told_so(synced: Simulated) -> None:
    """A rule that only warns refuses until somebody wants the lead all the same."""
    synced.org.state.settings.duplicate_rule = "alert"
    email = next(one["Email"] for one in synced.org.records("Lead") if one["Email"])
    row = local(synced, last_name="Roe", company="Roe", email=email)
    told = ask(synced, "sync_person", row)
    assert (told.state, told.code) == ("refused", "DUPLICATES_DETECTED")
    assert ask(synced, "sync_person", row, save_duplicates=True).ok


def test_a_value_that_the_crm_would_refuse_is_found_before(synced: Simulated) -> None:
    """Too long: nothing leaves, and the column is named."""
    row = local(synced, last_name="R" * 200, company="Roe")
    told = ask(synced, "sync_person", row)
    assert (told.state, told.code) == ("refused", "value")
    assert "last_name" in told.outcome
    assert "80" in told.outcome


@pytest.mark.rule("R-036")
def test_actions_are_done_while_the_sync_is_disabled(synced: Simulated) -> None:
    """Nothing moves by itself, and what is asked for is done."""
    synced.use(lambda connection: connection.disable())
    told = ask(synced, "sync_person", local(synced, last_name="Roe", company="Roe"))
    assert told.ok
    assert told.crm_id in leads(synced)


@pytest.mark.rule("R-122")
@pytest.mark.parametrize("wanted", [False, True])
def test_the_owner_hears_of_it_only_where_the_settings_say_so(synced: Simulated, wanted: bool) -> None:
    """No mail unless `owner_mail` is on."""
    synced.given["owner_mail"] = wanted
    told = ask(synced, "sync_person", local(synced, last_name="Roe", company="Roe"), owner=ids(synced, "User")[-1])
    assert told.ok, told
    assert synced.org.state.mails == ([(ids(synced, "User")[-1], told.crm_id)] if wanted else [])


def test_without_the_right_to_make_leads_it_says_what_to_grant(sim: Simulated) -> None:
    """Nothing is sent."""
    sim.org.user("full").fixed_objects.add("Lead")
    sim.sync()
    told = ask(sim, "sync_person", local(sim, last_name="Roe", company="Roe"))
    assert told.state == "refused"
    assert "Lead" in told.outcome
    assert sim.one("SELECT COUNT(*) FROM crmsync_intent") == 0


def test_before_the_first_sync_there_is_nobody_to_send(sim: Simulated) -> None:
    """Said in words, whatever is asked for."""
    sim.use(lambda connection: connection.opened.store())
    told = ask(sim, "sync_person", 1)
    assert (told.state, told.code) == ("refused", "settings")
    assert "crmsync sync" in told.outcome
