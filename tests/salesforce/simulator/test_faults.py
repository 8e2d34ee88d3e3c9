"""Planted faults hit what they were planted for, and the control path tells and sets the rest."""

from collections.abc import Callable
from datetime import timedelta
from http.client import HTTPException, IncompleteRead
from typing import Any

import pytest

from crmsync.clock import SetClock
from salesforce.simulator.running import Client

QUERY = "/query?q=SELECT+Id+FROM+Contact"


def plant(client: Client, action: dict[str, Any], **match: Any) -> None:
    client.control("POST", "faults", [{"match": match, "action": action}])


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("expire_session", 401, "INVALID_SESSION_ID"),
        ("daily_limit", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("concurrent_limit", 403, "REQUEST_LIMIT_EXCEEDED"),
        ("lock_row", 400, "UNABLE_TO_LOCK_ROW"),
        ("query_timeout", 400, "QUERY_TIMEOUT"),
        ("server_error", 500, "UNKNOWN_EXCEPTION"),
        ("not_acceptable", 406, "CustomNotAcceptable"),
    ],
)
def test_a_named_fault_answers_as_the_vendor_would(client: Client, name: str, status: int, code: str) -> None:
    plant(client, {"name": name}, path="/query")
    answer = client.rest("GET", QUERY)
    assert (answer.status, answer.code) == (status, code)
    if name != "expire_session":
        assert client.rest("GET", QUERY).status == 200


@pytest.mark.parametrize(("name", "status"), [("maintenance", 503), ("uri_too_long", 414), ("headers_too_large", 431)])
def test_some_faults_come_in_html(client: Client, name: str, status: int) -> None:
    plant(client, {"name": name})
    answer = client.rest("GET", QUERY)
    assert (answer.status, answer.body[:6]) == (status, b"<html>")


def test_a_fault_waits_for_its_turn_and_lasts_as_long_as_it_should(client: Client) -> None:
    plant(client, {"status": 500, "body": []}, method="GET", path="/query", nth=2, times=2)
    assert [client.rest("GET", QUERY).status for _ in range(5)] == [200, 500, 500, 200, 200]
    plant(client, {"status": 502, "body": "bad gateway", "content_type": "text/plain"}, times=None)
    assert [client.rest("GET", QUERY).status for _ in range(3)] == [502, 502, 502]
    client.control("DELETE", "faults")
    assert client.rest("GET", QUERY).status == 200


def test_a_body_can_be_cut_and_a_connection_dropped(client: Client) -> None:
    plant(client, {"cut": 20}, path="/query")
    with pytest.raises(IncompleteRead):
        client.rest("GET", QUERY)
    plant(client, {"drop": True}, path="/query")
    with pytest.raises((HTTPException, ConnectionError)):
        client.rest("GET", QUERY)
    assert client.rest("GET", QUERY).status == 200


def test_headers_can_be_stripped(client: Client) -> None:
    assert "Sforce-Limit-Info" in client.rest("GET", QUERY).headers
    plant(client, {"strip": ["Sforce-Limit-Info", "Date"]}, path="/query")
    headers = client.rest("GET", QUERY).headers
    assert "Sforce-Limit-Info" not in headers
    assert not headers.get("Date")


def test_a_page_can_come_twice_or_lose_its_successor(site: Callable[..., Client]) -> None:
    client = site(50, batch_size=20)
    first = client.query("SELECT Id FROM Contact")
    plant(client, {"name": "repeat_page"}, path="/query/")
    assert client.send("GET", first["nextRecordsUrl"]).json == first
    plant(client, {"name": "drop_next_url"}, path="/query/")
    page = client.send("GET", first["nextRecordsUrl"]).json
    assert (page["done"], "nextRecordsUrl" in page) == (False, False)
    plant(client, {"name": "expire_locators"}, path="/query/")
    assert client.send("GET", first["nextRecordsUrl"]).code == "INVALID_QUERY_LOCATOR"


def test_an_unauthorised_answer_that_no_login_cures(client: Client) -> None:
    plant(client, {"name": "unauthorized"})
    assert client.rest("GET", QUERY).status == 401
    client.token = Client(client.server).token
    assert client.rest("GET", QUERY).status == 401
    client.control("DELETE", "faults")
    assert client.rest("GET", QUERY).status == 200


def test_the_token_endpoint_can_fail(client: Client) -> None:
    plant(client, {"name": "token_error", "error": "server_error"}, path="oauth2/token")
    assert client.token_for(grant_type="client_credentials").json == {"error": "server_error"}


