"""Queries mean what the vendor says they mean."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from crmsync.clock import SetClock
from crmsync_salesforce.simulator import Org
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.soql.run import Found, Runner


@pytest.fixture
def org(clock: SetClock) -> Org:
    """Five regions with known values, beside a small org."""
    org = Org(10, clock=clock)
    for record in list(org.records("Region__c")):
        org.hard_delete("Region__c", record["Id"])
    for name, code, people in (("Alpha", "A", 10), ("beta", "B", 20), ("Gamma_1", "C", None), ("Delta%", "D", 5)):
        org.create("Region__c", {"Name": name, "Code__c": code, "Population__c": people})
    return org


@pytest.fixture
def names(org: Org) -> Callable[[str], list[str]]:
    def run(tail: str) -> list[str]:
        found = query(org, f"SELECT Id, Name FROM Region__c {tail}")
        return [record["Name"] for record in found.records(0, 100, "")]

    return run


def query(org: Org, text: str, user: str = "full", *, everything: bool = False) -> Found:
    return Runner(org.state, org.user(user), everything=everything).run(text)


def code(org: Org, text: str) -> str:
    with pytest.raises(Refusal) as caught:
        query(org, text)
    return caught.value.code


@pytest.mark.parametrize(
    ("tail", "expected"),
    [
        ("WHERE Name = 'ALPHA'", ["Alpha"]),
        ("WHERE Name != 'alpha' ORDER BY Name", ["beta", "Delta%", "Gamma_1"]),
        ("WHERE Population__c > 5 ORDER BY Name", ["Alpha", "beta"]),
        ("WHERE Population__c >= 5 AND Population__c < 20 ORDER BY Name", ["Alpha", "Delta%"]),
        ("WHERE Population__c = null", ["Gamma_1"]),
        ("WHERE Population__c != null ORDER BY Population__c DESC", ["beta", "Alpha", "Delta%"]),
        ("WHERE NOT Name LIKE '%a' ORDER BY Name", ["Delta%", "Gamma_1"]),
        ("WHERE Name LIKE 'g____\\_1'", ["Gamma_1"]),
        ("WHERE Name LIKE '%\\%'", ["Delta%"]),
        ("WHERE Code__c IN ('a', 'D') ORDER BY Code__c", ["Alpha", "Delta%"]),
        ("WHERE Code__c NOT IN ('a', 'D') ORDER BY Code__c", ["beta", "Gamma_1"]),
        ("WHERE (Code__c = 'A' OR Code__c = 'B') AND Population__c = 20", ["beta"]),
        ("WHERE Code__c = 'A' OR (Code__c = 'B' AND NOT (Population__c = 20))", ["Alpha"]),
        ("ORDER BY Population__c NULLS LAST, Name LIMIT 2", ["Delta%", "Alpha"]),
        ("ORDER BY Population__c LIMIT 1", ["Gamma_1"]),
        ("ORDER BY Code__c DESC LIMIT 2 OFFSET 1", ["Gamma_1", "beta"]),
        ("WHERE CreatedDate = TODAY ORDER BY Code__c LIMIT 1", ["Alpha"]),
        ("WHERE CreatedDate < TODAY", []),
        ("WHERE CreatedDate = LAST_N_DAYS:3 ORDER BY Code__c LIMIT 1", ["Alpha"]),
        ("WHERE SystemModstamp >= 2026-03-01T13:00:00+01:00 ORDER BY Code__c LIMIT 1", ["Alpha"]),
        ("WHERE SystemModstamp > 2026-03-01T12:00:00.000Z", []),
        ("WHERE Owner.Type = 'User' ORDER BY Code__c LIMIT 1", ["Alpha"]),
        ("where name = 'alpha' order by NAME asc limit 5", ["Alpha"]),
    ],
)
def test_a_query_finds(names: Callable[[str], list[str]], tail: str, expected: list[str]) -> None:
    assert names(tail) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SELECT Id FROM Nowhere", "INVALID_TYPE"),
        ("SELECT Nothing__c FROM Lead", "INVALID_FIELD"),
        ("SELECT Nobody.Name FROM Lead", "INVALID_FIELD"),
        ("SELECT Id, id FROM Lead", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE Description = 'x'", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE CreatedDate > '2026-01-01T00:00:00Z'", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE Name = 5", "INVALID_FIELD"),
        ("SELECT Id FROM Lead WHERE IsConverted > TRUE", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Lead WHERE Id = 'nonsense'", "INVALID_QUERY_FILTER_OPERATOR"),
        ("SELECT Id FROM Lead WHERE Name = 'a' AND Email = 'b' OR Title = 'c'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE Name IN ()", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE Name = 'a\\q'", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead ORDER BY Interests__c", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead LIMIT 5 OFFSET 2001", "NUMBER_OUTSIDE_VALID_RANGE"),
        ("SELECT FIELDS(ALL) FROM Lead", "MALFORMED_QUERY"),
        ("SELEC Id FROM Lead", "MALFORMED_QUERY"),
        ("SELECT Id FROM Lead WHERE CreatedDate > 2026-13-45T99:00:00Z", "MALFORMED_QUERY"),
    ],
)
def test_a_query_is_refused_with_the_vendors_code(org: Org, text: str, expected: str) -> None:
    assert code(org, text) == expected


def test_the_page_position_clause_resumes_without_loss_or_repeat(org: Org) -> None:
    everything = query(org, "SELECT Id, SystemModstamp FROM Contact ORDER BY SystemModstamp, Id").records(0, 99, "")
    seen, at = [], None
    while True:
        where = ""
        if at:
            stamp = at["SystemModstamp"].replace("+0000", "Z")
            where = f"WHERE SystemModstamp > {stamp} OR (SystemModstamp = {stamp} AND Id > '{at['Id']}')"
        page = query(org, f"SELECT Id, SystemModstamp FROM Contact {where} ORDER BY SystemModstamp, Id LIMIT 3")
        if not page.rows:
            break
        seen += page.records(0, 3, "")
        at = seen[-1]
    assert seen == everything


def test_a_stamp_index_keeps_up_with_writes(org: Org, clock: SetClock) -> None:
    text = "SELECT Id FROM Contact WHERE SystemModstamp >= 2026-03-01T12:00:00Z ORDER BY SystemModstamp, Id"
    before = query(org, text).total
    contacts = [record["Id"] for record in org.records("Contact")][:4]
    for contact in reversed(contacts):
        org.update("Contact", contact, {"Title": "Changed"})
        org.update("Contact", contact, {"Title": "Twice"})
    found = [row[0] for row in query(org, text).rows]
    assert before == 0
    assert found == contacts


def test_a_parent_comes_nested_and_a_missing_one_is_null(org: Org) -> None:
    orphan = org.create("Contact", {"LastName": "Orphan"})
    (record,) = query(org, f"SELECT Account.Name, Account.Owner.Name FROM Contact WHERE Id = '{orphan}'").records(
        0, 1, ""
    )
    assert record["Account"] is None
    (child,) = query(org, "SELECT Account.Name FROM Contact WHERE AccountId != null LIMIT 1").records(0, 1, "")
    assert child["Account"]["attributes"]["type"] == "Account"


def test_an_owner_may_be_a_queue_and_comes_as_a_name(org: Org) -> None:
    queue = next(org.records("Group"))
    lead = org.create("Lead", {"LastName": "Q", "Company": "C", "OwnerId": queue["Id"]})
    (record,) = query(org, f"SELECT Owner.Name, Owner.Type FROM Lead WHERE Id = '{lead}'").records(0, 1, "")
    assert record["Owner"]["attributes"]["type"] == "Name"
    assert (record["Owner"]["Name"], record["Owner"]["Type"]) == (queue["Name"], "Queue")


def test_children_come_as_a_nested_result_or_null(org: Org) -> None:
    account = org.create("Account", {"Name": "Parent"})
    text = f"SELECT Id, (SELECT LastName FROM Contacts ORDER BY LastName) FROM Account WHERE Id = '{account}'"
    assert query(org, text).records(0, 1, "")[0]["Contacts"] is None
    for name in ("B", "A"):
        org.create("Contact", {"LastName": name, "AccountId": account})
    children = query(org, text).records(0, 1, "")[0]["Contacts"]
    assert (children["totalSize"], children["done"]) == (2, True)
    assert [one["LastName"] for one in children["records"]] == ["A", "B"]


def test_a_semi_join_finds_parents_of_matching_children(org: Org) -> None:
    account = org.create("Account", {"Name": "Parent"})
    org.create("Contact", {"LastName": "Only", "AccountId": account})
    text = "SELECT Id FROM Account WHERE Id IN (SELECT AccountId FROM Contact WHERE LastName = 'Only')"
    assert [row[0] for row in query(org, text).rows] == [account]


def test_counts_and_groups(org: Org) -> None:
    assert query(org, "SELECT COUNT() FROM Region__c").total == 4
    (record,) = query(org, "SELECT COUNT(Id), MAX(Population__c) most, SUM(Population__c) FROM Region__c").records(
        0, 1, ""
    )
    assert (record["expr0"], record["most"], record["expr1"]) == (4, 20.0, 35.0)
    groups = query(org, "SELECT IsDeleted, COUNT(Id) n FROM Region__c GROUP BY IsDeleted").records(0, 9, "")
    assert [(one["IsDeleted"], one["n"]) for one in groups] == [(False, 4)]


def test_a_multiple_picklist_is_searched_by_sets(org: Org) -> None:
    lead = org.create("Lead", {"LastName": "M", "Company": "C", "Interests__c": "Pricing;Analytics;Mobile"})
    stored = org.get("Lead", lead)
    assert stored is not None
    assert stored["Interests__c"] == "Analytics;Mobile;Pricing"
    base = f"SELECT Id FROM Lead WHERE Id = '{lead}' AND Interests__c"
    assert query(org, f"{base} INCLUDES ('Analytics;Pricing')").total == 1
    assert query(org, f"{base} INCLUDES ('Analytics;Support', 'Mobile')").total == 1
    assert query(org, f"{base} EXCLUDES ('Mobile')").total == 0


def test_deleted_rows_show_only_to_a_query_over_everything(org: Org) -> None:
    contact = next(org.records("Contact"))["Id"]
    org.delete("Contact", contact)
    text = f"SELECT Id, IsDeleted FROM Contact WHERE Id = '{contact}'"
    assert query(org, text).total == 0
    assert query(org, text, everything=True).records(0, 1, "")[0]["IsDeleted"] is True


def test_an_archived_task_leaves_query_without_being_deleted(org: Org) -> None:
    task = next(org.records("Task"))["Id"]
    org.update("Task", task, {"IsArchived": True})
    text = f"SELECT Id, IsDeleted FROM Task WHERE Id = '{task}'"
    assert query(org, text).total == 0
    assert query(org, text, everything=True).records(0, 1, "")[0]["IsDeleted"] is False


def test_a_formula_follows_its_source_without_a_stamp_moving(org: Org, clock: SetClock) -> None:
    contact = next(one for one in org.records("Contact") if one["AccountId"])
    clock.advance(timedelta(hours=1))
    org.update("Account", contact["AccountId"], {"Industry": "Banking"})
    after = org.get("Contact", contact["Id"])
    assert after is not None
    assert after["Account_Industry__c"] == "Banking"
    assert after["SystemModstamp"] == contact["SystemModstamp"]
