"""What happens to answers on their way: cut, delayed, replaced, repeated, refused. Nothing is lost or stored twice."""

from __future__ import annotations

from typing import Any

import pytest

from support.office import Office

PAGE: dict[str, Any] = {"status": 200, "body": "<html><body>Please log in</body></html>", "content_type": "text/html"}
HEADERS = ["Date", "Sforce-Limit-Info", "Sforce-Locator", "Sforce-NumberOfRecords"]
LEADS = r"FROM(%20|\+| )Lead(%20|\+| |$)"

PASSING: dict[str, tuple[Any, dict[str, Any]]] = {
    "a cursor expired": ("expire_locators", {"path": "/query/", "nth": 1}),
    "cursors expire again and again": ("expire_locators", {"path": "/query/", "times": 3}),
    "a page of a proxy": (PAGE, {"path": "/query", "nth": 2}),
    "a page of a proxy at once": (PAGE, {"path": "/services/data/v"}),
    "a page of a proxy at the log-in": (PAGE, {"path": "token"}),
    "headers cut off": ({"strip": HEADERS}, {"times": None}),
    "no character set": ("no_charset", {"times": None}),
    "cut in a page": ({"cut": 300}, {"path": "/query", "nth": 2}),
    "cut in several pages": ({"cut": 1}, {"path": "/query", "nth": 2, "times": 2}),
    "dropped": ({"drop": True}, {"path": "/query", "nth": 2}),
    "the same page twice": ("repeat_page", {"path": "/query/"}),
    "an error and then none": ("server_error", {"path": "/query", "nth": 2}),
    "two errors and then none": ("server_error", {"path": "/query", "nth": 2, "times": 2}),
    "an error without words": ({"status": 500, "body": ""}, {"path": "/services/data/v"}),
    "maintenance": ("maintenance", {"path": "/query", "nth": 2}),
    "too many at once": ("concurrent_limit", {"path": "/query", "nth": 2}),
    "a slow query": ("query_timeout", {"path": "/query", "nth": 2}),
    "throttled": ({"status": 429, "body": "", "headers": {"Retry-After": "0"}}, {"path": "/query", "nth": 2}),
}

LASTING: dict[str, tuple[Any, dict[str, Any], int, str]] = {
    "a page of a proxy": (PAGE, {"path": "/services/data/v"}, 6, "A page for people came in place of data"),
    "a page of a proxy in place of records": (PAGE, {"path": "/query"}, 6, "A page for people came in place of data"),
    "maintenance": ("maintenance", {}, 6, "HTTP 503"),
    "errors everywhere": ("server_error", {"path": "/services/data/v"}, 6, "UNKNOWN_EXCEPTION"),
    "cut for ever": ({"cut": 1}, {"path": "/services/data/v"}, 6, "was cut in the middle of an answer"),
    "no json": ({"status": 200, "body": "OK"}, {"path": "/query"}, 6, "is no page of records"),
    "no address of the next page": ("drop_next_url", {"path": "/query"}, 6, "there is more and not where"),
    "errors on one object": ("server_error", {"path": LEADS}, 1, "Lead: An unexpected error occurred"),
    "a refusal of one object": ("not_acceptable", {"path": LEADS}, 1, "Lead: Not acceptable"),
}


@pytest.mark.parametrize("name", PASSING)
def test_what_passes_is_not_even_noticed(office: Office, name: str) -> None:
    """In the first load, and then in a cycle in which every contact changed."""
    action, match = PASSING[name]
    office.org.settings.batch_size = 8
    for new in (47, 0):
        fault = office.plant(action, **match)
        assert office.sync()["counts"]["new"] == new
        assert fault.hits
        office.heal()
        assert office.sql("SELECT COUNT(*), COUNT(DISTINCT crm_id) FROM person") == [(30, 30)]
        if new:
            for one in office.contacts():
                office.org.update("Contact", one, {"Title": "Chief"})
    assert office.sql("SELECT COUNT(*) FROM activity WHERE field = 'title'") == [(20,)]
    office.agrees()


@pytest.mark.parametrize("name", LASTING)
def test_what_lasts_is_told_and_the_first_load_goes_on_afterwards(office: Office, name: str) -> None:
    """With what happened, in the complaint or the step; what was read before is kept."""
    action, match, code, words = LASTING[name]
    office.org.settings.batch_size = 8
    fault = office.plant(action, **match, times=None)
    summary = office.sync(code)
    assert fault.hits
    said = summary.get("complaint", "") + " ".join(one["message"] for one in summary.get("steps", ()))
    assert words in said, said
    assert words in " ".join(one["message"] for one in office.errors("--level", "job"))
    assert office("status", "--json").data["state"] == "failed"
    if name.endswith("one object"):
        assert office.steps()["Contact", "pull updates"]["new"] == 20
        assert office.steps()["Lead", "pull updates"]["status"] == "failed"
    office.carries_on()


def test_an_outage_between_two_cycles_costs_nothing_but_time(office: Office) -> None:
    """Three cycles fail, records change meanwhile, and the next one brings it all."""
    office.sync()
    first, second, third = office.contacts()[:3]
    office.plant("maintenance", times=None)
    for change in ({"Title": "One"}, {"Title": "Two"}, {"Title": "Three"}):
        office.org.update("Contact", first, change)
        office.sync(6)
    office.org.delete("Contact", second)
    office.org.update("Contact", third, {"Email": "new@example.com"})
    counts = office.carries_on()["counts"]
    assert (counts["updated"], counts["deleted"]) == (2, 1)
    changes = office.sql("SELECT new_value FROM activity WHERE field = 'title'")
    assert changes == [("Three",)]
