"""Records that cannot be read or stored: set aside with their reason, and gone from there by themselves."""

from __future__ import annotations

import json
from typing import Any

import pytest

from support.office import Office


def spoilt(office: Office, identity: str, values: dict[str, Any]) -> None:
    """From now on answers have these values in one record, as a broken package of the org would send them."""
    server = office.server
    answer = server._answer

    def answered(request: Any, call: Any) -> Any:
        kind, reply = answer(request, call)
        body = reply.body if not isinstance(reply.body, bytes) else json.loads(reply.body)
        for one in found(body, identity):
            one.update({key: value for key, value in values.items() if key in one})
        reply.body = json.dumps(body).encode()
        return kind, reply

    server._answer = answered  # type: ignore[method-assign]


def found(body: Any, identity: str) -> list[dict[str, Any]]:
    """A record's appearances in an answer, however deep."""
    if isinstance(body, list):
        return [hit for one in body for hit in found(one, identity)]
    if not isinstance(body, dict):
        return []
    here = [body] if body.get("Id") == identity else []
    return here + [hit for one in body.values() if isinstance(one, dict | list) for hit in found(one, identity)]


def cured(office: Office) -> None:
    """Answers are as they should be again."""
    del office.server._answer


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"Budget__c": "a lot"}, "not a number"),
        ({"Birthdate": "tomorrow"}, "not a date"),
        ({"CreatedDate": "soon"}, "not a date-time"),
        ({"DoNotCall": "perhaps"}, "neither true nor false"),
    ],
)
@pytest.mark.parametrize("change", [False, True], ids=["load", "change"])
def test_a_record_that_cannot_be_read_is_set_aside_alone(
    office: Office, values: dict[str, Any], reason: str, change: bool
) -> None:
    """With its id and the reason; the page goes on, and once it can be read it is here without anybody's help."""
    bad = office.contacts()[3]
    if change:
        office.sync()
        for one in office.contacts():
            office.org.update("Contact", one, {"Title": "Chief"})
    spoilt(office, bad, values)
    summary = office.sync()
    assert summary["counts"]["failed"] == 1
    (aside,) = office("errors", "--quarantine", "--json").data
    assert (aside["object"], aside["crm_id"]) == ("Contact", bad)
    assert reason in aside["reason"]
    (told,) = office.errors("--level", "record")
    assert (told["crm_id"], told["object"]) == (bad, "Contact")
    assert "leaves quarantine by itself" in told["hint"]
    assert office("status", "--json").data["connections"][0]["quarantined"] == 1
    expected = 20 if change else 19
    assert office.sql("SELECT COUNT(*) FROM person WHERE crm_type = 'contact'") == [(expected,)]
    cured(office)
    office.carries_on()
    assert office("errors", "--quarantine", "--json").data == []
    assert office.sql("SELECT COUNT(*) FROM person WHERE crm_type = 'contact'") == [(20,)]


def test_a_record_that_stays_bad_is_tried_a_few_times_and_read_again_when_it_moves(office: Office) -> None:
    office.given["retries"] = 2
    bad = office.contacts()[3]
    spoilt(office, bad, {"Birthdate": "tomorrow"})
    for _ in range(4):
        office.sync()
    (aside,) = office("errors", "--quarantine", "--json").data
    assert 2 <= aside["tries"] <= 4
    cured(office)
    office.org.update("Contact", bad, {"Birthdate": "1980-01-01"})
    office.carries_on()
    assert office("errors", "--quarantine", "--json").data == []
    assert office.sql("SELECT birthdate FROM person WHERE crm_id = ?", bad) == [("1980-01-01",)]


def test_half_a_character_is_set_aside_alone(office: Office) -> None:
    """A lone surrogate, which JSON can spell and UTF-8 cannot."""
    bad = office.contacts()[3]
    spoilt(office, bad, {"Title": "half \ud83d"})
    office.sync()
    (aside,) = office("errors", "--quarantine", "--json").data
    assert aside["crm_id"] == bad
    assert office.sql("SELECT COUNT(*) FROM person") == [(29,)]
    cured(office)
    office.org.update("Contact", bad, {"Title": "whole"})
    office.carries_on()
