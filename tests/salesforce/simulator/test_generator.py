"""The first data of an org: repeatable, consistent, of many scripts, and made fast."""

import time
from itertools import islice

import pytest

from crmsync.clock import SetClock
from crmsync_salesforce.simulator import Org, ids
from salesforce.simulator.running import NOON


@pytest.fixture(scope="module")
def org() -> Org:
    return Org(400, 3, big_account=150, person_accounts=5, clock=SetClock(NOON))


def test_the_same_seed_and_clock_make_the_same_org(org: Org) -> None:
    again = Org(400, 3, big_account=150, person_accounts=5, clock=SetClock(NOON))
    other = Org(400, 4, big_account=150, person_accounts=5, clock=SetClock(NOON))
    for name in org.state.tables:
        assert list(org.records(name)) == list(again.records(name)), name
    assert list(org.records("Contact")) != list(other.records("Contact"))


def test_the_numbers_follow_the_plan(org: Org) -> None:
    wanted = {
        "Contact": 400 + 150 + 5,
        "Account": 80 + 1 + 5,
        "Lead": 200,
        "Opportunity": 80,
        "Campaign": 3,
        "Group": 3,
    }
    assert {name: org.count(name) for name in wanted} == wanted
    big = next(one for one in org.records("Account") if one["Name"] == "Colossal Holdings")
    assert sum(1 for one in org.records("Contact") if one["AccountId"] == big["Id"]) == 150


def test_every_reference_leads_to_a_record_of_a_fitting_object(org: Org) -> None:
    for name, table in org.state.tables.items():
        for field in table.kind.fields.values():
            if field.type != "reference" or field.name not in table.columns:
                continue
            column = table.columns[field.name]
            for value in {row[column] for row in table.by_id.values()} - {None}:
                target = org.state.table_of(value)
                assert target is not None
                assert target.kind.name in field.targets, (name, field.name)
                assert value in target.by_id


def test_values_fit_their_fields(org: Org) -> None:
    for table in org.state.tables.values():
        for field in table.kind.fields.values():
            if field.name not in table.columns:
                continue
            values = [row[table.columns[field.name]] for row in table.by_id.values()]
            if field.type == "boolean":
                assert set(values) <= {True, False}, (table.kind.name, field.name)
            if field.length:
                assert max((len(one) for one in values if one), default=0) <= field.length
            if field.unique:
                known = [one for one in values if one is not None]
                assert len(known) == len(set(known)), (table.kind.name, field.name)


def test_names_come_in_many_scripts_and_some_people_share_an_address(org: Org) -> None:
    contacts = list(org.records("Contact"))
    letters = {ord(char) >> 8 for one in contacts for char in one["Name"]}
    assert len(letters) >= 8
    addresses = [one["Email"] for one in contacts if one["Email"]]
    assert 0 < len(addresses) - len(set(addresses)) < len(addresses) / 5


def test_a_person_account_has_two_halves(org: Org) -> None:
    person = next(one for one in org.records("Account") if one["IsPersonAccount"])
    contact = org.get("Contact", person["PersonContactId"]) or {}
    assert (contact["AccountId"], contact["Email"]) == (person["Id"], person["PersonEmail"])
    org.update("Account", person["Id"], {"PersonEmail": "moved@example.com"})
    assert (org.get("Contact", contact["Id"]) or {})["Email"] == "moved@example.com"
    org.update("Contact", contact["Id"], {"LastName": "Renamed"})
    assert (org.get("Account", person["Id"]) or {})["LastName"] == "Renamed"
    made = org.create("Account", {"LastName": "Fresh", "FirstName": "Ada", "PersonEmail": "ada@example.com"})
    fresh = org.get("Account", made) or {}
    assert (fresh["Name"], (org.get("Contact", fresh["PersonContactId"]) or {})["LastName"]) == ("Ada Fresh", "Fresh")


def test_ids_are_real_ids_in_rising_order() -> None:
    made = list(islice(ids.count_up("003", 3800), 300))
    assert made == sorted(set(made))
    assert all(ids.normalise(one) == one and ids.normalise(one[:15]) == one for one in made)
    assert ids.lengthen("0015500001QdQWa") == "0015500001QdQWaAAN"
    assert ids.normalise("0015500001QdQWaAAA") is None


def test_a_hundred_thousand_records_take_seconds() -> None:
    began = time.perf_counter()
    org = Org(50_000, clock=SetClock(NOON))
    assert sum(len(table.by_id) for table in org.state.tables.values()) > 100_000
    assert time.perf_counter() - began < 10
