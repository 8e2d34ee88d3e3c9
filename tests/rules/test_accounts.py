"""Accounts: one way, edited here for all their contacts, until the CRM speaks again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from crmsync.clock import SetClock
from crmsync.errors import RouteStopped
from crmsync.model import Query
from crmsync_salesforce.simulator import Org
from support.engine import Engine
from support.records import everything, ids, kinds, step, value
from support.simulated import Simulated

IN_FULL = "SELECT company, industry, website, annual_revenue, number_of_employees FROM person_full WHERE crm_id = ?"


def contacts_of(sim: Simulated, account: str) -> list[str]:
    """The contacts of an account, in the CRM."""
    return [one["Id"] for one in sim.org.records("Contact") if one["AccountId"] == account]


@pytest.mark.rule("R-014")
def test_contacts_do_not_wait_for_accounts(tmp_path: Path) -> None:
    """Accounts cannot be read; contacts come in the same cycle, and join their account once it comes."""
    engine = Engine(tmp_path / "m.db")
    engine.crm.put("Account", "001A", Name="Acme")
    engine.crm.put("Contact", "003A", LastName="Doe", AccountId="001A")

    def broken(query: Query, _number: int) -> None:
        if query.object == "Account":
            raise RouteStopped("no accounts today")

    engine.crm.before_page = broken
    assert engine.sync().status == "failed"
    assert engine.sql("SELECT crm_id, account_crm_id, company FROM person_full") == [("003A", "001A", None)]
    engine.crm.before_page = lambda _query, _number: None
    engine.sync()
    assert engine.sql("SELECT crm_id, company FROM person_full") == [("003A", "Acme")]


@pytest.mark.rule("R-094", "R-096", "R-121")
@pytest.mark.parametrize("table", ["account", "queue"])
def test_no_edit_of_a_one_way_table_reaches_the_crm(sim: Simulated, table: str) -> None:
    """Every column is edited here; two cycles later the CRM is as it was, to the stamp."""
    sim.sync()
    before = everything(sim)
    columns = [(row[1], row[2]) for row in sim.sql(f"PRAGMA table_info({table})")]
    own = {"id", "crm_id", "crm_is_deleted", "created_at", "crm_created_at"}
    for column, kind in columns:
        if column not in own:
            sim.sql(f'UPDATE {table} SET "{column}" = ?', 1 if kind in ("INTEGER", "ANY") else "edited")
    assert sim.one("SELECT COUNT(DISTINCT field) FROM crmsync_edit WHERE state = 'local'") == len(columns) - len(
        own & {name for name, _ in columns}
    )
    assert sim.one("SELECT COUNT(*) FROM crmsync_edit WHERE state <> 'local'") == 0
    sim.sync()
    sim.sync()
    assert everything(sim) == before


@pytest.mark.rule("R-095")
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE account SET industry = 'Art' WHERE crm_id = ?1",
        """UPDATE person_full SET industry = 'Art'
           WHERE crm_id = (SELECT MIN(crm_id) FROM person WHERE account_crm_id = ?1)""",
    ],
)
def test_an_account_edited_here_changes_for_all_its_contacts(sim: Simulated, sql: str) -> None:
    """Through the table or through one contact: each contact shows it, contacts of other accounts do not."""
    sim.sync()
    account = ids(sim, "Account")[0]
    sim.sql(sql, account)
    shown = {row[0] for row in sim.sql("SELECT crm_id FROM person_full WHERE industry = 'Art'")}
    assert shown == set(contacts_of(sim, account))
    assert len(shown) > 1


@pytest.mark.rule("R-096", "R-097")
def test_an_edit_lives_until_the_account_moves(sim: Simulated) -> None:
    """Cycles that read the unmoved account again keep the edit; any change of the account in the CRM ends it."""
    sim.sync()
    account = ids(sim, "Account")[0]
    sim.later()
    sim.org.update("Account", account, {"Site": "HQ"})
    sim.use(lambda connection: connection.sync())
    industry = value(sim, "industry", account, "account")
    sim.sql("UPDATE account SET industry = 'Art' WHERE crm_id = ?", account)
    sim.later(5)
    again = sim.use(lambda connection: connection.sync())
    assert step(again, "Account")["bytes"] > 300  # the overlap brought the account once more
    sim.sync()
    assert value(sim, "industry", account, "account") == "Art"
    sim.org.update("Account", account, {"Site": "Elsewhere"})
    sim.sync()
    assert sim.sql("SELECT industry, site FROM account WHERE crm_id = ?", account) == [(industry, "Elsewhere")]
    assert sim.sql("SELECT * FROM crmsync_edit") == []
    assert sim.verify().explained == []


@pytest.mark.rule("R-098")
def test_the_crm_overwrites_every_edit_of_the_account(sim: Simulated) -> None:
    """Two columns edited here, a third changed there: all three are the CRM's, and the losers are in the journal."""
    sim.sync()
    account = ids(sim, "Account")[0]
    old = sim.sql("SELECT industry, website FROM account WHERE crm_id = ?", account)[0]
    sim.sql("UPDATE account SET industry = 'Art', website = 'x.org' WHERE crm_id = ?", account)
    sim.later()
    sim.org.update("Account", account, {"Site": "HQ"})
    run = sim.sync().run
    assert sim.sql("SELECT industry, website, site FROM account WHERE crm_id = ?", account) == [(*old, "HQ")]
    losers = sim.sql(
        "SELECT field, old, rule FROM crmsync_journal WHERE run = ? AND field <> 'site' ORDER BY field", run
    )
    assert losers == [("industry", "Art", "crm-overwrites"), ("website", "x.org", "crm-overwrites")]


