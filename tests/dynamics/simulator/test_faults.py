"""Limits, planted faults and the control path."""

from collections.abc import Callable
from datetime import timedelta
from http.client import HTTPException
from threading import Thread

import pytest

from crmsync.clock import SetClock
from dynamics.simulator.running import Answer, Client


def test_too_many_requests_are_told_when_to_come_again(site: Callable[..., Client], clock: SetClock) -> None:
    """Above the limit of a window comes 429 with the wait, longer for who does not wait; afterwards all is well."""
    client = site(request_limit=3, request_window=60)
    left = [client.get("WhoAmI").headers["x-ms-ratelimit-burst-remaining-xrm-requests"] for _ in range(3)]
    assert left == ["2", "1", "0"]
    refused = client.get("WhoAmI")
    assert (refused.status, refused.code, refused.headers["Retry-After"]) == (429, "0x80072322", "60")
    assert client.as_user("minimum").get("WhoAmI").status == 200
    clock.advance(timedelta(seconds=50))
    assert int(client.get("WhoAmI").headers["Retry-After"]) == 60
    clock.advance(timedelta(seconds=60))
    answer = client.get("WhoAmI")
    assert (answer.status, answer.headers["x-ms-dop-hint"]) == (200, "8")


def test_too_many_requests_at_once_are_refused(site: Callable[..., Client]) -> None:
    """One request more than may run at once is refused while the others go on."""
    client = site(concurrency_limit=1)
    client.server.faults.plant({"delay": 0.3}, path="/contacts")
    answers: list[Answer] = []
    slow = Thread(target=lambda: answers.append(client.get("contacts", top="1")))
    slow.start()
    while not client.server.statistics.in_flight:
        pass
    refused = client.get("WhoAmI")
    slow.join()
    assert (refused.status, refused.code) == (429, "0x80072326")
    assert answers[0].status == 200


@pytest.mark.parametrize(
    ("name", "status", "code"),
    [
        ("throttle_requests", 429, "0x80072322"),
        ("throttle_time", 429, "0x80072321"),
        ("throttle_concurrency", 429, "0x80072326"),
        ("deadlock", 500, "0x80044150"),
        ("sql_timeout", 500, "0x80044151"),
        ("plugin_refused", 400, "0x80040265"),
        ("unexpected", 500, "0x80040216"),
        ("version_expired", 400, "0x80044352"),
        ("cookie_invalid", 400, "0x8004112a"),
    ],
)
def test_planted_refusals_hit_what_they_match(client: Client, name: str, status: int, code: str) -> None:
    """A fault planted over the control path hits the requests that it matches, as often as it says."""
    client.control("POST", "faults", {"match": {"path": "/contacts"}, "action": {"name": name}})
    assert client.get("WhoAmI").status == 200
    refused = client.get("contacts", top="1")
    assert (refused.status, refused.code) == (status, code)
    assert client.get("contacts", top="1").status == 200
    assert client.control("GET", "faults")["faults"][0]["hits"] == 1
    assert client.control("DELETE", "faults")["faults"] == []


def test_pages_of_proxies_and_broken_connections(client: Client) -> None:
    """HTML in place of JSON, an answer cut off, a connection dropped, and links that are missing or lead elsewhere."""
    for name, status in (("sign_in_page", 200), ("maintenance", 503), ("bad_gateway", 502), ("gateway_timeout", 504)):
        client.server.faults.plant({"name": name, "retry_after": 7}, path="/contacts")
        answer = client.get("contacts")
        assert (answer.status, answer.headers["Content-Type"]) == (status, "text/html; charset=utf-8")
        assert answer.headers["Retry-After"] == "7"
    for action in ({"cut": 20}, {"drop": True}):
        client.server.faults.plant(action, path="/contacts")
        with pytest.raises((HTTPException, ConnectionError)):
            client.get("contacts")
    client.server.faults.plant({"name": "link_elsewhere"}, path="/contacts")
    link = client.get("contacts", "odata.maxpagesize=5").json["@odata.nextLink"]
    assert link.startswith("https://elsewhere.example.com/api/data")
    client.server.faults.plant({"name": "drop_delta_link"}, path="/contacts")
    assert "@odata.deltaLink" not in client.get("contacts", "odata.track-changes").json
    client.server.faults.plant({"name": "token_error"}, path="/oauth2/")
    assert client.token_for().json["error"] == "temporarily_unavailable"
    client.server.faults.plant({"name": "expire_tokens"}, path="/contacts")
    assert client.get("contacts").status == 401


def test_the_control_path_counts_sets_and_refuses(client: Client) -> None:
    """Statistics begin anew when told, the clock and settings are moved, and what is not known is refused."""
    client.get("contacts", top="1")
    counts = client.control("GET", "statistics")
    assert counts["kinds"]["query"] == 1
    assert counts["in_flight_max"] == 1
    assert client.control("POST", "statistics/reset")["requests"] == 0
    assert client.control("POST", "clock", {"advance": 60})["now"] == "2026-05-04T12:01:00.000Z"
    assert client.control("POST", "settings", {"page_size": 3})["page_size"] == 3
    assert len(client.rows("contacts")) == 3
    made = client.control("POST", "records/contact", {"values": {"lastname": "Made"}})["id"]
    client.control("PATCH", f"records/contact/{made}", {"values": {"jobtitle": "CTO"}})
    assert client.control("GET", f"records/contact/{made}")["jobtitle"] == "CTO"
    client.control("DELETE", f"records/contact/{made}")
    for method, path, body in (
        ("POST", "settings", {"nothing": 1}),
        ("POST", "faults", {"action": {"name": "nothing"}}),
        ("POST", "schema", {"nothing": []}),
        ("GET", f"records/contact/{made}", None),
        ("PUT", "clock", {}),
    ):
        assert client.send(method, f"/control/{path}", body).status in {400, 404}
    client.control("POST", "tokens/expire")
    assert client.get("WhoAmI").status == 401
