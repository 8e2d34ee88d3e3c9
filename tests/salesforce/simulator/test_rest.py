"""Records, pages, collections and composites over real HTTP."""

import gzip
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from crmsync.clock import SetClock
from salesforce.simulator.running import Client

QUIET = {"Sforce_Auto_Assign": "FALSE"}


def lead(client: Client, **values: object) -> str:
    answer = client.rest("POST", "/sobjects/Lead", {"LastName": "Doe", "Company": "ACME", **values}, **QUIET)
    assert answer.status == 201, answer.body
    return str(answer.json["id"])


def read(client: Client, identity: str, name: str = "Lead") -> dict[str, Any]:
    return dict(client.rest("GET", f"/sobjects/{name}/{identity}").json)


def test_a_record_is_made_changed_read_and_deleted(client: Client) -> None:
    identity = lead(client, FirstName=" Jane ", Email="jane@example.com", Title="")
    assert client.rest("PATCH", f"/sobjects/Lead/{identity[:15]}", {"Title": "CTO"}, **QUIET).status == 204
    record = read(client, identity)
    assert (record["Name"], record["Title"]) == ("Jane Doe", "CTO")
    assert (record["CreatedDate"], record["OwnerId"]) == ("2026-03-01T12:00:00.000+0000", record["CreatedById"])
    assert client.rest("DELETE", f"/sobjects/Lead/{identity}").status == 204
    assert client.rest("DELETE", f"/sobjects/Lead/{identity}").code == "ENTITY_IS_DELETED"
    assert client.rest("GET", f"/sobjects/Lead/{identity}").status == 404


