"""A whole sync with a simulated environment: what comes, what stays out, and what becomes of records that end."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from crmsync.errors import OtherOrg, SettingsError
from crmsync.settings import FieldSettings, ObjectSettings
from crmsync_dynamics.simulator import Org, Ref
from dynamics.environment import Environment

FILTER = "new_synctomkto"
CUSTOM = "new_subscription"
IDLE = ["systemuser", "team", "campaign", "task", "opportunity", "opportunity_customer", "connection"]
"""Tables that most tests do without, so that they take less time."""
PERSON = "SELECT crm_type, title, crm_is_deleted FROM person WHERE crm_id = ?"


@pytest.fixture
def site(tmp_path: Path) -> Environment:
    return Environment(tmp_path / "dyn.db", objects=ObjectSettings(disable=IDLE))


def filtered(site: Environment, table: str, value: bool | None, **values: Any) -> str:
    """A record with this answer in the filter."""
    named = {"account": "name", "opportunity": "name", CUSTOM: "new_name"}.get(table, "lastname")
    name = {named: "Filtered"}
    return site.org.create(table, {**name, **values, FILTER: value})


@pytest.mark.rule("R-018", "R-044", "R-047", "R-050", "R-108", "R-123", "R-124")
def test_the_first_sync_copies_everything_and_both_sides_agree(site: Environment) -> None:
    """Users, teams, accounts (those without contacts too), people, deals, campaigns and enabled tables, with owners."""
    site.given["objects"] = ObjectSettings(enable=["new_subscription", "new_subscriptionitem"])
    alone = site.org.create("account", {"name": "Nobody works here"})
    site.sync()
    for table, entity in {"systemuser": "crm_user", **{t: t for t in ("team", "account", "campaign", CUSTOM)}}.items():
        assert site.one(f"SELECT COUNT(*) FROM {entity}") == site.org.count(table), table
    people = site.org.count("contact") + sum(row["statecode"] != 1 for row in site.org.records("lead"))
    assert site.one("SELECT COUNT(*) FROM person") >= people
    assert site.one("SELECT name FROM account WHERE crm_id = ?", alone) == "Nobody works here"
    assert site.sql("SELECT DISTINCT crm_type FROM person ORDER BY 1") == [("contact",), ("lead",)]
    for column in ("crm_type", "crm_is_deleted", "crm_created_at"):
        with pytest.raises(sqlite3.IntegrityError):
            site.sql(f"UPDATE person SET {column} = '2020-01-01'")
    ways = site.sql("SELECT DISTINCT object FROM crmsync_field WHERE two_way ORDER BY 1")
    assert ways == [("contact",), ("lead",)]
    assert site.one("SELECT COUNT(*) FROM opportunity o JOIN crm_user u ON u.crm_id = o.owner_crm_id") > 0
    assert site.verify().ok
    calls = site.sync().counts.calls
    assert site.one("SELECT COUNT(*) FROM crmsync_journal WHERE run = 2") == 0
    assert calls <= 14, "an idle cycle asks each table once"


@pytest.mark.rule("R-106", "R-127", "R-226", "R-235")
def test_values_arrive_under_neutral_names(site: Environment) -> None:
    """Choices as labels, opt-outs each in their own column, a lead's company where a contact's account's stands."""
    site.given["fields"] = FieldSettings(include=["contact.new_interests"], exclude=["contact.createdon"])
    contact = next(row for row in site.org.records("contact") if isinstance(row["parentcustomerid"], Ref))
    site.org.update("contact", contact["contactid"], {"new_interests": "2,1"})
    lead = site.org.create("lead", {
        "lastname": "Full", "companyname": "Acme", "revenue": "1234567.5", "leadsourcecode": 8, "donotbulkemail": True,
        "donotemail": False, "donotphone": True, "subject": "Topic",
    })  # fmt: skip
    site.sync()
    columns = "company, annual_revenue, source, unsubscribed, do_not_email, do_not_call, topic, status"
    ((company, revenue, *rest),) = site.sql(f"SELECT {columns} FROM person WHERE crm_id = ?", lead)
    assert (company, revenue, rest) == ("Acme", 1234567.5, ["Web", 1, 0, 1, "Topic", "Open"])
    account = contact["parentcustomerid"].id
    shown = site.one("SELECT company FROM person_full WHERE crm_id = ?", contact["contactid"])
    assert shown == (site.org.get("account", account) or {})["name"]
    sql = "SELECT new_interests, owner_crm_id IS NOT NULL FROM person WHERE crm_id = ?"
    ((interests, owned),) = site.sql(sql, contact["contactid"])
    assert (len(interests.split(";")), owned) == (2, 1)
    site.given["fields"] = FieldSettings(exclude=["lead.ownerid"])
    with pytest.raises(SettingsError, match="without which lead cannot be synced"):
        site.sync()