@pytest.mark.rule("R-100", "R-105")
def test_whose_company_values_a_person_shows(sim: Simulated) -> None:
    """A lead's are its own, a contact's are its account's; a contact without account has columns of its own."""
    sim.sync()
    values = {"Website": "lead.org", "AnnualRevenue": 12, "NumberOfEmployees": 3, "Industry": "Energy"}
    sim.later()
    lead = sim.org.create("Lead", {"LastName": "Roe", "Company": "Roe Ltd", **values})
    account = sim.org.create("Account", {"Name": "Doe Inc", **values, "Website": "account.org"})
    contact = sim.org.create("Contact", {"LastName": "Doe", "AccountId": account})
    alone = sim.org.create("Contact", {"LastName": "Alone"})
    sim.sync()
    assert sim.sql(IN_FULL, lead) == [("Roe Ltd", "Energy", "lead.org", 12, 3)]
    assert sim.sql(IN_FULL, contact) == [("Doe Inc", "Energy", "account.org", 12, 3)]
    assert sim.sql(IN_FULL, alone) == [(None, None, None, None, None)]
    sim.sql("UPDATE person_full SET company = 'Own' WHERE crm_id = ?", alone)
    assert sim.one("SELECT company FROM person WHERE crm_id = ?", alone) == "Own"
    assert sim.one("SELECT COUNT(*) FROM account WHERE name = 'Own'") == 0


@pytest.mark.rule("R-109", "R-100", "R-331")
def test_a_contact_that_moves_account_follows_it(sim: Simulated) -> None:
    """All account columns are those of the new account at once; one activity tells of the move."""
    sim.sync()
    mine, other = ids(sim, "Account")[:2]
    contact = contacts_of(sim, mine)[0]
    columns = "company, industry, website, billing_city, main_phone, account_owner_email"
    full = f"SELECT {columns} FROM person_full WHERE crm_id = ?"
    neighbour = sim.sql(full, contacts_of(sim, other)[0])
    sim.later()
    sim.org.update("Contact", contact, {"AccountId": other})
    run = sim.sync().run
    assert sim.sql(full, contact) == neighbour
    told = sim.sql("SELECT kind, field, old_value, new_value, crm_id FROM activity WHERE run = ?", run)
    assert told[0] == ("Change Data Value", "account_crm_id", mine, other, contact)
    assert [one[1] for one in told[1:]] == ["account_industry__c"]  # a formula of the contact's own


