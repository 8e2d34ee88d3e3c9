"""Programs and the campaigns they are linked to, over HTTP against the simulated org."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from crmsync.errors import CrmsyncError, RouteStopped, SettingsError
from support.records import ids, person, step, value
from support.simulated import Simulated

SENT, CAME = "Sent", "Responded"  # the statuses of every campaign of the org


def program(sim: Simulated, *labels: str, name: str = "Webinar") -> int:
    """Any program makes a program with these statuses, in the order of their steps."""
    sim.sql("INSERT INTO program (name) VALUES (?)", name)
    number = int(sim.one("SELECT id FROM program WHERE name = ?", name))
    for place, label in enumerate(labels, 1):
        sim.sql("INSERT INTO program_status (program_id, label, step) VALUES (?, ?, ?)", number, label, place)
    return number


def campaign(sim: Simulated, name: str = "Spring", *labels: str) -> str:
    """Somebody makes a campaign with these statuses in the CRM, where it has no members yet."""
    made = sim.org.create("Campaign", {"Name": name})
    for place, label in enumerate(labels or (SENT, CAME), 1):
        values = {"CampaignId": made, "Label": label, "SortOrder": place, "IsDefault": place == 1}
        sim.org.create("CampaignMemberStatus", {**values, "HasResponded": place > 1})
    return made


def link(sim: Simulated, name: str = "Webinar", to: str = "Spring") -> dict[str, Any]:
    """`crmsync campaign link`."""
    return sim.use(lambda connection: connection.programs.link(name, to))


def joins(sim: Simulated, row: int, status: str | None = None) -> None:
    """Any program makes a person a member of the first program."""
    sim.sql("INSERT INTO program_member (program_id, person_id, status) VALUES (1, ?, ?)", row, status)


def here(sim: Simulated) -> dict[str | None, str]:
    """The members of the first program, by the person's id in the CRM."""
    sql = "SELECT p.crm_id, m.status FROM program_member m JOIN person p ON p.id = m.person_id WHERE m.program_id = 1"
    return dict(sim.sql(sql))


def there(sim: Simulated, of: str) -> dict[str, str]:
    """The members of a campaign in the CRM, by the person's id."""
    held = [one for one in sim.org.records("CampaignMember") if one["CampaignId"] == of]
    return {one["ContactId"] or one["LeadId"]: one["Status"] for one in held}


def member(sim: Simulated, of: str, who: str) -> str:
    """The id of somebody's membership in the CRM."""
    held = sim.org.records("CampaignMember")
    return next(str(one["Id"]) for one in held if one["CampaignId"] == of and who in (one["LeadId"], one["ContactId"]))


@pytest.fixture
def fair(sim: Simulated) -> tuple[Simulated, str]:
    """A program linked to a campaign, without members."""
    of = campaign(sim)
    sim.sync()
    program(sim, SENT, CAME)
    link(sim)
    sim.sync()
    return sim, of


@pytest.mark.rule("R-141")
def test_campaigns_that_are_left_out_are_not_on_offer(tmp_path: Path) -> None:
    """No program can be linked to one; the message says how to have them."""
    names = ["Campaign", "CampaignMember", "CampaignMemberStatus"]
    sim = Simulated(tmp_path / "m.db", objects={"disable": names})
    campaign(sim)
    sim.sync()
    program(sim, SENT, CAME)
    for work in (link, lambda sim: sim.use(lambda connection: connection.programs.create("Webinar"))):
        with pytest.raises(SettingsError, match=r"objects\.disable"):
            work(sim)


@pytest.mark.rule("R-142")
def test_without_the_marketing_flag_no_program_is_linked_and_the_message_says_what_to_tick(tmp_path: Path) -> None:
    """Neither to a campaign that is there nor to a new one; once it is ticked, it works."""
    sim = Simulated(tmp_path / "m.db", user="minimum")
    of = campaign(sim)
    sim.sync()
    program(sim, SENT, CAME)
    before = sim.org.count("Campaign")
    for work in (link, lambda sim: sim.use(lambda connection: connection.programs.create("Webinar"))):
        with pytest.raises(RouteStopped, match='Tick "Marketing User"'):
            work(sim)
    assert sim.org.count("Campaign") == before
    sim.user = "full"
    sim.sync()
    assert link(sim)["campaign_crm_id"] == of