@pytest.mark.rule("R-045", "R-094", "R-095", "R-096", "R-097", "R-103", "R-104")
def test_accounts_come_one_way_and_their_next_version_wins(tmp_path: Path) -> None:
    """An edit here shows on every contact and is not sent; the account's next update overwrites it, all of it.

    Each of its contacts is told, up to 5,000 of them.
    """
    site = Environment(tmp_path / "dyn.db", Org(8, 7, big_account=5001), objects=ObjectSettings(disable=IDLE))
    site.sync()
    sql = "SELECT account_crm_id, COUNT(*) FROM person WHERE account_crm_id IS NOT NULL GROUP BY 1 ORDER BY 2"
    (small, few), *_, (big, many) = site.sql(sql)
    assert (few < 10, many) == (True, 5001)
    site.sql("UPDATE account SET industry = 'Here', website = 'https://here.example' WHERE crm_id = ?", small)
    shown = site.sql("SELECT DISTINCT industry FROM person_full WHERE account_crm_id = ?", small)
    assert shown == [("Here",)]
    before = (site.org.get("account", small) or {})["versionnumber"]
    site.sync()
    assert (site.org.get("account", small) or {})["versionnumber"] == before
    assert site.one("SELECT industry FROM account WHERE crm_id = ?", small) == "Here"
    for account in (small, big):
        site.org.update("account", account, {"sic": "4711"})
    site.sync()
    assert site.one("SELECT industry <> 'Here' FROM account WHERE crm_id = ?", small) in (1, None)
    told = site.sql("SELECT COUNT(*) FROM activity WHERE field = 'sic_code' GROUP BY run")
    assert told == [(few,)]
    assert site.one("SELECT sic_code FROM account WHERE crm_id = ?", big) == "4711"


@pytest.mark.rule("R-259", "R-260", "R-261", "R-262", "R-263", "R-264", "R-265", "R-267", "R-268")
def test_the_filter_keeps_out_only_what_says_no(site: Environment) -> None:
    """Empty and yes are synced, no is not; no to yes brings a record, yes to no leaves it as it is, and stale."""
    disable = ["systemuser", "team", "campaign", "task", "opportunity_customer", "connection"]
    site.given["objects"] = ObjectSettings(disable=disable, enable=[CUSTOM])
    tables = {"account": "account", "lead": "person", "contact": "person", "opportunity": "opportunity", CUSTOM: CUSTOM}
    made = {(table, value): filtered(site, table, value) for table in tables for value in (None, True, False)}
    site.sync()
    there = {key: bool(site.sql(f"SELECT 1 FROM {tables[key[0]]} WHERE crm_id = ?", one)) for key, one in made.items()}
    assert there == {key: key[1] is not False for key in made}
    site.org.update("lead", made["lead", False], {FILTER: True, "jobtitle": "In"})
    site.org.update("lead", made["lead", True], {FILTER: False, "jobtitle": "Out"})
    site.org.update("contact", made["contact", False], {"jobtitle": "Still out"})
    site.sync()
    assert site.sql(PERSON, made["lead", False]) == [("lead", "In", 0)]
    assert site.sql(PERSON, made["lead", True]) == [("lead", None, 0)]
    assert site.sql(PERSON, made["contact", False]) == []
    site.org.update("lead", made["lead", True], {FILTER: True})
    site.sync()
    assert site.sql(PERSON, made["lead", True]) == [("lead", "Out", 0)]
    assert site.verify().ok


@pytest.mark.rule("R-266", "R-259")
def test_a_filter_that_is_not_selected_or_not_there_filters_nothing(site: Environment) -> None:
    """It is effective only where the field is there and selected, table by table."""
    site.given["fields"] = FieldSettings(exclude=[f"lead.{FILTER}"])
    site.org.remove_column("contact", FILTER)
    lead, account = filtered(site, "lead", value=False), filtered(site, "account", value=False)
    site.sync()
    assert site.sql(PERSON, lead)
    assert not site.sql("SELECT 1 FROM account WHERE crm_id = ?", account)
    assert site.one("SELECT COUNT(*) FROM person WHERE crm_type = 'contact'") >= site.org.count("contact")


