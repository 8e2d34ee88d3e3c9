"""What every connector promises of records, tried on Dynamics: values, accounts, one way, identity, ends."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from crmsync.settings import FieldSettings, ObjectSettings
from crmsync_dynamics.simulator import Ref
from crmsync_dynamics.simulator.access import Depth
from dynamics.environment import Environment

CUSTOM = "new_subscription"
PLAIN = ["systemuser", "team", "campaign", "task", "opportunity", "opportunity_customer", "connection"]
ENTRY = """SELECT kind, field, old_value, new_value, object, crm_id, source FROM activity
           WHERE person_id = ? AND run = (SELECT MAX(id) FROM crmsync_run) ORDER BY id"""


@pytest.mark.rule("R-051", "R-093", "R-227", "R-228", "R-229", "R-233")
def test_values_come_whole_and_emptied_ones_travel(site: Environment) -> None:
    """Long text, any script, exact amounts, odd addresses and the day of making; nothing is as good as a value."""
    long = "日本語 — ügly\n" * 120
    address = "smile.😀+tag@bücher.example"
    values = {"lastname": "Noor", "description": long, "emailaddress1": address, "revenue": "12345678901.23"}
    lead = site.org.create("lead", {**values, "jobtitle": "CTO", "telephone1": "1"})
    site.sync()
    sql = "SELECT notes, email, annual_revenue, crm_created_at, title, phone FROM person WHERE crm_id = ?"
    ((notes, email, revenue, created, *rest),) = site.sql(sql, lead)
    assert (notes, email, f"{revenue:.2f}", rest) == (long, address, "12345678901.23", ["CTO", "1"])
    assert str(created)[:19] == str((site.org.get("lead", lead) or {})["createdon"])[:19]
    site.org.update("lead", lead, {"jobtitle": None})
    site.sql("UPDATE person SET phone = NULL WHERE crm_id = ?", lead)
    site.sync()
    assert site.one("SELECT title FROM person WHERE crm_id = ?", lead) is None
    assert (site.org.get("lead", lead) or {})["telephone1"] is None
    assert site.verify().ok


@pytest.mark.rule("R-098", "R-109", "R-331", "R-333", "R-338")
def test_a_moving_account_drops_edits_and_a_contact_follows_its_new_one(site: Environment) -> None:
    """Two columns edited here, a third changed there: all are the CRM's; a contact tells what changed, old and new."""
    mine, other = (site.org.create("account", {"name": name, "sic": name}) for name in ("Mine", "Other"))
    contact = site.org.create("contact", {"lastname": "Noor", "parentcustomerid": Ref("account", mine)})
    site.sync()
    row = site.one("SELECT id FROM person WHERE crm_id = ?", contact)
    site.sql("UPDATE account SET industry = 'Art', website = 'x.org' WHERE crm_id = ?", mine)
    site.org.update("account", mine, {"sic": "4711"})
    site.sync()
    found = site.sql("SELECT industry, website, sic_code FROM account WHERE crm_id = ?", mine)
    assert found == [(None, None, "4711")]
    told = site.sql(ENTRY, row)
    assert ("Change Data Value", "sic_code", "Mine", "4711", "account", mine, "crm") in told
    site.org.update("contact", contact, {"parentcustomerid": Ref("account", other)})
    site.sync()
    assert site.one("SELECT sic_code FROM person_full WHERE crm_id = ?", contact) == "Other"
    assert site.sql(ENTRY, row) == [("Change Data Value", "account_crm_id", mine, other, "contact", contact, "crm")]
    assert site.one("SELECT COUNT(*) FROM activity WHERE id IS NULL OR at IS NULL OR person_id IS NULL") == 0


@pytest.mark.rule("R-128", "R-139", "R-239", "R-240", "R-241")
def test_deals_come_one_way_and_a_blocked_field_takes_only_its_first_value(tmp_path: Path) -> None:
    """Our edit of a deal is never sent and lost to the CRM's next; a field blocked for the CRM is filled once."""
    block = FieldSettings(block={"lead.jobtitle": ["crm"]})
    site = Environment(tmp_path / "dyn.db", objects=ObjectSettings(disable=PLAIN[:4]), fields=block)
    deal = site.org.create("opportunity", {"name": "Theirs"})
    lead = site.org.create("lead", {"lastname": "Noor"})
    site.sync()
    site.sql("UPDATE opportunity SET name = 'Ours' WHERE crm_id = ?", deal)
    site.org.update("lead", lead, {"jobtitle": "First"})
    site.sync()
    assert (site.org.get("opportunity", deal) or {})["name"] == "Theirs"
    site.org.update("opportunity", deal, {"description": "moved"})
    site.org.update("lead", lead, {"jobtitle": "Second"})
    site.sync()
    assert site.sql("SELECT name, notes FROM opportunity WHERE crm_id = ?", deal) == [("Theirs", "moved")]
    assert site.one("SELECT title FROM person WHERE crm_id = ?", lead) == "First"
    site.sql("UPDATE person SET title = 'Ours' WHERE crm_id = ?", lead)
    site.sync()
    assert (site.org.get("lead", lead) or {})["jobtitle"] == "Ours"