@pytest.mark.rule("R-143")
def test_one_program_has_one_campaign(fair: tuple[Simulated, str]) -> None:
    """The commands say so, and the database holds it, whatever program tries."""
    sim, of = fair
    campaign(sim, "Autumn")
    sim.sync()
    program(sim, SENT, CAME, name="Other")
    with pytest.raises(CrmsyncError, match=r"linked to campaign .* already; it has one"):
        link(sim, to="Autumn")
    with pytest.raises(CrmsyncError, match="linked to the program 'Webinar' already; it has one"):
        link(sim, "Other", "Spring")
    with pytest.raises(sqlite3.IntegrityError, match="crmsync campaign link"):
        sim.sql("UPDATE program SET campaign_crm_id = ? WHERE name = 'Other'", of)
    with pytest.raises(sqlite3.IntegrityError, match=r"UNIQUE.*campaign_crm_id"):
        sim.sql("INSERT INTO crmsync_program (program_id, campaign_crm_id, linked_at) VALUES (2, ?, '')", of)
    assert sim.sql("SELECT campaign_crm_id FROM program ORDER BY id") == [(of,), (None,)]


@pytest.mark.rule("R-144", "R-145")
def test_channel_and_period_cost_go_to_the_campaign_and_never_come_back(fair: tuple[Simulated, str]) -> None:
    """As its type and its actual cost; what the CRM makes of them stays with the campaign."""
    sim, of = fair
    sim.sql("UPDATE program SET channel = 'Webinar', period_cost = 1200")
    sim.sync()
    held = sim.org.get("Campaign", of) or {}
    assert (held["Type"], held["ActualCost"]) == ("Webinar", 1200)
    sim.later()
    sim.org.update("Campaign", of, {"Type": "Conference", "ActualCost": 7})
    sim.sync()
    assert sim.sql("SELECT channel, period_cost FROM program") == [("Webinar", 1200)]
    assert (value(sim, "campaign_type", of, "campaign"), value(sim, "actual_cost", of, "campaign")) == ("Conference", 7)
    assert (sim.org.get("Campaign", of) or {})["Type"] == "Conference"
    assert sim.verify().ok


@pytest.mark.rule("R-146", "R-148", "R-161")
def test_membership_and_status_go_both_ways(fair: tuple[Simulated, str]) -> None:
    """Joined, changed and left, each within a cycle, with the counts of the step; then nothing is left to do."""
    sim, of = fair
    lead, contact = ids(sim, "Lead")[0], ids(sim, "Contact")[0]
    joins(sim, person(sim, lead))
    sim.org.create("CampaignMember", {"CampaignId": of, "ContactId": contact, "Status": CAME})
    counted = step(sim.sync(), "Campaign", "sync with program")
    assert (counted["new"], counted["failed"]) == (2, 0)
    assert here(sim) == there(sim, of) == {lead: SENT, contact: CAME}
    sim.sql("UPDATE program_member SET status = ? WHERE person_id = ?", CAME, person(sim, lead))
    counted = step(sim.sync(), "Campaign", "sync with program")
    assert counted["updated"] == 1
    assert here(sim) == there(sim, of) == {lead: CAME, contact: CAME}
    sim.later()
    sim.sql("DELETE FROM program_member WHERE person_id = ?", person(sim, lead))
    sim.org.delete("CampaignMember", member(sim, of, contact))
    counted = step(sim.sync(), "Campaign", "sync with program")
    assert counted["deleted"] == 2
    assert here(sim) == there(sim, of) == {}
    assert step(sim.sync(), "Campaign", "sync with program")["updated"] == 0
    assert sim.verify().ok