@pytest.mark.parametrize(
    ("values", "code", "fields"),
    [
        ({"LastName": None}, "REQUIRED_FIELD_MISSING", ["LastName"]),
        ({"Email": "not an address"}, "INVALID_EMAIL_ADDRESS", ["Email"]),
        ({"Title": "x" * 129}, "STRING_TOO_LONG", ["Title"]),
        ({"NumberOfEmployees": 10**9}, "NUMBER_OUTSIDE_VALID_RANGE", ["NumberOfEmployees"]),
        ({"AnnualRevenue": "many"}, "JSON_PARSER_ERROR", None),
        ({"GeocodeAccuracy": "Wild guess"}, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", ["GeocodeAccuracy"]),
        ({"OwnerId": "nonsense"}, "MALFORMED_ID", ["OwnerId"]),
        ({"OwnerId": "0055e0000000zzzBAA"}, "MALFORMED_ID", ["OwnerId"]),
        ({"OwnerId": "0015e0000000001AAA"}, "FIELD_INTEGRITY_EXCEPTION", ["OwnerId"]),
        ({"Nonsense__c": 1}, "INVALID_FIELD", None),
        ({"ConvertedDate": "2026-01-01"}, "INVALID_FIELD_FOR_INSERT_UPDATE", ["ConvertedDate"]),
    ],
)
def test_a_bad_value_is_refused_with_the_vendors_code(
    client: Client, values: dict[str, Any], code: str, fields: list[str] | None
) -> None:
    answer = client.rest("POST", "/sobjects/Lead", {"LastName": "Doe", "Company": "ACME", **values})
    assert (answer.status, answer.code) == (400, code)
    assert answer.json[0].get("fields") == fields


def test_a_recorded_refusal_has_the_same_words(client: Client, recorded: Path) -> None:
    answer = client.rest("POST", "/sobjects/Account", {"Name": "x", "AccountNumer": "1"})
    assert answer.json == [
        {"message": "No such column 'AccountNumer' on sobject of type Account", "errorCode": "INVALID_FIELD"}
    ]


def test_auto_assignment_steals_the_owner_unless_it_is_switched_off(client: Client) -> None:
    mine = lead(client)
    owner = read(client, mine)["OwnerId"]
    client.rest("PATCH", f"/sobjects/Lead/{mine}", {"Title": "x"}, **QUIET)
    assert read(client, mine)["OwnerId"] == owner
    client.rest("PATCH", f"/sobjects/Lead/{mine}", {"Title": "y"})
    assert read(client, mine)["OwnerId"] == client.org.state.people.lead_owner


def test_an_upsert_makes_changes_or_names_several(client: Client) -> None:
    path = f"/sobjects/Contact/External_Id__c/{quote('a/b+c', safe='')}"
    made = client.rest("PATCH", path, {"LastName": "Up"})
    assert (made.status, made.json["created"]) == (201, True)
    changed = client.rest("PATCH", path, {"Title": "x"})
    assert (changed.status, changed.json["created"]) == (200, False)
    assert client.rest("GET", path).json["Title"] == "x"
    assert client.rest("PATCH", path, {"External_Id__c": "z"}).code == "INVALID_FIELD"
    for _ in range(2):
        client.org.create("Contact", {"LastName": "Twin", "Email": "twin@example.com"})
    several = client.rest("PATCH", "/sobjects/Contact/Email/TWIN@example.com", {"Title": "x"})
    assert (several.status, len(several.json)) == (300, 2)
    missing = client.rest("PATCH", "/sobjects/Contact/External_Id__c/none?updateOnly=true", {"Title": "x"})
    assert missing.status == 404


def test_a_unique_value_is_held_by_one_record(client: Client) -> None:
    first = lead(client, External_Id__c="one")
    answer = client.rest("POST", "/sobjects/Lead", {"LastName": "B", "Company": "C", "External_Id__c": "ONE"})
    assert answer.code == "DUPLICATE_VALUE"
    assert first[:15] in answer.json[0]["message"]


def test_a_parent_can_be_named_by_its_external_id(client: Client) -> None:
    account = client.org.create("Account", {"Name": "A", "External_Id__c": "acc"})
    body = {"LastName": "Child", "Account": {"External_Id__c": "acc"}}
    identity = client.rest("POST", "/sobjects/Contact", body).json["id"]
    assert read(client, identity, "Contact")["AccountId"] == account
    refused = client.rest("POST", "/sobjects/Contact", {"LastName": "x", "Account": {"External_Id__c": "no"}})
    assert "Foreign key external ID: no not found" in refused.json[0]["message"]


def test_a_duplicate_rule_alerts_and_lets_itself_be_overruled(site: Callable[..., Client]) -> None:
    client = site(duplicate_rule="alert")
    lead(client, Email="same@example.com")
    body = {"LastName": "B", "Company": "C", "Email": "same@example.com"}
    answer = client.rest("POST", "/sobjects/Lead", body)
    assert answer.code == "DUPLICATES_DETECTED"
    assert answer.json[0]["duplicateResult"]["allowSave"] is True
    assert client.rest("POST", "/sobjects/Lead", body, Sforce_Duplicate_Rule_Header="allowSave=true").status == 201


def test_pages_follow_each_other_in_the_session_that_asked(site: Callable[..., Client], clock: SetClock) -> None:
    client = site(450)
    page = client.query("SELECT Id FROM Contact ORDER BY Id", Sforce_Query_Options="batchSize=200")
    seen = [one["Id"] for one in page["records"]]
    assert (page["totalSize"], page["done"], len(seen)) == (450, False, 200)
    following = page["nextRecordsUrl"]
    while not page["done"]:
        page = client.send("GET", page["nextRecordsUrl"]).json
        seen += [one["Id"] for one in page["records"]]
    assert seen == sorted(set(seen))
    assert len(seen) == 450
    other = Client(client.server)
    assert other.send("GET", following).code == "INVALID_SESSION_ID"
    clock.advance(timedelta(hours=1))
    client.org.sessions.issued[client.token].until += 3 * 86_400
    clock.advance(timedelta(days=2))
    assert client.send("GET", following).code == "INVALID_QUERY_LOCATOR"


def test_two_long_texts_make_small_pages(site: Callable[..., Client]) -> None:
    client = site(250)
    assert len(client.query("SELECT Id, Notes__c, Web_Activity__c FROM Contact")["records"]) == 200
    assert len(client.query("SELECT Id, Notes__c FROM Contact")["records"]) == 250


def test_a_long_address_and_long_headers_are_refused_in_html(client: Client) -> None:
    answer = client.rest("GET", "/query?q=" + "x" * 17_000)
    assert (answer.status, answer.headers["Content-Type"]) == (414, "text/html;charset=UTF-8")
    assert client.rest("GET", "/sobjects", X_Long="x" * 17_000).status == 431


def collection(*values: dict[str, Any], **more: object) -> dict[str, Any]:
    return {"records": [{"attributes": {"type": "Lead"}, **one} for one in values], **more}


def test_a_collection_answers_per_record_and_in_order(client: Client) -> None:
    good, bad = {"LastName": "A", "Company": "C"}, {"Company": "C"}
    answer = client.rest("POST", "/composite/sobjects", collection(good, bad, good))
    assert [one["success"] for one in answer.json] == [True, False, True]
    assert answer.json[1]["errors"][0]["statusCode"] == "REQUIRED_FIELD_MISSING"
    before = client.org.count("Lead")
    rolled = client.rest("POST", "/composite/sobjects", collection(good, bad, allOrNone=True)).json
    assert rolled[0]["errors"][0]["statusCode"] == "ALL_OR_NONE_OPERATION_ROLLED_BACK"
    assert client.org.count("Lead") == before


def test_a_collection_changes_upserts_retrieves_and_deletes(client: Client) -> None:
    ids = [lead(client), lead(client)]
    changes = collection(*({"id": one, "Title": "T"} for one in ids), {"id": ids[0], "Title": "again"})
    changed = client.rest("PATCH", "/composite/sobjects", changes, **QUIET).json
    assert [one["success"] for one in changed] == [True, True, False]
    assert changed[2]["errors"][0]["statusCode"] == "DUPLICATE_VALUE"
    values = [{"External_Id__c": key, "LastName": key, "Company": "C"} for key in ("u1", "u2")]
    made = client.rest("PATCH", "/composite/sobjects/Lead/External_Id__c", collection(*values)).json
    assert [one["created"] for one in made] == [True, True]
    found = client.rest(
        "POST", "/composite/sobjects/Lead", {"ids": [ids[0], "00Q5e000000zzzzAAA"], "fields": ["Title"]}
    ).json
    assert (found[0]["Title"], found[1]) == ("T", None)
    gone = client.rest("DELETE", f"/composite/sobjects?ids={','.join(ids)}").json
    assert [one["success"] for one in gone] == [True, True]


def test_a_bad_literal_refuses_the_whole_collection(client: Client) -> None:
    before = client.org.count("Lead")
    good = {"LastName": "A", "Company": "C"}
    answer = client.rest("POST", "/composite/sobjects", collection(good, {**good, "AnnualRevenue": "x"}))
    assert (answer.status, answer.code) == (400, "JSON_PARSER_ERROR")
    assert client.org.count("Lead") == before


def test_more_than_200_records_are_refused(client: Client) -> None:
    good = {"LastName": "A", "Company": "C"}
    assert client.rest("POST", "/composite/sobjects", collection(*[good] * 201)).status == 400


def sub(method: str, path: str, reference: str, **more: object) -> dict[str, Any]:
    return {"method": method, "url": f"/services/data/v62.0{path}", "referenceId": reference, **more}


def test_a_composite_passes_values_on_and_is_charged_once(client: Client) -> None:
    before = client.server.statistics.calls
    requests = [
        sub("POST", "/sobjects/Account", "acc", body={"Name": "A"}),
        sub("POST", "/sobjects/Contact", "con", body={"LastName": "Doe", "AccountId": "@{acc.id}"}),
        sub("GET", "/query?q=SELECT+Id+FROM+Contact+WHERE+AccountId='@{acc.id}'", "found"),
    ]
    answers = client.rest("POST", "/composite", {"compositeRequest": requests}).json["compositeResponse"]
    assert [one["httpStatusCode"] for one in answers] == [201, 201, 200]
    assert answers[2]["body"]["records"][0]["Id"] == answers[1]["body"]["id"]
    assert client.server.statistics.calls == before + 1
    assert client.server.statistics.sub_requests == 3


def test_an_all_or_none_composite_takes_everything_back(client: Client) -> None:
    before = client.org.count("Account")
    requests = [
        sub("POST", "/sobjects/Account", "acc", body={"Name": "A"}),
        sub("POST", "/sobjects/Contact", "con", body={"FirstName": "Nobody"}),
    ]
    answers = client.rest("POST", "/composite", {"allOrNone": True, "compositeRequest": requests}).json[
        "compositeResponse"
    ]
    assert answers[0]["body"][0]["errorCode"] == "PROCESSING_HALTED"
    assert answers[1]["body"][0]["errorCode"] == "REQUIRED_FIELD_MISSING"
    assert client.org.count("Account") == before


def test_a_composite_has_its_limits(client: Client) -> None:
    query = "/query?q=SELECT+Id+FROM+Lead+LIMIT+1"
    queries = [sub("GET", query, f"q{n}") for n in range(6)]
    assert client.rest("POST", "/composite", {"compositeRequest": queries[:5]}).status == 200
    assert client.rest("POST", "/composite", {"compositeRequest": queries}).status == 400
    many = [sub("GET", "/limits", f"r{n}") for n in range(26)]
    assert client.rest("POST", "/composite", {"compositeRequest": many}).status == 400


def test_a_batch_charges_each_of_its_requests(client: Client) -> None:
    before = client.server.statistics.calls
    requests = [{"method": "GET", "url": f"v62.0/sobjects/{name}/describe"} for name in ("Lead", "Nowhere", "Contact")]
    body = client.rest("POST", "/composite/batch", {"batchRequests": requests}).json
    assert [one["statusCode"] for one in body["results"]] == [200, 404, 200]
    assert body["hasErrors"] is True
    assert client.server.statistics.calls == before + 3


def test_a_describe_is_not_sent_again_while_the_schema_stands(client: Client, clock: SetClock) -> None:
    first = client.rest("GET", "/sobjects/Lead/describe")
    since = {"If_Modified_Since": first.headers["Last-Modified"]}
    assert client.rest("GET", "/sobjects/Lead/describe", **since).status == 304
    clock.advance(timedelta(minutes=1))
    client.org.add_field("Lead", {"name": "Fresh__c", "type": "string"})
    again = client.rest("GET", "/sobjects/Lead/describe", **since)
    assert "Fresh__c" in {one["name"] for one in again.json["fields"]}
    assert client.query("SELECT Fresh__c FROM Lead LIMIT 1")["records"][0]["Fresh__c"] is None


def test_the_limit_header_and_resource_tell_what_is_used(client: Client) -> None:
    used = client.rest("GET", "/sobjects").headers["Sforce-Limit-Info"]
    assert used == f"api-usage={client.server.statistics.charged}/100000"
    assert client.rest("GET", "/limits").json["DailyApiRequests"]["Max"] == 100_000
    counts = client.rest("GET", "/limits/recordCount?sObjects=Lead,Nowhere").json
    assert counts == {"sObjects": [{"count": 10, "name": "Lead"}]}


def test_a_long_answer_is_packed_for_who_takes_that_unless_the_org_never_packs(site: Callable[..., Client]) -> None:
    client = site()
    plain = client.rest("GET", "/sobjects")
    packed = client.rest("GET", "/sobjects", Accept_Encoding="gzip")
    assert (plain.headers.get("Content-Encoding"), packed.headers["Content-Encoding"]) == (None, "gzip")
    assert gzip.decompress(packed.body) == plain.body
    client.control("POST", "settings", {"gzip": False})
    assert client.rest("GET", "/sobjects", Accept_Encoding="gzip").body == plain.body