def offered(site: Environment) -> set[str]:
    """The tables that are on offer to these credentials."""

    async def look(connection: Any) -> set[str]:
        session = await connection.opened.session()
        return {route.object for route in await connection.system.routes(session, None)}

    return site.use(look)


@pytest.mark.rule("R-188", "R-243")
def test_a_table_that_may_not_be_read_takes_no_part_and_keeps_its_rows(site: Environment) -> None:
    """Not on offer without the right; without one it had, the rows stay and the step says what to give."""
    user = site.org.user("full")
    site.given["objects"] = ObjectSettings(enable=[CUSTOM], disable=PLAIN)
    before = offered(site)
    user.depths["Read", CUSTOM] = Depth.NONE
    assert before - offered(site) == {CUSTOM}
    assert [one["status"] for one in site.sync().steps if one["object"] == CUSTOM] == ["failed"]
    del user.depths["Read", CUSTOM]
    site.sync()
    rows = site.sql(f"SELECT * FROM {CUSTOM}")
    assert rows
    user.depths["Read", CUSTOM] = Depth.NONE
    site.later(7200)
    lead = site.org.create("lead", {"lastname": "Noor"})
    summary = site.sync()
    said = [str(step["message"]) for step in summary.steps if step["object"] == CUSTOM and step["status"] == "failed"]
    assert any("prvReadnew_Subscription" in one for one in said), said
    assert site.sql("SELECT crm_type FROM person WHERE crm_id = ?", lead) == [("lead",)]
    assert site.sql(f"SELECT * FROM {CUSTOM}") == rows


@pytest.mark.rule("R-299", "R-300", "R-310", "R-319")
def test_ends_are_for_ever_but_a_restored_record_is_back(site: Environment) -> None:
    """A merged id never comes back and its rows are the winner's; a flag is told, and goes with a record restored."""
    winner, loser, gone = (site.org.create("contact", {"lastname": name}) for name in ("Winner", "Loser", "Gone"))
    rented = site.org.create(CUSTOM, {"new_name": "Rented", "new_contact": Ref("contact", loser)})
    site.given["objects"] = ObjectSettings(enable=[CUSTOM], disable=PLAIN)
    site.sync()
    rows = dict(site.sql("SELECT crm_id, id FROM person WHERE crm_id IN (?, ?, ?)", winner, loser, gone))
    site.merge("contact", winner, loser)
    kept = dict(site.org.get("contact", gone) or {})
    site.org.delete("contact", gone)
    site.sync()
    person = f"SELECT l.row_id FROM {CUSTOM} s JOIN crmsync_link l ON l.crm_id = s.new_contact WHERE s.crm_id = ?"
    assert site.sql(person, rented) == [(rows[winner],)]
    assert site.sql(ENTRY, rows[gone])[0][:4] == ("Change Data Value", "crm_is_deleted", 0, 1)
    site.org.update("contact", loser, {"jobtitle": "late"})
    site.sync()
    site.org.delete("contact", loser)
    site.org.create("contact", {"contactid": gone, "lastname": kept["lastname"], "jobtitle": "Back"})
    site.sync()
    assert site.sql("SELECT id, crm_is_deleted, title FROM person WHERE crm_id = ?", gone) == [(rows[gone], 0, "Back")]
    assert site.sql("SELECT id FROM person WHERE crm_id = ? OR title = 'late'", loser) == []
    assert site.sql("SELECT id, crm_is_deleted FROM person WHERE crm_id = ?", winner) == [(rows[winner], 0)]
    assert site.verify().ok


@pytest.mark.rule("R-330")
def test_a_new_record_finds_its_person_by_address_only_if_that_is_set(site: Environment) -> None:
    """Without it a second person; with it the one who exists here alone is linked, and the CRM's values win."""
    site.sync()
    for name in ("first", "second"):
        site.sql("INSERT INTO person (last_name, email, title) VALUES ('Here', ?, 'Ours')", f"{name}@example.org")
    first = site.org.create("lead", {"lastname": "There", "emailaddress1": "first@example.org"})
    site.sync()
    assert site.one("SELECT COUNT(*) FROM person WHERE email = 'first@example.org'") == 2
    site.given["match"] = ["email"]
    second = site.org.create("lead", {"lastname": "There", "emailaddress1": "Second@example.org", "jobtitle": "Theirs"})
    site.sync()
    found = site.sql("SELECT crm_id, last_name, title FROM person WHERE lower(email) = 'second@example.org'")
    assert (found, first == second) == ([(second, "There", "Theirs")], False)


def test_what_was_deleted_is_not_called_hidden_where_everything_is_visible(site: Environment) -> None:
    """Who reads the whole organisation is told that it is gone; the next cycle flags it."""
    lead = site.org.create("lead", {"lastname": "Noor"})
    site.sync()
    site.org.delete("lead", lead)
    (one,) = site.verify().explained
    assert (one["crm_id"], one["rule"][:32]) == (lead, "deleted in the CRM for good: the")
    site.sync()
    assert site.verify().explained == []