@pytest.mark.rule("R-147")
def test_a_member_whom_the_crm_does_not_have_becomes_a_lead_and_a_member_there(fair: tuple[Simulated, str]) -> None:
    """Once, in the same cycle."""
    sim, of = fair
    sim.sql("INSERT INTO person (last_name, company, email) VALUES ('Roe', 'Roe Ltd', 'roe@example.org')")
    row = int(sim.one("SELECT id FROM person WHERE email = 'roe@example.org'"))
    before = sim.org.count("Lead")
    joins(sim, row, CAME)
    sim.sync()
    sim.sync()
    assert sim.org.count("Lead") == before + 1
    crm_id = sim.one("SELECT crm_id FROM person WHERE id = ?", row)
    assert (sim.org.get("Lead", crm_id) or {})["Company"] == "Roe Ltd"
    assert here(sim) == there(sim, of) == {crm_id: CAME}


@pytest.mark.rule("R-149", "R-150")
def test_no_link_while_the_statuses_differ_and_after_a_correction_it_works(sim: Simulated) -> None:
    """What differs and the three ways out are told; renamed in the CRM, changed here, or with another campaign."""
    lead = ids(sim, "Lead")[0]
    of = campaign(sim, "Spring", SENT, CAME, "Bounced")
    campaign(sim, "Autumn", SENT, "Seen")
    sim.org.create("CampaignMember", {"CampaignId": of, "LeadId": lead, "Status": "Bounced"})
    sim.sync()
    program(sim, SENT, "Seen")
    with pytest.raises(CrmsyncError) as refused:
        link(sim)
    said = str(refused.value)
    assert "the program alone has 'Seen'; the campaign alone has 'Responded', 'Bounced'" in said
    assert "1 member of the campaign is in 'Bounced'" in said
    assert "Rename or remove statuses of the campaign in the CRM" in said
    assert link(sim, to="Autumn")["state"] == "linked"
    sim.use(lambda connection: connection.programs.unlink("Webinar"))
    sim.sql("UPDATE program_status SET label = ? WHERE label = 'Seen'", CAME)
    sim.later()
    sim.org.update("CampaignMember", member(sim, of, lead), {"Status": SENT})
    (surplus,) = [str(one["Id"]) for one in sim.org.records("CampaignMemberStatus") if one["Label"] == "Bounced"]
    sim.org.delete("CampaignMemberStatus", surplus)
    sim.sync()
    assert link(sim)["state"] == "linked"
    sim.sync()
    assert here(sim) == {lead: SENT}


@pytest.mark.rule("R-151")
def test_a_campaign_is_made_from_the_program_and_linked(sim: Simulated) -> None:
    """With the given name and exactly the program's statuses; members follow with the next cycle."""
    sim.sync()
    lead = ids(sim, "Lead")[0]
    program(sim, "Invited", "Came")
    sim.sql("UPDATE program SET channel = 'Webinar'")
    joins(sim, person(sim, lead), "Invited")
    done = sim.use(lambda connection: connection.programs.create("Webinar", "Webinar in May"))
    held = sim.org.get("Campaign", done["campaign_crm_id"]) or {}
    assert (held["Name"], held["Type"], done["state"]) == ("Webinar in May", "Webinar", "linked")
    statuses = [one for one in sim.org.records("CampaignMemberStatus") if one["CampaignId"] == held["Id"]]
    assert {one["Label"]: one["IsDefault"] for one in statuses} == {"Invited": True, "Came": False}
    sim.sync()
    assert there(sim, held["Id"]) == {lead: "Invited"}
    sim.sql("UPDATE program_member SET status = 'Came'")
    sim.sync()
    assert there(sim, held["Id"]) == {lead: "Came"}
    assert sim.verify().ok