CASES = [(True, True), (True, False), (False, True), (False, False)]


@pytest.mark.rule("R-280", "R-281", "R-282", "R-283", "R-285")
def test_qualifying_follows_both_filters(site: Environment) -> None:
    """No/no nothing; yes/yes the person becomes the contact; no/yes a new person; yes/no the lead alone is updated."""
    leads = {case: filtered(site, "lead", value=case[0]) for case in CASES}
    site.sync()
    before = {case: site.sql("SELECT id FROM person WHERE crm_id = ?", lead) for case, lead in leads.items()}
    contacts = {case: site.qualify(lead) for case, lead in leads.items()}
    for (_, contact_yes), contact in contacts.items():
        site.org.update("contact", contact, {FILTER: contact_yes})
    site.sync()
    of_lead = {case: site.sql("SELECT id, status FROM person WHERE crm_id = ?", lead) for case, lead in leads.items()}
    of_contact = {
        case: site.sql("SELECT id, crm_type FROM person WHERE crm_id = ?", contact)
        for case, contact in contacts.items()
    }
    assert of_lead == {case: [(before[case][0][0], "Qualified")] if case == (True, False) else [] for case in CASES}
    assert of_contact[True, True] == [(before[True, True][0][0], "contact")]
    assert of_contact[True, False] == of_contact[False, False] == []
    assert len(of_contact[False, True]) == 1
    assert site.verify().ok


@pytest.mark.rule("R-303", "R-304", "R-305", "R-306", "R-307")
def test_merging_follows_the_winners_filter(site: Environment) -> None:
    """The winner's filter decides; where both were synced the persons become one, and the loser is not deleted."""
    pairs = {case: [filtered(site, "contact", value=yes) for yes in case] for case in CASES}
    site.sync()
    rows = {crm_id: key for key, crm_id in site.sql("SELECT id, crm_id FROM person")}
    for loser, winner in pairs.values():
        site.merge("contact", winner, loser)
        site.org.update("contact", winner, {"jobtitle": "After the merge"})
    site.sync()
    for (_, winner_yes), (_, winner) in pairs.items():
        assert site.sql(PERSON, winner) == ([("contact", "After the merge", 0)] if winner_yes else [])
    loser, winner = pairs[True, True]
    assert site.sql(PERSON, loser) == []
    assert site.sql("SELECT role, row_id FROM crmsync_link WHERE crm_id = ?", loser) == [("merged", rows[winner])]
    assert site.sql(PERSON, pairs[True, False][0]) == [("contact", None, 0)], "it stays as it was"
    assert site.verify().ok


@pytest.mark.rule("R-134", "R-135", "R-136", "R-137", "R-138")
def test_the_customer_of_an_opportunity_decides_account_and_role(site: Environment) -> None:
    """A contact makes a role and brings its account, if it has one; an account makes none; stakeholders make roles."""
    site.given["objects"] = ObjectSettings(disable=["systemuser", "team", "campaign", "task"])
    account = site.org.create("account", {"name": "Theirs"})
    bound = site.org.create("contact", {"lastname": "Bound", "parentcustomerid": Ref("account", account)})
    free = site.org.create("contact", {"lastname": "Free"})
    customers = {"bound": Ref("contact", bound), "free": Ref("contact", free), "account": Ref("account", account)}
    deals = {name: site.org.create("opportunity", {"name": name, "customerid": one}) for name, one in customers.items()}
    role = next(site.org.records("connectionrole"))["connectionroleid"]
    stake = site.org.create("connection", {
        "record1id": Ref("opportunity", deals["account"]), "record2id": Ref("contact", free), "record2roleid": role,
    })  # fmt: skip
    site.sync()
    accounts = dict(site.sql("SELECT name, account_crm_id FROM opportunity WHERE name IN ('bound', 'free', 'account')"))
    assert accounts == {"bound": account, "free": None, "account": account}
    sql = "SELECT contact_crm_id, contact_role IS NOT NULL FROM opportunity_role WHERE opportunity_crm_id = ?"
    roles = {name: site.sql(sql, deal) for name, deal in deals.items()}
    assert roles == {"bound": [(bound, 0)], "free": [(free, 0)], "account": [(free, 1)]}
    site.org.update("opportunity", deals["bound"], {"customerid": Ref("account", account)})
    site.org.delete("connection", stake)
    site.sync()
    assert site.sql(sql, deals["bound"]) == site.sql(sql, deals["account"]) == []
    assert site.verify().ok