@pytest.mark.rule("R-110")
def test_a_deleted_account_is_flagged_and_its_contacts_keep_it(tmp_path: Path) -> None:
    """It counts under pull deletes; the row, its values, and the join of its contacts stay."""
    engine = Engine(tmp_path / "m.db")
    crm = engine.crm
    crm.put("Account", "001A", Name="Acme", Industry="Tech")
    crm.put("Contact", "003A", LastName="Doe", AccountId="001A")
    engine.sync()
    crm.tick(60)
    crm.delete("Account", "001A")
    summary = engine.sync()
    assert step(summary, "Account", "pull deletes")["deleted"] == 1
    assert engine.sql("SELECT crm_is_deleted, name FROM account") == [(1, "Acme")]
    assert engine.sql("SELECT crm_id, company, industry FROM person_full") == [("003A", "Acme", "Tech")]


@pytest.mark.rule("R-110")
def test_a_deletion_that_takes_the_contacts_along_flags_them_all(sim: Simulated) -> None:
    """In Salesforce an account's contacts are deleted with it: flagged too, and their account is still shown."""
    sim.sync()
    account = ids(sim, "Account")[0]
    contacts = contacts_of(sim, account)
    name = value(sim, "name", account, "account")
    sim.later()
    sim.org.delete("Account", account)
    summary = sim.sync()
    assert step(summary, "Account", "pull deletes")["deleted"] == 1
    assert step(summary, "Contact", "pull deletes")["deleted"] == len(contacts)
    flagged = sim.sql("SELECT crm_id, company FROM person_full WHERE crm_is_deleted = 1 ORDER BY crm_id")
    assert flagged == [(one, name) for one in sorted(contacts)]


def crowd(tmp_path: Path, contacts: int) -> Simulated:
    """An org whose last account has that many contacts, synced."""
    clock = SetClock(datetime(2026, 3, 1, 12, tzinfo=UTC))
    sim = Simulated(tmp_path / "m.db", Org(records=8, seed=7, big_account=contacts, clock=clock))
    sim.sync()
    return sim


@pytest.mark.rule("R-099", "R-103", "R-104")
@pytest.mark.parametrize(("contacts", "deleted", "logged"), [(5_000, 0, 5_000), (5_001, 0, 0), (5_001, 1, 5_000)])
def test_up_to_five_thousand_living_contacts_hear_of_a_change(
    tmp_path: Path, contacts: int, deleted: int, logged: int
) -> None:
    """One more and only the values change, which the step says; deleted contacts do not count."""
    sim = crowd(tmp_path, contacts)
    account = ids(sim, "Account")[-1]
    sim.later()
    for crm_id in contacts_of(sim, account)[:deleted]:
        sim.org.delete("Contact", crm_id)
    sim.org.update("Account", account, {"Industry": "Shipping"})
    summary = sim.sync()
    told = dict(
        sim.sql("SELECT kind, COUNT(*) FROM activity WHERE run = ? AND field = 'industry' GROUP BY kind", summary.run)
    )
    assert told == ({"Change Data Value": logged} if logged else {})
    assert sim.one("SELECT COUNT(*) FROM person_full WHERE industry = 'Shipping'") == contacts
    note: dict[str, Any] = next(
        one for one in summary.steps if (one["object"], one["operation"]) == ("Account", "pull updates")
    )
    assert (account in note["message"]) is not bool(logged)
    assert sim.one("SELECT COUNT(*) FROM person_full WHERE account_crm_id <> ?", account) <= 20


@pytest.mark.rule("R-331")
def test_a_contact_reads_what_changed_on_its_account(sim: Simulated) -> None:
    """Field, old value and new value, and the account behind it."""
    sim.sync()
    account = ids(sim, "Account")[0]
    old = value(sim, "industry", account, "account")
    sim.later()
    sim.org.update("Account", account, {"Industry": "Shipping"})
    run = sim.sync().run
    assert kinds(sim, run) == {"Change Data Value": len(contacts_of(sim, account))}
    contact = contacts_of(sim, account)[0]
    sql = """SELECT field, old_value, new_value, object, crm_id, source, reason FROM activity
             WHERE person_id = (SELECT id FROM person WHERE crm_id = ?)"""
    assert sim.sql(sql, contact) == [
        ("industry", old, "Shipping", "Account", account, "crm", "pulled from Account")
    ]  # fmt: skip
