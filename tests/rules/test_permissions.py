"""The sync takes part in what its log-in may see, and in nothing else; `check` tells before the first sync."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crmsync.errors import ConnectionStopped
from crmsync.model import Finding, Level
from crmsync_salesforce.routes import ROUTES
from crmsync_salesforce.simulator import Server
from support.records import columns, edit_first, ids, listed, step, value
from support.simulated import Simulated


def seen(sim: Simulated, name: str) -> list[str]:
    """The ids of the records that the sync's user may see."""
    rights = sim.org.user(sim.user)
    table = sim.org.state.tables[name]
    return sorted(one for one, row in table.by_id.items() if table.live(row) and rights.sees_row(name, row))


def check(sim: Simulated, topic: str = "") -> list[Finding]:
    """What `check` finds of one topic, but for what is well."""
    found = sim.use(lambda connection: connection.check())
    return [one for one in found if one.level is not Level.OK and one.topic == (topic or one.topic)]


@pytest.mark.rule("R-243")
def test_only_what_the_log_in_sees_takes_part(tmp_path: Path) -> None:
    """A restricted user: exactly its objects, records and fields arrive, and nothing else is asked for."""
    sim = Simulated(tmp_path / "m.db", user="restricted")
    asked: list[str] = []

    def watch(server: Server) -> None:
        answer = server._answer

        def noted(request: Any, call: Any) -> Any:
            asked.extend(str(text) for text in (call.path, *call.query.values(), call.body))
            return answer(request, call)

        server._answer = noted  # type: ignore[method-assign]

    sim.faults = watch
    sim.sync()
    for name, kind in (("Lead", "lead"), ("Contact", "contact")):
        here = sorted(row[0] for row in sim.sql("SELECT crm_id FROM person WHERE crm_type = ?", kind))
        assert here == seen(sim, name) != sorted(ids(sim, name))
    assert [row[0] for row in sim.sql("SELECT crm_id FROM account ORDER BY crm_id")] == seen(sim, "Account")
    tables = {row[0] for row in sim.sql("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert not {"opportunity", "opportunity_role"} & tables
    mapped = {f"{one}.{two}" for one, two in sim.sql("SELECT object, field FROM crmsync_field")}
    assert not {"Account.Type", "Contact.Phone", "Contact.Title", "Contact.Budget__c", "Lead.Phone"} & mapped
    queries = [one for one in asked if one.startswith("SELECT")]
    assert queries
    assert not [one for one in queries if "FROM Opportunity" in one]
    assert not [one for one in queries if "FROM Lead" in one and "Budget__c" in one]
    assert sim.verify().ok


@pytest.mark.rule("R-244")
def test_a_record_out_of_sight_is_not_read(sim: Simulated) -> None:
    """Its changes cost nothing."""
    hidden = ids(sim, "Lead")[0]
    sim.org.hide_record("full", hidden)
    sim.sync()
    idle = (sim.sync(), sim.calls)[1]
    sim.later()
    sim.org.update("Lead", hidden, {"Title": "CTO"})
    found = step(sim.sync(), "Lead")
    assert (found["new"], found["updated"], found["skipped"]) == (0, 0, 0)
    assert sim.calls == idle
    assert sim.sql("SELECT 1 FROM person WHERE crm_id = ?", hidden) == []


@pytest.mark.rule("R-258")
def test_a_person_whose_record_went_out_of_sight_is_kept(sim: Simulated) -> None:
    """As it is, without a flag; verify lists it as explained."""
    sim.sync()
    hidden = ids(sim, "Lead")[0]
    before = sim.sql("SELECT * FROM person")
    sim.org.hide_record("full", hidden)
    sim.sync()
    assert sim.sql("SELECT * FROM person") == before
    found = sim.verify()
    assert found.ok
    assert [(one["crm_id"], "R-258" in one["rule"]) for one in found.explained] == [(hidden, True)]
    sim.org.hide_record("full", hidden, hidden=False)
    sim.later()
    sim.org.update("Lead", hidden, {"Title": "back"})
    sim.sync()
    assert value(sim, "title", hidden) == "back"


@pytest.mark.rule("R-245")
def test_the_least_privileged_user_will_do(tmp_path: Path) -> None:
    """Nothing stops it; rights on templates and documents are never asked for."""
    sim = Simulated(tmp_path / "m.db", user="minimum")
    found = check(sim)
    assert [one for one in found if one.level is Level.STOP] == []
    assert not [one for one in found if "emplate" in one.grant or "ocument" in one.grant]
    assert sim.sync().status == "succeeded"


@pytest.mark.rule("R-245")
def test_without_the_api_check_says_what_to_grant(sim: Simulated) -> None:
    """An org or profile without API access ends it with the name of the right."""
    body = [{"errorCode": "API_DISABLED_FOR_ORG", "message": "The REST API is not enabled for this Organization."}]
    sim.faults = lambda server: server.faults.plant({"status": 403, "body": body}, path="/services/data/v")
    with pytest.raises(ConnectionStopped) as caught:
        check(sim)
    assert "API Enabled" in caught.value.hint


@pytest.mark.rule("R-246")
def test_check_names_object_right_and_effect(sim: Simulated) -> None:
    """An object that may not be read stops alone; one that may not be written is read."""
    sim.org.hide_object("full", "Opportunity")
    sim.org.user("full").fixed_objects |= {"Lead"}
    (stop,) = [one for one in check(sim) if one.level is Level.STOP]
    assert (stop.topic, "Read" in stop.grant, "Opportunity" in stop.grant) == ("Opportunity", True, True)
    writing, deleting = [one.grant for one in check(sim, "Lead")]
    assert ('"Create" and "Edit" on Lead' in writing, '"Delete" on Lead' in deleting) == (True, True)
    summary = sim.sync()
    assert summary.status == "failed"
    assert step(summary, "Opportunity", "sync schema")["status"] == "failed"
    assert sim.one("SELECT COUNT(*) FROM person") == 30
    assert {one["status"] for one in summary.steps if one["object"] != "Opportunity"} == {"succeeded"}


@pytest.mark.rule("R-246")
def test_check_tells_what_may_be_pushed(tmp_path: Path) -> None:
    """How many fields, and whether records may be made, changed and deleted; one-way objects say nothing of it."""

    def told(user: str) -> dict[str, str]:
        sim = Simulated(tmp_path / f"{user}.db", user=user)
        return {one.topic: one.message for one in sim.use(lambda connection: connection.check()) if not one.grant}

    full, restricted = told("full"), told("restricted")
    assert "of them both ways; records may be made, changed, deleted there" in full["Lead"]
    assert "of them both ways; records may be made, changed there" in restricted["Lead"]
    assert "both ways" not in full["Account"]
    assert "both ways" not in restricted["Campaign"]


@pytest.mark.rule("R-251")
def test_only_what_is_pushed_has_to_be_writable(tmp_path: Path) -> None:
    """The least user: an e-mail address goes to the CRM, a title stays here, and check lists what to grant."""
    sim = Simulated(tmp_path / "m.db", user="minimum")
    grants = [one.grant for one in check(sim, "Lead") if "R-251" in one.message]
    assert len(grants) == 1
    named = set(grants[0].removeprefix("edit access to ").split(", "))
    assert {"Lead.Title", "Lead.Phone", "Lead.Budget__c"} <= named
    assert not {"Lead.Email", "Lead.LastName", "Lead.Status", "Lead.Company"} & named
    sim.sync()
    lead = ids(sim, "Lead")[0]
    sim.sql("UPDATE person SET email = 'new@x.example', title = 'mine' WHERE crm_id = ?", lead)
    assert sim.sync().status == "succeeded"
    there = sim.org.get("Lead", lead) or {}
    assert (there["Email"], there["Title"] == "mine", value(sim, "title", lead)) == ("new@x.example", False, "mine")


@pytest.mark.rule("R-245", "R-246")
def test_the_permission_set_gives_what_these_credentials_lack(tmp_path: Path) -> None:
    """Printed with the least rights it grants the same as printed with all of them."""

    def printed(user: str, **settings: Any) -> str:
        sim = Simulated(tmp_path / f"{user}{len(settings)}.db", user=user, **settings)
        sim.org.user("full").fixed_objects |= {"Contact"}
        disabled = [name for name, kind in sim.org.state.objects.items() if kind.custom]
        for name in disabled:
            sim.org.hide_object(None, name)
        return sim.use(lambda connection: connection.permission_set())

    least = printed("minimum")
    assert least == printed("full")
    assert "<field>Lead.Title</field>" in least
    assert "ConvertLeads" in least
    used = printed("full", activities=["Email Opened"])
    assert "<editable>true</editable>\n        <field>Task.Description</field>" in used
    assert "<editable>false</editable>\n        <field>Task.Description</field>" in least


@pytest.mark.rule("R-247")
def test_wanted_fields_are_missed_and_not_needed(sim: Simulated) -> None:
    """Account type and a field of events: a warning each, and the sync goes on without the columns' values."""
    sim.org.hide_field("full", "Account", "Type")
    sim.org.hide_field("full", "Event", "Location")
    told = {one.topic: (one.level, one.grant) for one in check(sim) if one.topic in ("Account", "Event")}
    assert told == {
        "Account": (Level.WARN, "read access to Account.Type"), "Event": (Level.WARN, "read access to Event.Location"),
    }  # fmt: skip
    assert sim.sync().status == "succeeded"
    assert sim.sql("SELECT COUNT(name) > 0, COUNT(company_type) FROM account") == [(1, 0)]


@pytest.mark.rule("R-248")
def test_what_describe_does_not_show_is_not_there(sim: Simulated) -> None:
    """Hidden from one profile, or from everybody, as page layouts do in some editions."""
    sim.org.hide_field("full", "Lead", "Budget__c")
    sim.org.hide_field("full", "Contact", "Budget__c")
    for name in ("Event", "Task"):
        sim.org.add_field(name, {"name": "Room__c"})
        sim.org.hide_field(None, name, "Room__c")
    edit_first(sim, "Lead", {"Budget__c": 5})
    sim.sync()
    assert "budget__c" not in columns(sim)
    assert "room__c" not in columns(sim, "crm_activity")
    assert not [one for one in listed(sim) if one.endswith(("Budget__c", "Room__c")) and "Campaign" not in one]


REQUIRED = {
    "Lead": "IsConverted ConvertedDate ConvertedAccountId ConvertedContactId ConvertedOpportunityId Status OwnerId "
    "IsDeleted MasterRecordId Id SystemModstamp CreatedDate Name Email Company",
    "Contact": "AccountId OwnerId IsDeleted MasterRecordId Id SystemModstamp CreatedDate Name Email",
    "Account": "OwnerId IsDeleted MasterRecordId Id SystemModstamp CreatedDate ParentId Name",
    "User": "CreatedDate Email Id ManagerId SystemModstamp UserType",
    "Opportunity": "Id IsDeleted SystemModstamp AccountId CampaignId CreatedDate IsClosed IsPrivate IsWon Name OwnerId "
    "Probability StageName LastModifiedDate",
    "OpportunityContactRole": "ContactId CreatedDate Id IsDeleted IsPrimary OpportunityId SystemModstamp",
    "Campaign": "Id IsDeleted SystemModstamp CampaignMemberRecordTypeId CreatedDate IsActive Name OwnerId ParentId "
    "Status Type",
}
"""The fields without which the original refuses to sync an object."""
NEEDED = {"OpportunityContactRole": {"ContactId", "OpportunityId"}}


@pytest.mark.rule("R-250")
@pytest.mark.parametrize("name", list(REQUIRED))
def test_few_fields_can_stop_an_object(sim: Simulated, name: str) -> None:
    """Of those that stop the original only the id, the stamp and parent keys; every other one is a warning."""
    present = sim.org.state.objects[name].fields
    wanted = [one for one in REQUIRED[name].split() if one in present]
    assert len(wanted) >= len(REQUIRED[name].split()) - 1

    async def look(connection: Any) -> dict[str, list[Level]]:
        found: dict[str, list[Level]] = {}
        for one in wanted:
            sim.org.hide_field("full", name, one)
            told = [say for say in await connection.check() if say.topic == name and f"{name}.{one}" in say.grant]
            found[one] = [say.level for say in told]
            sim.org.hide_field("full", name, one, hidden=False)
        return found

    stops = {"Id", "SystemModstamp"} | NEEDED.get(name, set())
    assert sim.use(look) == {one: [Level.STOP if one in stops else Level.WARN] for one in wanted}


@pytest.mark.rule("R-250")
def test_an_object_without_its_wanted_fields_syncs(sim: Simulated) -> None:
    """Leads of which nothing but id and stamp is left to the vendor's list arrive, and change."""
    route = next(one for one in ROUTES if one.object == "Lead")
    for one in route.wanted:
        sim.org.hide_field("full", "Lead", one)
    assert sim.sync().status == "succeeded"
    sim.later()
    crm_id = edit_first(sim, "Lead", {"Title": "CTO"})
    sim.sync()
    assert value(sim, "title", crm_id) == "CTO"
    assert sim.one("SELECT COUNT(*) FROM person WHERE crm_type = 'lead'") == 10