@pytest.mark.rule("R-309", "R-314")
def test_deleted_people_stay_and_are_marked(site: Environment) -> None:
    """A person whose record was deleted stays with a mark; one deleted here comes back anew with the next update."""
    lead, contact = filtered(site, "lead", value=True), filtered(site, "contact", value=True)
    site.sync()
    row = site.one("SELECT id FROM person WHERE crm_id = ?", contact)
    site.org.delete("lead", lead)
    site.sql("DELETE FROM person WHERE crm_id = ?", contact)
    site.sync()
    assert site.sql(PERSON, lead) == [("lead", None, 1)]
    site.org.update("contact", contact, {"jobtitle": "Back"})
    site.sync()
    assert site.one("SELECT id FROM person WHERE crm_id = ?", contact) != row
    assert site.verify().ok


@pytest.mark.rule("R-029", "R-030", "R-033", "R-038", "R-041", "R-042")
def test_nothing_is_missed_while_disabled_and_only_then_the_login_changes(site: Environment) -> None:
    """What happened meanwhile comes, parents first; another log-in waits for that; another environment is refused."""
    site.sync()
    site.user = "admin"
    with pytest.raises(SettingsError, match="crmsync disable acme"):
        site.sync()
    site.use(lambda one: one.disable())
    account = site.org.create("account", {"name": "New while disabled"})
    contact = filtered(site, "contact", value=True, parentcustomerid=Ref("account", account))
    site.later(86400)
    site.use(lambda one: one.check())
    site.use(lambda one: one.enable())
    site.sync()
    ((name,),) = site.sql("SELECT company FROM person_full WHERE crm_id = ?", contact)
    assert name == "New while disabled"
    site.org = Org(5, 8, clock=site.clock)
    with pytest.raises(OtherOrg):
        site.sync()


def test_what_the_feed_forgot_is_found_by_comparing(site: Environment) -> None:
    """After a pause longer than the CRM's memory everything is read anew, and what was deleted meanwhile is found."""
    site.sync()
    contact = site.one("SELECT crm_id FROM person WHERE crm_type = 'contact' ORDER BY id LIMIT 1")
    site.org.delete("contact", contact)
    site.later(40 * 86400)
    summary = site.sync()
    assert site.one("SELECT crm_is_deleted FROM person WHERE crm_id = ?", contact) == 1
    assert any("read anew" in note for note in summary.notes)
    assert site.verify().ok


@pytest.mark.rule("R-092", "R-210", "R-212", "R-213", "R-214", "R-215")
def test_a_field_selected_later_is_filled_for_all_or_for_a_time(site: Environment) -> None:
    """Only selected fields come; a later one is filled by a refresh, empty values too; one that drifted comes back."""
    contacts = [row["contactid"] for row in site.org.records("contact")][:3]
    site.sync()
    assert "nickname" not in {row[1] for row in site.sql("PRAGMA table_info(person)")}
    for number, contact in enumerate(contacts):
        site.later(86400)
        site.org.update("contact", contact, {"nickname": f"Nick {number}" if number else None})
    site.sync()
    site.given["fields"] = FieldSettings(include=["contact.nickname"])
    sql = "SELECT nickname FROM person WHERE crm_id = ?"
    site.use(lambda one: one.refresh(["contact.nickname"], since="2026-03-04T00:00:00.000Z"))
    assert [site.one(sql, contact) for contact in contacts] == [None, None, "Nick 2"]
    site.use(lambda one: one.refresh(["contact.nickname"]))
    assert [site.one(sql, contact) for contact in contacts] == [None, "Nick 1", "Nick 2"]
    assert site.one("SELECT message FROM crmsync_notice ORDER BY id DESC LIMIT 1").startswith("contact.nickname: read")
    before = site.one("SELECT company_notes FROM account LIMIT 1")
    site.sql("UPDATE account SET company_notes = 'Drifted'")
    site.use(lambda one: one.refresh(["account.description"]))
    assert site.one("SELECT company_notes FROM account LIMIT 1") == before