@pytest.mark.parametrize(
    ("name", "state"), [("bulk_failed", "Failed"), ("bulk_aborted", "Aborted"), ("bulk_stuck", "InProgress")]
)
def test_a_bulk_job_can_end_badly_or_never(client: Client, name: str, state: str) -> None:
    job = client.rest("POST", "/jobs/query", {"operation": "query", "query": "SELECT Id FROM Contact"}).json
    plant(client, {"name": name}, path="/jobs/query/")
    states = {client.rest("GET", f"/jobs/query/{job['id']}").json["state"] for _ in range(5)}
    assert states == {state}


def test_bulk_results_can_begin_with_a_byte_order_mark(client: Client) -> None:
    job = client.rest("POST", "/jobs/query", {"operation": "query", "query": "SELECT Id FROM Contact"}).json
    for _ in range(3):
        client.rest("GET", f"/jobs/query/{job['id']}")
    plant(client, {"name": "bulk_bom", "strip": ["Sforce-Locator"]}, path="/results")
    answer = client.rest("GET", f"/jobs/query/{job['id']}/results")
    assert answer.body.startswith(b'\xef\xbb\xbf"Id"')
    assert "Sforce-Locator" not in answer.headers


@pytest.mark.parametrize(
    ("feature", "path"),
    [
        ("queryAll", "/queryAll?q=SELECT+Id+FROM+Lead"),
        ("getDeleted", "/sobjects/Lead/deleted?start=2026-03-01T11:00:00Z&end=2026-03-01T14:00:00Z"),
        ("limits", "/limits"),
        ("recordCount", "/limits/recordCount"),
        ("bulk", "/jobs/query/7505e0000000001AAA"),
    ],
)
def test_a_feature_can_be_missing(client: Client, feature: str, path: str) -> None:
    client.control("POST", "faults", {"disable": [feature]})
    assert client.rest("GET", path).status == 404


def test_nonsense_is_not_planted(client: Client) -> None:
    for body in ([{"action": {"name": "nonsense"}}], [{"match": {"pth": "x"}, "action": {}}], {"disable": ["x"]}):
        assert client.send("POST", "/control/faults", body).status == 400
    assert client.control("GET", "faults") == {"faults": [], "disable": []}


def test_the_daily_limit_stops_everything_until_it_is_raised(client: Client) -> None:
    client.control("POST", "limits", {"DailyApiRequests": 1})
    assert client.rest("GET", QUERY).status == 200
    answer = client.rest("GET", QUERY)
    assert (answer.status, answer.json[0]["message"]) == (403, "TotalRequests Limit exceeded.")
    client.control("POST", "limits", {"daily_limit": 200_000})
    assert client.rest("GET", QUERY).status == 200


def test_statistics_tell_what_was_asked_and_can_begin_anew(client: Client) -> None:
    client.control("POST", "statistics/reset")
    client.rest("GET", QUERY)
    client.rest("GET", "/sobjects/Nowhere")
    counts = client.control("GET", "statistics")
    assert (counts["calls"], counts["requests"], counts["kinds"]["query"], counts["in_flight_max"]) == (2, 2, 1, 1)
    assert counts["paths"]["GET /services/data/v62.0/query"] == 1
    assert [one["status"] for one in counts["last"]] == [200, 404]


def test_the_clock_is_set_and_advanced(client: Client, clock: SetClock) -> None:
    before = clock.now()
    assert client.control("POST", "clock", {"advance": 90})["now"] == "2026-03-01T12:01:30.000Z"
    assert clock.now() - before == timedelta(seconds=90)
    assert client.control("POST", "clock", {"now": "2026-05-01T00:00:00Z"})["now"] == "2026-05-01T00:00:00.000Z"
    assert client.rest("GET", QUERY).status == 401


def test_another_user_edits_over_the_control_path(client: Client) -> None:
    made = client.control("POST", "records/Lead", {"values": {"LastName": "C", "Company": "D"}, "user": "admin"})["id"]
    client.control("PATCH", f"records/Lead/{made}", {"values": {"Title": "T"}})
    record = client.control("GET", f"records/Lead/{made}")
    assert (record["Title"], record["LastModifiedById"]) == ("T", client.org.state.people.admin)
    client.control("DELETE", f"records/Lead/{made}", {})
    client.control("POST", f"records/Lead/{made}/undelete", {})
    done = client.control("POST", "records/Lead/convert", {"lead": made, "opportunity": False})
    assert done["opportunityId"] is None
    two = client.control("POST", "records/Contact", {"values": [{"LastName": "A"}, {"LastName": "B"}]})["ids"]
    client.control("POST", "records/Contact/merge", {"master": two[0], "losers": [two[1]]})
    assert client.control("GET", f"records/Contact/{two[1]}")["MasterRecordId"] == two[0]
    assert client.control("GET", "records/Contact?limit=1")["count"] == client.org.count("Contact")
