"""Servers that lack something, and bulk jobs that come to nothing: another way is taken, and a note tells which."""

from __future__ import annotations

from typing import Any

import pytest

from support.office import Office

LACKS = {
    "versions": "lists no API versions",
    "queryAll": "has no queryAll",
    "getDeleted": "has no feed of deletions",
    "composite": "has no composite requests",
    "bulk": "has no usable bulk queries",
    "limits": "tells nothing of its daily calls",
    "locators": "",
    "describe_304": "",
    "recordCount": "",
}


def lacking(office: Office, *names: str) -> list[str]:
    """The notes of two cycles on a server without these; the second brings a bit of everything."""
    office.server.site.disabled = set(names)
    if "bulk" in names:
        office.own["bulk"] = "always"
    if "limits" in names:
        office.plant({"strip": ["Sforce-Limit-Info"]}, times=None)
    office.org.settings.batch_size = 200
    notes = list(office.sync()["notes"])
    first, second = office.contacts()[:2]
    office.org.update("Contact", first, {"Title": "Chief"})
    office.org.delete("Contact", second)
    office.org.create("Lead", {"LastName": "New", "Company": "New Ltd"})
    summary = office.sync()
    counts = summary["counts"]
    assert (counts["new"], counts["updated"], counts["deleted"]) == (1, 1, 1)
    office.agrees()
    return [str(note) for note in [*notes, *summary["notes"]]]


@pytest.mark.parametrize("name", LACKS)
def test_a_server_that_lacks_one_thing_is_read_another_way(office: Office, name: str) -> None:
    notes = lacking(office, name)
    assert not LACKS[name] or any(LACKS[name] in note for note in notes), notes
    office.carries_on()


def test_a_server_that_lacks_everything_is_read_all_the_same(office: Office) -> None:
    """What came and changed is here; deletions are found by comparing ids."""
    notes = lacking(office, *LACKS)
    for name in ("versions", "getDeleted", "bulk", "limits"):
        assert any(LACKS[name] in note for note in notes), notes
    said = office("check")
    assert said.code == 0, said
    office.carries_on()


@pytest.mark.parametrize(
    ("action", "words"),
    [
        ("bulk_failed", "failed: InternalServerError"),
        ("bulk_aborted", "aborted"),
        ("bulk_stuck", "did not end in time"),
        ({"status": 500, "body": ""}, ""),
        ({"cut": 20}, ""),
    ],
)
@pytest.mark.parametrize("change", [False, True], ids=["load", "change"])
def test_a_bulk_job_that_comes_to_nothing_is_read_page_by_page(
    office: Office, action: Any, words: str, change: bool
) -> None:
    """Failed, aborted or never ending: with a note. Errors of the way alone are tried again first."""
    office.own |= {"bulk": "always", "bulk_deadline_seconds": 0.05}
    if change:
        office.own |= {"bulk": "auto", "bulk_threshold": 0}
        office.sync()
        for one in office.contacts():
            office.org.update("Contact", one, {"Title": "Chief"})
    named = isinstance(action, str)
    office.plant(action, path=r"/jobs/query/\w+", times=None if named else 2)
    summary = office.sync()
    said = " ".join([*summary["notes"], *(one["message"] for one in summary["steps"])])
    assert words in said, said
    assert not named or "page by page" in said, said
    assert summary["counts"]["updated"] == (20 if change else 0)
    office.carries_on()
    assert office.sql("SELECT COUNT(*), COUNT(DISTINCT crm_id) FROM person") == [(30, 30)]


def test_bulk_results_without_the_headers_of_a_proxy_are_complete(office: Office) -> None:
    """The place of the next page is cut off: that the job has more rows than came is noticed."""
    office.own |= {"bulk": "always", "bulk_page_size": 100}
    for number in range(150):
        office.org.create("Contact", {"LastName": f"Number {number}"})
    headers = ["Date", "Sforce-Limit-Info", "Sforce-Locator", "Sforce-NumberOfRecords"]
    office.plant({"strip": headers}, times=None)
    summary = office.sync()
    assert any("has 170 records, only 100 came" in note for note in summary["notes"]), summary["notes"]
    office.agrees()
    assert office.sql("SELECT COUNT(*), COUNT(DISTINCT crm_id) FROM person") == [(180, 180)]
    office.carries_on()
