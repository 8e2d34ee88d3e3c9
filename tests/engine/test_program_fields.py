"""Columns of program members that are joined to fields of campaign members, and what campaigns are told of programs."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmsync.errors import SettingsError
from crmsync.model import Level, Type
from support.campaigns import Fair

NOTICES = "SELECT message FROM crmsync_notice WHERE kind = 'program'"
JOINED = {"shirt": "Member.Shirt__c", "guests": "Member.Guests__c"}


def fair(folder: Path, joined: dict[str, str] | None = None) -> Fair:
    """A program linked to its campaign, with columns joined to fields of its members."""
    return Fair(folder / "marketing.db", programs={"member_fields": JOINED if joined is None else joined}).linked()


def again(one: Fair, joined: dict[str, str]) -> Fair:
    """The same database with another mapping in the settings."""
    one.settings.programs.member_fields = joined
    return one


def test_changes_go_both_ways_and_what_was_there_before_does_not(tmp_path: Path) -> None:
    """From the moment on in which a column is joined; a new member brings its values along."""
    one = Fair(tmp_path / "marketing.db")
    one.sql("ALTER TABLE program_member ADD COLUMN shirt TEXT")
    one.joins("L1", shirt="old here")
    one.enters("L2", Shirt__c="old there")
    one.sync()
    again(one, JOINED).linked()
    shirts = "SELECT p.crm_id, m.shirt FROM program_member m JOIN person p ON p.id = m.person_id ORDER BY 1"
    assert one.sql(shirts) == [("L1", "old here"), ("L2", None)]
    held = one.crm.objects["Member"]
    first = next(crm_id for crm_id, member in held.items() if member["LeadId"] == "L1")
    assert held[first].get("Shirt__c") is None
    one.moves("L1", shirt="M", guests=2)
    one.joins("L3", shirt="S")
    one.crm.tick()
    one.crm.put("Member", "M-L2", Shirt__c="XL", Guests__c=1)
    one.enters("L4", Shirt__c="L")
    one.sync()
    one.sync()
    assert one.sql(shirts) == [("L1", "M"), ("L2", "XL"), ("L3", "S"), ("L4", "L")]
    there = {member["LeadId"]: (member.get("Shirt__c"), member.get("Guests__c")) for member in held.values()}
    assert there == {"L1": ("M", 2), "L2": ("XL", 1), "L3": ("S", None), "L4": ("L", None)}
    assert ("shirt", "old there", "XL") not in one.sql("SELECT field, old, new FROM crmsync_journal")
    assert ("shirt", None, "XL") in one.sql(
        "SELECT field, old, new FROM crmsync_journal WHERE entity = 'program_member'"
    )
    written = len(one.crm.written)
    one.sync()
    assert len(one.crm.written) == written


@pytest.mark.parametrize(("winner", "value"), [("crm", "theirs"), ("marketing", "ours")])
def test_where_both_moved_the_fields_winner_decides(tmp_path: Path, winner: str, value: str) -> None:
    """The CRM's value, unless the settings give the field to marketing."""
    one = Fair(
        tmp_path / "marketing.db",
        programs={"member_fields": JOINED},
        fields={"winner": {"Member.Shirt__c": winner}},
    ).linked()
    one.enters("L1")
    one.sync()
    one.moves("L1", shirt="ours")
    one.crm.tick()
    one.crm.put("Member", "M-L1", Shirt__c="theirs")
    one.sync()
    one.sync()
    assert one.one("SELECT shirt FROM program_member") == value
    assert one.crm.objects["Member"]["M-L1"]["Shirt__c"] == value


def test_a_field_that_is_renamed_is_dropped_with_a_notice_and_may_be_joined_again(tmp_path: Path) -> None:
    """The column keeps its values; under its new name the field is joined from then on."""
    one = fair(tmp_path)
    one.enters("L1", Shirt__c="M")
    one.sync()
    one.crm.custom["Size__c"] = one.crm.custom.pop("Shirt__c")
    one.sync()
    one.moves("L1", shirt="S")
    one.sync()
    assert [said for (said,) in one.sql(NOTICES) if "Member.Shirt__c is not there any more" in said]
    assert len(one.sql(NOTICES)) == 1
    assert one.crm.objects["Member"]["M-L1"]["Shirt__c"] == "M"
    again(one, {"shirt": "Member.Size__c", "guests": "Member.Guests__c"}).sync()
    one.moves("L1", shirt="XL")
    one.sync()
    assert one.crm.objects["Member"]["M-L1"]["Size__c"] == "XL"