@pytest.mark.rule("R-156", "R-157")
def test_nobody_moves_backwards_in_a_program_whatever_the_campaign_says(fair: tuple[Simulated, str]) -> None:
    """A step back here is ignored; one in the CRM is shown on `campaign_member` and not pushed back."""
    sim, of = fair
    lead = ids(sim, "Lead")[0]
    joins(sim, person(sim, lead), CAME)
    sim.sync()
    sim.sql("UPDATE program_member SET status = ?", SENT)
    sim.sync()
    assert here(sim) == there(sim, of) == {lead: CAME}
    sim.later()
    one = member(sim, of, lead)
    sim.org.update("CampaignMember", one, {"Status": SENT})
    counted = step(sim.sync(), "Campaign", "sync with program")
    assert counted["skipped"] == 1
    assert (here(sim), there(sim, of)) == ({lead: CAME}, {lead: SENT})
    assert value(sim, "status", one, "campaign_member") == SENT
    sim.sync()
    assert (here(sim), there(sim, of)) == ({lead: CAME}, {lead: SENT})
    sim.sql("UPDATE program_status SET step = 1")
    sim.later()
    sim.org.update("CampaignMember", one, {"Status": CAME})
    sim.sync()
    sim.later()
    sim.org.update("CampaignMember", one, {"Status": SENT})
    sim.sync()
    assert here(sim) == {lead: SENT}, "on equal steps they alternate"


def fielded(tmp_path: Path, **fields: str) -> tuple[Simulated, str, str]:
    """A linked program with one member, and a column joined to a custom field of campaign members."""
    sim = Simulated(tmp_path / "m.db", programs={"member_fields": fields or {"shirt": "CampaignMember.Shirt__c"}})
    for name, kind in (("Shirt__c", "string:40"), ("Guests__c", "double:4,0")):
        sim.org.add_field("CampaignMember", f"{name} {kind} CUN-P-FSG")
    of, lead = campaign(sim), ids(sim, "Lead")[0]
    sim.org.create("CampaignMember", {"CampaignId": of, "LeadId": lead, "Status": SENT, "Shirt__c": "before"})
    sim.sync()
    program(sim, SENT, CAME)
    link(sim)
    sim.sync()
    return sim, of, lead


@pytest.mark.rule("R-158")
def test_joined_columns_go_both_ways_from_then_on(tmp_path: Path) -> None:
    """Values that were there before stay where they are."""
    sim, of, lead = fielded(tmp_path)
    one = member(sim, of, lead)
    assert sim.one("SELECT shirt FROM program_member") is None
    sim.sql("UPDATE program_member SET shirt = 'M'")
    sim.sync()
    assert (sim.org.get("CampaignMember", one) or {})["Shirt__c"] == "M"
    sim.later()
    sim.org.update("CampaignMember", one, {"Shirt__c": "L"})
    sim.sync()
    assert sim.one("SELECT shirt FROM program_member") == "L"
    assert sim.verify().ok


@pytest.mark.rule("R-158")
def test_more_than_twenty_columns_may_be_joined(tmp_path: Path) -> None:
    """As many as there are."""
    names = [f"Answer_{number}__c" for number in range(25)]
    joined = {f"answer_{number}": f"CampaignMember.{name}" for number, name in enumerate(names)}
    sim = Simulated(tmp_path / "m.db", programs={"member_fields": joined})
    for name in names:
        sim.org.add_field("CampaignMember", f"{name} string:40 CUN-P-FSG")
    of, lead = campaign(sim), ids(sim, "Lead")[0]
    sim.sync()
    program(sim, SENT, CAME)
    link(sim)
    sim.sync()
    joins(sim, person(sim, lead))
    sim.sql(f"UPDATE program_member SET {', '.join(f'{column} = ?' for column in joined)}", *map(str, range(25)))
    sim.sync()
    held = sim.org.get("CampaignMember", member(sim, of, lead)) or {}
    assert [held[name] for name in names] == [str(number) for number in range(25)]


