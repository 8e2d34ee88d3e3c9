"""Which fields are read, and into which columns: the default mapping, and what the settings make of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from support.records import columns, edit_first, ids, listed, step, value
from support.simulated import Simulated

DEFAULTS = {
    "Lead": {
        "AnnualRevenue": ("annual_revenue", 5_000_000), "City": ("city", "Jena"), "Company": ("company", "Acme"),
        "Country": ("country", "DE"), "Description": ("notes", "A note"), "Email": ("email", "a@example.com"),
        "Fax": ("fax", "1"), "FirstName": ("first_name", "Ada"), "HasOptedOutOfEmail": ("unsubscribed", 1),
        "Industry": ("industry", "Energy"), "LeadSource": ("source", "Web"),
        "mkto71_Lead_Score__c": ("score", 12), "MobilePhone": ("mobile_phone", "2"),
        "NumberOfEmployees": ("number_of_employees", 9), "Phone": ("phone", "3"),
        "PostalCode": ("postal_code", "07743"),
        "Rating": ("rating", "Hot"), "Salutation": ("salutation", "Dr."), "State": ("state", "TH"),
        "Status": ("status", "Working - Contacted"), "Street": ("street", "Markt 1"), "Title": ("title", "CTO"),
        "Website": ("website", "https://example.com"), "LastName": ("last_name", "Abbe"),
        "ConvertedDate": ("crm_converted_at", None), "IsConverted": ("crm_is_converted", 0),
        "CreatedDate": ("crm_created_at", "2025-01-02T03:04:05.000Z"),
    },
    "Contact": {
        "Birthdate": ("birthdate", "1840-01-23"), "Description": ("notes", "A note"),
        "Email": ("email", "b@example.com"),
        "Fax": ("fax", "1"), "FirstName": ("first_name", "Ada"), "HasOptedOutOfEmail": ("unsubscribed", 1),
        "LastName": ("last_name", "Abbe"), "LeadSource": ("source", "Web"), "mkto71_Lead_Score__c": ("score", 12),
        "MailingCity": ("city", "Jena"), "MailingCountry": ("country", "DE"),
        "MailingPostalCode": ("postal_code", "07743"), "MailingState": ("state", "TH"),
        "MailingStreet": ("street", "Markt 1"), "MobilePhone": ("mobile_phone", "2"), "Phone": ("phone", "3"),
        "Salutation": ("salutation", "Dr."), "Title": ("title", "CTO"),
        "CreatedDate": ("crm_created_at", "2025-01-02T03:04:05.000Z"),
    },
    "Account": {
        "AnnualRevenue": ("annual_revenue", 5_000_000), "BillingCity": ("billing_city", "Jena"),
        "BillingCountry": ("billing_country", "DE"), "BillingPostalCode": ("billing_postal_code", "07743"),
        "BillingState": ("billing_state", "TH"), "BillingStreet": ("billing_street", "Markt 1"),
        "Description": ("company_notes", "A note"), "Industry": ("industry", "Energy"), "Name": ("name", "Acme"),
        "NumberOfEmployees": ("number_of_employees", 9), "Phone": ("main_phone", "3"), "Sic": ("sic_code", "3827"),
        "Site": ("site", "HQ"), "Type": ("company_type", "Prospect"), "Website": ("website", "https://example.com"),
    },
}  # fmt: skip

IGNORED = {
    "Account": "CreatedById LastActivityDate LastModifiedDate LastModifiedById MasterRecordId Fax Ownership Rating "
    "ShippingStreet ShippingCity ShippingState ShippingPostalCode ShippingCountry TickerSymbol",
    "Contact": "CreatedById LastActivityDate LastModifiedDate LastModifiedById MasterRecordId Name AssistantName "
    "AssistantPhone HomePhone LastCURequestDate LastCUUpdateDate OtherStreet OtherCity OtherState OtherPostalCode "
    "OtherCountry OtherPhone ReportsToId",
}
"""Fields that the original leaves out whatever its user may see."""


@pytest.mark.rule("R-198")
@pytest.mark.parametrize("name", list(DEFAULTS))
def test_every_line_of_the_default_mapping_brings_its_value(sim: Simulated, name: str) -> None:
    """Lead, contact and account: each standard field fills the column that the default mapping names."""
    lines = DEFAULTS[name]
    crm_id = edit_first(sim, name, {field: wanted for field, (_, wanted) in lines.items()})
    sim.sync()
    table = "account" if name == "Account" else "person"
    found = {field: value(sim, column, crm_id, table) for field, (column, _) in lines.items()}
    assert found == {field: wanted for field, (_, wanted) in lines.items()}
    assert value(sim, "crm_is_deleted", crm_id, table) == 0


@pytest.mark.rule("R-199")
@pytest.mark.parametrize("name", ["Lead", "Contact", "Account", "Opportunity"])
def test_custom_fields_of_every_type_arrive_typed(sim: Simulated, name: str) -> None:
    """A visible custom field has a column of its type, with the value in its one canonical form."""
    given: dict[str, tuple[Any, Any, str]] = {
        "string": ("x", "x", "TEXT"), "double": (12.5, 12.5, "ANY"), "currency": (3.25, 3.25, "ANY"),
        "percent": (7.5, 7.5, "ANY"), "int": (9, 9, "INTEGER"), "boolean": (True, 1, "INTEGER"),
        "date": ("2026-01-31", "2026-01-31", "TEXT"),
        "datetime": ("2026-01-31T08:15:00.000+0000", "2026-01-31T08:15:00.000Z", "TEXT"),
        "picklist": ("A", "A", "TEXT"), "multipicklist": ("B;A", "A;B", "TEXT"), "textarea": ("a, b", "a, b", "TEXT"),
        "url": ("https://x.example", "https://x.example", "TEXT"), "phone": ("+49 1", "+49 1", "TEXT"),
        "email": ("x@example.com", "x@example.com", "TEXT"),
    }  # fmt: skip
    for kind in given:
        sim.org.add_field(name, {"name": f"A_{kind}__c", "type": kind, "picklist": ["A", "B"], "scale": 2})
    crm_id = edit_first(sim, name, {f"A_{kind}__c": one[0] for kind, one in given.items()})
    sim.sync()
    table = {"Lead": "person", "Contact": "person"}.get(name, name.lower())
    assert {kind: value(sim, f"a_{kind}__c", crm_id, table) for kind in given} == {
        k: v for k, (_, v, _) in given.items()
    }
    types = {row[1]: row[2] for row in sim.sql(f"PRAGMA table_info({table})")}
    assert {kind: types[f"a_{kind}__c"] for kind in given} == {kind: one[2] for kind, one in given.items()}


@pytest.mark.rule("R-020")
def test_every_visible_field_that_is_selected_has_a_column_for_good(sim: Simulated) -> None:
    """Custom fields and those of the default mapping; a column stays when its field is gone."""
    sim.sync()
    lines = listed(sim)
    chosen = {name: one for name, one in lines.items() if one["state"] == "selected"}
    custom = [name for name in lines if name.endswith("__c") and lines[name]["entity"] in ("person", "account")]
    assert len(custom) > 30
    assert set(custom) <= set(chosen)
    identity = {"crm_id", "modified_at", "version"}
    tables = {one["entity"]: columns(sim, one["entity"]) for one in chosen.values()}
    assert [n for n, one in chosen.items() if one["column"] not in {*tables[one["entity"]], *identity}] == []
    sim.org.remove_field("Lead", "Owner_Name__c")
    sim.sync()
    assert "owner_name__c" in columns(sim)


@pytest.mark.rule("R-208")
def test_rarely_wanted_fields_are_left_out_until_they_are_included(tmp_path: Path) -> None:
    """The original never reads them; here they are absent by default and there when asked for."""
    sim = Simulated(tmp_path / "a.db")
    names = [f"{obj}.{name}" for obj, text in IGNORED.items() for name in text.split()]
    contact = edit_first(sim, "Contact", {"AssistantName": "Robin", "MailingCity": "Jena", "OtherCity": "Ulm"})
    sim.sync()
    assert [name for name in names if listed(sim)[name]["column"]] == []
    assert value(sim, "city", contact) == "Jena"
    assert "assistantname" not in columns(sim)
    other = Simulated(tmp_path / "b.db", sim.org, fields={"include": names})
    other.sync()
    assert [name for name in names if not listed(other)[name]["column"]] == []
    assert [value(other, one, contact) for one in ("assistantname", "othercity", "city")] == ["Robin", "Ulm", "Jena"]
    assert other.verify().ok


@pytest.mark.rule("R-238")
def test_an_org_without_the_optional_fields_syncs(sim: Simulated) -> None:
    """Score and acquisition have nothing to fill them; everything else works."""
    for name in ("Lead", "Contact"):
        for field in list(sim.org.state.objects[name].fields):
            if field.startswith("mkto71_"):
                sim.org.remove_field(name, field)
    assert sim.sync().status == "succeeded"
    assert sim.sql("SELECT COUNT(*), COUNT(email), COUNT(score) FROM person") == [(30, 29, 0)]
    assert sim.verify().ok


@pytest.mark.rule("R-209")
def test_the_list_of_fields_shows_the_mapping_in_force(sim: Simulated) -> None:
    """Not that of the first sync: a field added later is there with its column."""
    sim.sync()
    assert "Lead.Later__c" not in listed(sim)
    sim.org.add_field("Lead", {"name": "Later__c", "label": "Later"})
    sim.sync()
    line = listed(sim)["Lead.Later__c"]
    assert (line["state"], line["column"], line["label"]) == ("selected", "later__c", "Later")
    assert step(sim.sync(), "Lead")["failed"] == 0
    assert len(ids(sim, "Lead")) == 10
