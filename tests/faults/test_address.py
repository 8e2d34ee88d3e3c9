"""A wrong address and wrong credentials: told apart, told plainly, and forgotten once they are right."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from support.office import Office, serving

PAGE = {"status": 200, "body": "<html><body>Welcome</body></html>", "content_type": "text/html"}


def closed_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def refused(office: Office, code: int, *words: str) -> None:
    """Every command that needs the CRM says so, with this code; `status` tells it afterwards."""
    for command in (["check"], ["run", "--once"]):
        said = office(*command)
        assert said.code == code, said
        assert all(word in said.err for word in words), said
        assert said.err.count("\n") <= 3, said.err
    told = office("status", "--json")
    assert told.code == 0
    if code != 2:
        assert told.data["state"] == "failed"
        assert words[0] in told.data["connections"][0]["message"]
        assert words[0] in office.errors("--level", "job")[0]["message"]


@pytest.mark.parametrize(
    ("url", "code", "words"),
    [
        ("https://nobody.invalid", 6, ["nobody.invalid", "cannot be reached", "Is the URL spelled right"]),
        ("http://127.0.0.1:{port}", 6, ["127.0.0.1", "cannot be reached"]),
        ("http://crm.example.com", 2, ["url: crm.example.com is not on this machine, so only https is spoken to it."]),
        ("ftp://crm.example.com", 2, ["url: 'ftp://crm.example.com' is not an address. https://host is expected."]),
    ],
)
def test_a_wrong_address_is_named(office: Office, url: str, code: int, words: list[str]) -> None:
    right, office.own["url"] = office.own["url"], url.format(port=closed_port())
    refused(office, code, *words)
    office.own["url"] = right
    office.carries_on()


@pytest.mark.parametrize(
    ("action", "code", "words"),
    [
        (PAGE, 3, ["something else than a token", "Is url right?"]),
        (PAGE | {"status": 404}, 2, ["is no address of an org", "Is url right?"]),
        (PAGE | {"status": 503}, 6, ["HTTP 503", "url is not the address of an org"]),
        ({"status": 200, "body": "OK"}, 3, ["something else than a token", "Is url right?"]),
        ({"status": 301, "headers": {"Location": "https://elsewhere.example.com/"}, "body": ""}, 3, ["HTTP 301"]),
    ],
)
def test_an_https_address_of_something_else_is_told_as_such(
    office: Office, action: dict[str, object], code: int, words: list[str]
) -> None:
    with serving(office.org, tls=True) as server:
        right = dict(office.own)
        office.own |= {"url": server.url, "ca_file": Path(str(server.ca_file))}
        server.faults.plant(action, times=None)
        refused(office, code, *words)
        office.own = right
    office.carries_on()


def test_a_certificate_of_a_private_authority_needs_its_file(office: Office) -> None:
    with serving(office.org, tls=True) as server:
        office.own["url"] = server.url
        refused(office, 6, "127.0.0.1", "ca_file")
        office.own["ca_file"] = office.folder / "nowhere.pem"
        refused(office, 2, "nowhere.pem", "ca_file")
        office.own["ca_file"] = Path(str(server.ca_file))
        office.carries_on()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"client_secret": "not-the-secret"}, ["refused the log-in", "Check client_secret"]),
        ({"client_id": "not-the-app"}, ["refused the log-in", "Check client_id"]),
        ({"password": "not-the-word"}, ["refused the log-in", "Check user name, password and token"]),
        ({"security_token": ""}, ["refused the log-in", "Check user name, password and token"]),
        (
            {"flow": "client_credentials", "client_secret": "not-the-secret"},
            ["refused the log-in", "Check client_secret"],
        ),
        ({"flow": "session", "access_token": "00D0!old"}, ["The session in access_token has ended", "can log in"]),
    ],
)
def test_wrong_credentials_are_told_with_what_to_check(office: Office, wrong: dict[str, str], words: list[str]) -> None:
    right = dict(office.own)
    office.own |= wrong
    refused(office, 3, *words)
    office.own = right
    office.carries_on()


def test_a_frozen_user_loses_nothing_and_goes_on_when_thawed(office: Office) -> None:
    """Frozen between two cycles, with a change in between."""
    office.sync()
    rights = office.org.user("full")
    rights.api_enabled = False
    office.org.update("Contact", office.contacts()[0], {"Title": "Frozen"})
    refused(office, 3, "refused the log-in", "inactive")
    rights.api_enabled = True
    assert office.carries_on()["counts"]["updated"] == 1


def test_a_refused_session_that_no_login_cures_is_not_asked_for_again_and_again(office: Office) -> None:
    office.sync()
    office.server.statistics.reset()
    office.plant("unauthorized", path="/services/data/v")
    said = office("sync")
    assert said.code == 3
    assert "API access" in said.err
    assert office.server.statistics.kinds["token"] == 1
    assert office.server.statistics.requests < 12
    office.carries_on()


def test_sessions_that_die_at_birth_end_the_cycle_after_one_renewal(office: Office) -> None:
    """Every log-in succeeds, and every session is refused as expired."""
    expired = {"status": 401, "body": [{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}]}
    for before in (False, True):
        if before:
            office.sync()
        office.server.statistics.reset()
        office.plant(expired, path="/services/data/v", times=None)
        said = office("sync")
        assert said.code == 3, said
        assert "are the credentials still good" in said.err
        assert office.server.statistics.kinds["token"] <= 3
        assert office.server.statistics.requests < 20
        office.heal()
    office.carries_on()


@pytest.mark.parametrize("nth", [1, 2, 4])
def test_a_session_that_expires_in_the_middle_of_a_load_is_renewed(office: Office, nth: int) -> None:
    """The cursor dies with its session; the load goes on behind its last row."""
    office.org.settings.batch_size = 4
    office.plant("expire_session", path=r"/query/", nth=nth)
    office.sync()
    assert office.server.statistics.kinds["token"] == 2
    office.agrees()


@pytest.mark.parametrize("nth", [1, 2, 3, 5])
def test_a_session_that_expires_in_the_middle_of_a_cycle_is_renewed(office: Office, nth: int) -> None:
    office.sync()
    office.org.settings.batch_size = 4
    for one in office.contacts():
        office.org.update("Contact", one, {"Title": "Chief"})
    office.server.statistics.reset()
    office.plant("expire_session", path="/services/data/v", nth=nth)
    assert office.sync()["counts"]["updated"] >= 20
    assert office.server.statistics.kinds["token"] == 2
    office.agrees()