@pytest.mark.rule("R-159")
def test_a_field_that_is_renamed_or_retyped_is_dropped_with_a_notice_and_may_be_joined_anew(tmp_path: Path) -> None:
    """The column keeps what it has."""
    sim, of, lead = fielded(tmp_path, shirt="CampaignMember.Shirt__c", guests="CampaignMember.Guests__c")
    one = member(sim, of, lead)
    sim.sql("UPDATE program_member SET shirt = 'M', guests = 2")
    sim.sync()
    sim.org.remove_field("CampaignMember", "Shirt__c")
    sim.org.add_field("CampaignMember", "Size__c string:40 CUN-P-FSG")
    sim.org.remove_field("CampaignMember", "Guests__c")
    sim.org.add_field("CampaignMember", "Guests__c string:40 CUN-P-FSG")
    sim.sync()
    told = [said for (said,) in sim.sql("SELECT message FROM crmsync_notice WHERE kind = 'program' ORDER BY message")]
    assert "Guests__c is of type text now, not decimal" in told[0]
    assert "Shirt__c is not there any more" in told[1]
    assert sim.sql("SELECT shirt, guests FROM program_member") == [("M", 2)]
    sim.given["programs"] = {"member_fields": {"shirt": "CampaignMember.Size__c"}}
    sim.sync()
    sim.sql("UPDATE program_member SET shirt = 'XL'")
    sim.sync()
    assert (sim.org.get("CampaignMember", one) or {})["Size__c"] == "XL"


@pytest.mark.rule("R-160")
def test_a_column_of_another_type_is_refused(tmp_path: Path) -> None:
    """With both types in the message, before anything moves."""
    sim, _, _ = fielded(tmp_path)
    sim.sql("ALTER TABLE program_member ADD COLUMN size INTEGER")
    sim.given["programs"] = {"member_fields": {"size": "CampaignMember.Shirt__c"}}
    with pytest.raises(SettingsError, match=r"is of type text, and the column, which is there, holds INTEGER"):
        sim.sync()


@pytest.mark.rule("R-298")
def test_memberships_of_merged_persons_are_the_survivors(fair: tuple[Simulated, str]) -> None:
    """Of both, each once, in the later step; in the program as in the campaign."""
    sim, of = fair
    kept, lost, other = ids(sim, "Lead")[:3]
    joins(sim, person(sim, kept), SENT)
    joins(sim, person(sim, lost), CAME)
    joins(sim, person(sim, other), SENT)
    sim.sync()
    sim.later()
    sim.org.merge("Lead", kept, [lost])
    sim.sync()
    sim.sync()
    assert here(sim) == there(sim, of) == {kept: CAME, other: SENT}
    sim.later()
    sim.org.merge("Lead", kept, [other])
    sim.sync()
    assert here(sim) == there(sim, of) == {kept: CAME}


@pytest.mark.rule("R-146")
def test_a_converted_lead_stays_a_member_as_the_contact(fair: tuple[Simulated, str]) -> None:
    """No membership is lost or doubled, and the next status goes to the same one."""
    sim, of = fair
    lead = ids(sim, "Lead")[0]
    joins(sim, person(sim, lead))
    sim.sync()
    sim.later()
    contact = sim.org.convert_lead(lead)["contactId"]
    sim.sync()
    assert here(sim) == {contact: SENT}
    sim.sql("UPDATE program_member SET status = ?", CAME)
    sim.sync()
    assert there(sim, of) == {contact: CAME}


def test_a_campaign_that_is_deleted_in_the_crm_leaves_the_program_with_its_members(fair: tuple[Simulated, str]) -> None:
    """The link ends with a notice; the program may be linked to another."""
    sim, of = fair
    lead = ids(sim, "Lead")[0]
    joins(sim, person(sim, lead))
    sim.sync()
    sim.later()
    sim.org.delete("Campaign", of)
    sim.sync()
    assert here(sim) == {lead: SENT}
    assert sim.one("SELECT campaign_crm_id FROM program") is None
    assert of in sim.one("SELECT message FROM crmsync_notice WHERE kind = 'program'")