def test_a_field_that_changed_its_type_is_dropped_and_needs_a_column_that_fits(tmp_path: Path) -> None:
    """A text cannot go on in a column of numbers; another column can be joined to it."""
    one = fair(tmp_path)
    one.enters("L1", Guests__c=2)
    one.sync()
    one.crm.custom["Guests__c"] = Type.TEXT
    one.crm.tick()
    one.crm.put("Member", "M-L1", Guests__c="two")
    one.sync()
    assert [said for (said,) in one.sql(NOTICES) if "is of type text now, not integer" in said]
    assert one.one("SELECT guests FROM program_member") == 2
    again(one, {}).sync()
    with pytest.raises(SettingsError, match="which is there, holds INTEGER"):
        again(one, {"guests": "Member.Guests__c"}).sync()
    again(one, {"company": "Member.Guests__c"}).sync()
    one.crm.tick()
    one.crm.put("Member", "M-L1", Guests__c="three")
    one.sync()
    assert one.one("SELECT company FROM program_member") == "three"


def test_a_field_that_comes_back_is_joined_again(tmp_path: Path) -> None:
    """From then on; what changed meanwhile is not carried over."""
    one = fair(tmp_path)
    one.enters("L1", Shirt__c="M")
    one.sync()
    kind = one.crm.custom.pop("Shirt__c")
    one.sync()
    one.moves("L1", shirt="S")
    one.sync()
    one.crm.custom["Shirt__c"] = kind
    one.sync()
    assert one.crm.objects["Member"]["M-L1"]["Shirt__c"] == "M"
    one.moves("L1", shirt="L")
    one.sync()
    assert one.crm.objects["Member"]["M-L1"]["Shirt__c"] == "L"
    assert any("is back" in said for (said,) in one.sql(NOTICES))


REFUSED = {
    "no such field": ({"shirt": "Member.Shrit__c"}, "did you mean Member.Shirt__c"),
    "another object": ({"shirt": "Lead.Email"}, "no such field of Member"),
    "the status": ({"shirt": "Member.Status"}, "part of the membership itself"),
    "an own column": ({"person_id": "Member.Shirt__c"}, "crmsync's own"),
    "no column": ({"Shirt Size": "Member.Shirt__c"}, "lower-case letters"),
    "a field twice": ({"a": "Member.Shirt__c", "b": "Member.Shirt__c"}, "another column is joined"),
    "another type": ({"guests": "Member.Shirt__c"}, "the field is of type text, and the column"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused_with_the_reason(tmp_path: Path, case: str) -> None:
    """Before anything moves; `check` says it beforehand."""
    joined, why = REFUSED[case]
    one = Fair(tmp_path / "marketing.db")
    one.sql("ALTER TABLE program_member ADD COLUMN guests INTEGER")
    again(one, joined)
    found = one.use(lambda connection: connection.check())
    assert [line.level for line in found if line.topic == "programs" and why in line.message] == [Level.STOP]
    with pytest.raises(SettingsError, match=r"programs\.member_fields") as refused:
        one.sync()
    assert why in str(refused.value)
    again(one, {}).sync()


def test_channel_and_cost_go_to_the_campaign_and_never_come_back(tmp_path: Path) -> None:
    """Exactly, to the last digit; a change of them in the CRM is shown on the campaign alone."""
    one = Fair(tmp_path / "marketing.db")
    one.sql("UPDATE program SET channel = 'Webinar', period_cost = '12345678901234567.89'")
    one.linked()
    held = one.crm.objects["Campaign"]["C1"]
    assert (held["Type"], held["Cost"]) == ("Webinar", "12345678901234567.89")
    one.crm.tick()
    one.crm.put("Campaign", "C1", Type="Fair", Cost=7)
    one.sync()
    assert one.sql("SELECT channel, period_cost FROM program") == [("Webinar", "12345678901234567.89")]
    assert one.sql("SELECT campaign_type, actual_cost FROM campaign") == [("Fair", 7)]
    assert (held["Type"], held["Cost"]) == ("Fair", 7)
    one.sql("UPDATE program SET period_cost = 0.1")
    one.sync()
    assert (held["Type"], held["Cost"]) == ("Fair", 0.1)
    one.sql("UPDATE program SET channel = NULL")
    one.sync()
    assert held["Type"] is None
    written = len(one.crm.written)
    one.sync()
    assert len(one.crm.written) == written


def test_a_cost_that_is_no_number_is_told_and_not_sent(tmp_path: Path) -> None:
    """What the database could not see is an error, once; the next number goes."""
    one = Fair(tmp_path / "marketing.db").linked()
    one.sql("UPDATE program SET period_cost = '1.2.3'")
    one.sync()
    one.sync()
    ((message, hint),) = one.sql("SELECT message, hint FROM crmsync_error")
    assert "'1.2.3' is not a number" in message
    assert "period_cost" in hint
    one.sql("UPDATE program SET period_cost = 12")
    one.sync()
    assert one.crm.objects["Campaign"]["C1"]["Cost"] == 12
