"""Values that CSV, JSON and databases stumble over: the same rows by REST and by bulk, whatever they hold."""

from __future__ import annotations

from typing import Any

import pytest

from support.office import Office

LONG = "textarea"
LONGEST = 131_072

ODD: dict[str, dict[str, Any]] = {
    "lines": {"Description": "one\ntwo\r\nthree\n\n", "MailingStreet": "1 Main St\nFloor 2"},
    "quotes": {"Description": 'she said "yes", and ""no""', "Title": '"', "MailingCity": ',",'},
    "commas and a header": {"Description": 'Id,"Name"\n003000000000001AAA,"x"', "Title": ","},
    "NUL": {"Description": "be\0fore", "Title": "\0\0x"},
    "spaces": {"Description": " padded\t", "MailingCity": "\u00a0\u2003wide\u2028line\u0085next"},
    "scripts": {"LastName": "Ωμέγα 漢字 שלום 👩‍👩‍👧", "FirstName": "e\u0301", "Title": "\ufeffBOM within"},
    "longest": {"Notes__c": 'ab"c,\n' * (LONGEST // 7)},
    "formulas": {"Title": "=1+1", "MailingCity": "@x", "Description": "-1"},
    "words": {"Title": "null", "MailingCity": "NULL", "FirstName": "#N/A", "Description": "true"},
    "1700": {"Birthdate": "1700-01-01", "Seen__c": "1700-02-28T23:59:59.000+0000"},
    "4000": {"Birthdate": "4000-12-31", "Seen__c": "4000-12-31T00:00:00.000+0000"},
    "a leap day": {"Birthdate": "2000-02-29", "Seen__c": "2096-02-29T12:00:00.000+0000"},
    "no choice of the list": {"LeadSource": "None of these", "Chosen__c": "c;a;never heard of"},
    "numbers": {"Size__c": 123456789012345.67, "Budget__c": -0.01},
}
FIELDS: list[dict[str, Any]] = [
    {"name": "Notes__c", "type": LONG, "length": LONGEST},
    {"name": "Seen__c", "type": "datetime"},
    {"name": "Chosen__c", "type": "multipicklist", "picklist": ["a", "b", "c"]},
    {"name": "Size__c", "type": "double"},
]


def fill(office: Office) -> dict[str, dict[str, Any]]:
    """Put each of these into a contact; what the person should hold, by its id."""
    for one in FIELDS:
        office.org.add_field("Contact", one)
    expected: dict[str, dict[str, Any]] = {}
    for (_, values), identity in zip(ODD.items(), office.contacts(), strict=False):
        office.org.update("Contact", identity, values)
        found = office.org.get("Contact", identity) or {}
        expected[identity] = {name: found[name] for name in values}
    return expected


def columns(office: Office) -> dict[str, str]:
    """The column of every selected field of a contact."""
    return {
        row["field"]: row["column"] for row in office("fields", "--object", "Contact", "--json").data if row["column"]
    }


def canonical(name: str, value: Any) -> Any:
    """A value as the database holds it."""
    if name == "Seen__c":
        return str(value).replace("+0000", "Z")
    if name == "Chosen__c":
        return ";".join(sorted(str(value).split(";")))
    if name == "Size__c":  # more digits than a float holds
        return str(value)
    return value.replace("\0", "") if isinstance(value, str) else value


@pytest.mark.parametrize("bulk", ["never", "always"])
@pytest.mark.parametrize("change", [False, True], ids=["load", "change"])
def test_odd_values_arrive_as_they_are(office: Office, bulk: str, change: bool) -> None:
    """By REST and by bulk with a byte order mark and small pages, in the first load and as a change."""
    office.own |= {"bulk": bulk, "bulk_page_size": 100}
    if change:
        office.own |= {"bulk_threshold": 0, "bulk": "auto" if bulk == "always" else bulk}
        for one in FIELDS:
            office.org.add_field("Contact", one)
        office.sync()
    office.plant("bulk_bom", path="/results", times=None)
    expected = fill(office)
    office.sync()
    jobs = [path for path in office.server.statistics.paths if "/jobs/query" in path]
    assert bool(jobs) is (bulk == "always")
    named = columns(office)
    for identity, values in expected.items():
        for name, value in values.items():
            (found,) = office.sql(f'SELECT "{named[name]}" FROM person WHERE crm_id = ?', identity)
            assert found == (canonical(name, value),), (name, str(found)[:100])
    assert office.errors() == []
    office.agrees()