@pytest.mark.rule("R-044", "R-210")
def test_a_chosen_field_of_a_person_moves_both_ways(site: Environment) -> None:
    """Whether it is the vendor's own or custom, since both were chosen; a look-up comes from the CRM alone."""
    site.given["fields"] = FieldSettings(include=["contact.birthdate", "contact.new_interests", "lead.parentaccountid"])
    contact = next(str(row["contactid"]) for row in site.org.records("contact"))
    site.sync()
    ways = site.sql("SELECT field FROM crmsync_field WHERE two_way AND field IN ('birthdate', 'parentaccountid')")
    assert ways == [("birthdate",)]
    site.sql("UPDATE person SET birthdate = '1980-02-29', new_interests = 'Mobile' WHERE crm_id = ?", contact)
    site.sync()
    kept = site.org.get("contact", contact) or {}
    assert (kept["birthdate"], kept["new_interests"]) == ("1980-02-29", "4")
    assert site.verify().ok


@pytest.mark.rule("R-216", "R-217")
def test_a_selected_field_deleted_in_the_crm_stops_its_table_until_it_is_left_out(site: Environment) -> None:
    """The table stops with the remedy, the others go on, and once the selection leaves the field out it goes on too."""
    site.org.add_column("contact", {"schema": "new_Shoe", "type": "String"})
    site.given["fields"] = FieldSettings(include=["contact.new_shoe"])
    site.sync()
    site.org.remove_column("contact", "new_shoe")
    lead, contact = filtered(site, "lead", value=True), filtered(site, "contact", value=True)
    site.later(7200)
    summary = site.sync()
    said = " ".join([*summary.notes, *(str(step.get("message")) for step in summary.steps)])
    assert "contact.new_shoe" in said
    assert "fields.exclude" in said
    assert (site.sql(PERSON, lead), site.sql(PERSON, contact)) == ([("lead", None, 0)], [])
    site.given["fields"] = FieldSettings(exclude=["contact.new_shoe"])
    site.sync()
    assert site.sql(PERSON, contact)


@pytest.mark.rule("R-211")
def test_a_secured_column_is_never_taken_for_an_empty_one(site: Environment) -> None:
    """A column that these credentials may not read is left out with a warning: what is here stays (case 1)."""
    contact = site.org.create("contact", {"lastname": "Kept", "jobtitle": "Known"})
    site.sync()
    site.org.change_column("contact", "jobtitle", secured=True)
    site.org.user("full").every_column = False
    site.org.update("contact", contact, {"jobtitle": "Secret", "lastname": "Moved"})
    site.later(7200)
    summary = site.sync()
    assert site.sql("SELECT last_name, title FROM person WHERE crm_id = ?", contact) == [("Moved", "Known")]
    assert any("contact.jobtitle may not be read" in note for note in summary.notes)


@pytest.mark.rule("R-171", "R-186", "R-187", "R-196", "R-197")
def test_custom_tables_within_two_steps_are_on_offer(site: Environment) -> None:
    """Tables related to people within two steps; farther and unrelated ones say why not; marketing lists are none."""
    site.org.add_table({"schema": "new_Far", "columns": ["new_Item lookup CRU-n >new_subscriptionitem"]})
    site.org.add_table({"schema": "new_Alone", "columns": []})
    site.sync()
    site.given["objects"] = ObjectSettings(enable=[CUSTOM, "new_far", "new_alone"], disable=IDLE)
    site.sync()
    assert site.one(f"SELECT COUNT(*) FROM {CUSTOM}") == site.org.count(CUSTOM), "enabled later, it comes in full"

    async def work(connection: Any) -> Any:
        return await connection.check()

    found = {one.topic: one for one in site.use(work)}
    assert "R-187" in found["new_far"].message
    assert "R-186" in found["new_alone"].message
    assert CUSTOM in found
    site.given["objects"] = ObjectSettings(enable=["list"])
    with pytest.raises(SettingsError, match="list"):
        site.sync()


def test_an_environment_is_read_by_its_metadata_document_alone(tmp_path: Path) -> None:
    """Privileges are found under the names that the document has, and users by their own id, not as principals."""
    site = Environment(tmp_path / "alone.db")
    site.faults = lambda server: setattr(server.site, "disabled", {"definitions"})
    summary = site.sync()
    assert summary.status == "succeeded", summary.notes
    assert site.one("SELECT COUNT(*) FROM person") > 0
    assert site.one("SELECT COUNT(*) FROM crm_user") == site.org.count("systemuser")
    assert any("EntityDefinitions" in note for note in summary.notes)
