"""Person accounts: one record of the CRM that is a company and a person."""

from __future__ import annotations

from pathlib import Path

import pytest

from crmsync_salesforce.simulator import Org
from support.records import columns, ids, kinds, value
from support.simulated import Simulated


@pytest.fixture
def sim(tmp_path: Path) -> Simulated:
    """An org of ten contacts of companies and three person accounts."""
    plain = Simulated(tmp_path / "m.db")
    return Simulated(tmp_path / "m.db", Org(records=10, seed=7, person_accounts=3, clock=plain.clock))


def pair(sim: Simulated) -> tuple[str, str]:
    """The account and the contact that are one person."""
    account = next(one for one in sim.org.records("Account") if one["IsPersonAccount"])
    return str(account["Id"]), str(account["PersonContactId"])


@pytest.mark.rule("R-320")
def test_a_person_account_is_a_company_and_a_person(sim: Simulated) -> None:
    """One row in each table, joined; an edit of either half reaches both."""
    sim.sync()
    account, contact = pair(sim)
    assert sim.one("SELECT COUNT(*) FROM account WHERE crm_id = ?", account) == 1
    assert sim.one("SELECT COUNT(*) FROM person WHERE crm_id = ?", contact) == 1
    assert value(sim, "account_crm_id", contact) == account
    assert sim.sql("SELECT COUNT(*) FROM person WHERE account_crm_id = ?", account) == [(1,)]
    assert value(sim, "company", contact, "person_full") == value(sim, "name", account, "account")
    sim.later()
    sim.org.update("Account", account, {"LastName": "Abbe", "FirstName": "Ernst"})
    sim.sync()
    assert value(sim, "last_name", contact) == "Abbe"
    assert value(sim, "name", account, "account") == "Ernst Abbe"
    assert sim.verify().ok


@pytest.mark.rule("R-321")
def test_its_custom_fields_are_copied_to_both(sim: Simulated) -> None:
    """In the account under the name it has there, in the person under the contact's."""
    sim.sync()
    account, contact = pair(sim)
    for wanted in (True, False):
        sim.later()
        sim.org.update("Account", account, {"Newsletter__pc": wanted})
        sim.sync()
        assert value(sim, "newsletter__pc", account, "account") == wanted
        assert value(sim, "newsletter__c", contact) == wanted


@pytest.mark.rule("R-322")
def test_person_and_business_accounts_are_told_apart(sim: Simulated) -> None:
    """On the account and on the person."""
    sim.sync()
    account, contact = pair(sim)
    assert (value(sim, "is_person_account", account, "account"), value(sim, "is_person_account", contact)) == (1, 1)
    assert sim.one("SELECT COUNT(*) FROM account WHERE is_person_account") == 3
    assert sim.one("SELECT COUNT(*) FROM person WHERE is_person_account") == 3
    assert sim.one("SELECT COUNT(*) FROM account WHERE is_person_account = 0") == len(ids(sim, "Account")) - 3


@pytest.mark.rule("R-323")
def test_its_opportunity_belongs_to_the_person_through_a_role_alone(sim: Simulated) -> None:
    """Without a role to nobody, with one to the person."""
    sim.sync()
    account, contact = pair(sim)
    sim.later()
    deal = sim.org.create(
        "Opportunity", {"Name": "D", "StageName": "Prospecting", "CloseDate": "2026-12-31", "AccountId": account}
    )
    run = sim.sync().run
    joined = """SELECT p.crm_id FROM opportunity o JOIN opportunity_role r ON r.opportunity_crm_id = o.crm_id
                JOIN person p ON p.crm_id = r.contact_crm_id WHERE o.crm_id = ?"""
    assert value(sim, "account_crm_id", deal, "opportunity") == account
    assert (sim.sql(joined, deal), kinds(sim, run)) == ([], {})
    sim.later()
    sim.org.create("OpportunityContactRole", {"OpportunityId": deal, "ContactId": contact})
    run = sim.sync().run
    assert sim.sql(joined, deal) == [(contact,)]
    assert kinds(sim, run) == {"Added to Opportunity": 1}


@pytest.mark.rule("R-324")
def test_its_address_is_the_persons_email(sim: Simulated) -> None:
    """And there is no second column for it, neither in the person nor in the account."""
    sim.sync()
    account, contact = pair(sim)
    sim.later()
    sim.org.update("Account", account, {"PersonEmail": "ernst@example.com"})
    sim.sync()
    assert value(sim, "email", contact) == "ernst@example.com"
    assert [one for one in (*columns(sim), *columns(sim, "account")) if "personemail" in one.replace("_", "")] == []
