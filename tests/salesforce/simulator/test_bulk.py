"""Bulk jobs: their states, their CSV, their result sets."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from salesforce.simulator.running import Answer, Client


def rows(answer: Answer) -> list[list[str]]:
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"] == "text/csv;charset=UTF-8"
    return list(csv.reader(io.StringIO(answer.body.decode(), newline="")))


def wait(client: Client, path: str) -> Any:
    for _ in range(10):
        info = client.rest("GET", path).json
        if info["state"] in {"JobComplete", "Failed", "Aborted"}:
            return info
    raise AssertionError(info)


def ask(client: Client, text: str, **more: str) -> Answer:
    return client.rest("POST", "/jobs/query", {"operation": "query", "query": text, **more})


def test_a_query_job_gives_every_row_in_pages(client: Client) -> None:
    contact = client.org.create(
        "Contact", {"LastName": 'Quote "x"', "FirstName": "Two\nlines", "mkto71_Lead_Score__c": 5}
    )
    job = ask(client, "SELECT Id, Name, mkto71_Lead_Score__c, IsDeleted, CreatedDate, Account.Name FROM Contact").json
    path = f"/jobs/query/{job['id']}"
    assert job["state"] == "UploadComplete"
    assert client.rest("GET", f"{path}/results").code == "JOB_NOT_COMPLETE"
    assert wait(client, path)["numberRecordsProcessed"] == 21
    seen, locator = [], ""
    while locator != "null":
        asked = f"?maxRecords=8&locator={locator}" if locator else "?maxRecords=8"
        answer = client.rest("GET", f"{path}/results{asked}")
        page = rows(answer)
        assert page[0] == ["Id", "Name", "mkto71_Lead_Score__c", "IsDeleted", "CreatedDate", "Account.Name"]
        assert answer.headers["Sforce-NumberOfRecords"] == str(len(page) - 1)
        seen += page[1:]
        locator = answer.headers["Sforce-Locator"]
    assert len(seen) == 21
    assert seen[-1] == [contact, 'Two\nlines Quote "x"', "5.0", "false", "2026-03-01T12:00:00.000Z", ""]
    assert client.send("GET", f"/services/data/v61.0{path}/results").status == 409
    assert client.rest("DELETE", path).status == 204
    assert client.rest("GET", path).status == 404


def test_the_created_job_has_the_recorded_members(client: Client, recorded: Path) -> None:
    real = json.loads((recorded / "responses/bulk2_query_create.json").read_text("utf-8"))["body"]
    assert set(ask(client, "SELECT Id FROM Account").json) == set(real)
    real = json.loads((recorded / "responses/bulk2_ingest_create.json").read_text("utf-8"))["body"]
    body = {"object": "Contact", "operation": "upsert", "externalIdFieldName": "External_Id__c", "lineEnding": "LF"}
    ours = client.rest("POST", "/jobs/ingest", body).json
    assert set(ours) == set(real)
    assert ours["contentUrl"] == f"services/data/v62.0/jobs/ingest/{ours['id']}/batches"


@pytest.mark.parametrize(
    "text",
    [
        "SELECT Id, MailingAddress FROM Contact",
        "SELECT COUNT() FROM Contact",
        "SELECT COUNT(Id) FROM Contact",
        "SELECT Id, (SELECT Id FROM Contacts) FROM Account",
        "SELECT Id FROM Contact LIMIT 5 OFFSET 5",
        "SELECT Id FROM LeadStatus",
        "SELECT Nothing FROM Contact",
    ],
)
def test_bulk_refuses_what_it_cannot_do(client: Client, text: str) -> None:
    assert ask(client, text).status == 400


def test_query_all_includes_the_bin(client: Client) -> None:
    gone = next(client.org.records("Lead"))["Id"]
    client.org.delete("Lead", gone)
    body = {"operation": "queryAll", "query": "SELECT Id, IsDeleted FROM Lead"}
    job = client.rest("POST", "/jobs/query", body).json
    wait(client, f"/jobs/query/{job['id']}")
    found = dict(rows(client.rest("GET", f"/jobs/query/{job['id']}/results"))[1:])
    assert found[gone] == "true"


def test_result_pages_can_be_read_side_by_side(site: Callable[..., Client]) -> None:
    client = site(bulk_page=3)
    job = ask(client, "SELECT Id FROM Contact").json
    wait(client, f"/jobs/query/{job['id']}")
    body = client.rest("GET", f"/jobs/query/{job['id']}/resultPages").json
    urls = [one["resultUrl"] for one in body["resultPages"]]
    while not body["done"]:
        body = client.send("GET", body["nextRecordsUrl"]).json
        urls += [one["resultUrl"] for one in body["resultPages"]]
    found = [row[0] for url in urls for row in rows(client.send("GET", url))[1:]]
    assert found == [one["Id"] for one in client.org.records("Contact")]


def ingest(client: Client, text: str, **job: str) -> Any:
    made = client.rest("POST", "/jobs/ingest", {"object": "Contact", "operation": "insert", **job}).json
    path = f"/jobs/ingest/{made['id']}"
    assert client.send("PUT", "/" + made["contentUrl"], text.encode(), Content_Type="text/csv").status == 201
    assert client.send("PUT", "/" + made["contentUrl"], text.encode(), Content_Type="text/csv").status == 400
    assert client.rest("PATCH", path, {"state": "UploadComplete"}).json["state"] == "UploadComplete"
    return path, wait(client, path)


def test_an_ingest_job_sorts_its_rows_into_good_and_bad(client: Client) -> None:
    text = 'LastName,Email,External_Id__c\n"Good, A",a@example.com,i1\n,b@example.com,i2\nGood B,,i3\n'
    path, info = ingest(client, text)
    assert (info["state"], info["numberRecordsProcessed"], info["numberRecordsFailed"]) == ("JobComplete", 3, 1)
    good = rows(client.rest("GET", f"{path}/successfulResults"))
    bad = rows(client.rest("GET", f"{path}/failedResults"))
    assert good[0] == ["sf__Id", "sf__Created", "LastName", "Email", "External_Id__c"]
    assert {row[4]: row[1] for row in good[1:]} == {"i1": "true", "i3": "true"}
    message = "REQUIRED_FIELD_MISSING:Required fields are missing: [LastName]:LastName --"
    assert bad[1:] == [["", message, "", "b@example.com", "i2"]]
    assert rows(client.rest("GET", f"{path}/unprocessedrecords")) == [["LastName", "Email", "External_Id__c"]]


def test_an_empty_cell_leaves_a_value_and_the_mark_clears_it(client: Client) -> None:
    contact = client.org.create("Contact", {"LastName": "L", "Title": "T", "Department": "D", "External_Id__c": "up"})
    text = "External_Id__c,Title,Department\nup,,#N/A\n"
    _, info = ingest(client, text, operation="upsert", externalIdFieldName="External_Id__c")
    assert info["numberRecordsFailed"] == 0
    record = client.org.get("Contact", contact) or {}
    assert (record["Title"], record["Department"]) == ("T", None)


def test_an_unknown_column_fails_the_whole_job(client: Client) -> None:
    _, info = ingest(client, "LastName,Nonsense__c\nA,1\n")
    assert info["state"] == "Failed"
    assert info["errorMessage"] == "InvalidBatch : Field name not found : Nonsense__c"
    _, info = ingest(client, "\ufeffLastName\nA\n")
    assert info["state"] == "Failed"


def test_a_bad_date_fails_its_row_alone(client: Client) -> None:
    path, _ = ingest(client, "LastName,Birthdate\nA,2003-04-98765\nB,2003-04-09\n")
    (bad,) = rows(client.rest("GET", f"{path}/failedResults"))[1:]
    assert bad[1].startswith(
        "INVALID_FIELD:Failed to deserialize field at col 1. Due to, '2003-04-98765' is not a valid"
    )


def test_bulk_deletes_softly_or_for_good(client: Client) -> None:
    first, second = [one["Id"] for one in client.org.records("Contact")][:2]
    ingest(client, f"Id\n{first}\n", operation="delete")
    ingest(client, f"Id\n{second}\n", operation="hardDelete")
    assert (client.org.get("Contact", first) or {})["IsDeleted"] is True
    assert client.org.get("Contact", second) is None


def test_an_aborted_job_gives_its_rows_back(client: Client) -> None:
    made = client.rest("POST", "/jobs/ingest", {"object": "Contact", "operation": "insert"}).json
    client.send("PUT", "/" + made["contentUrl"], b"LastName\nA\n", Content_Type="text/csv")
    path = f"/jobs/ingest/{made['id']}"
    assert client.rest("PATCH", path, {"state": "Aborted"}).json["state"] == "Aborted"
    assert rows(client.rest("GET", f"{path}/unprocessedRecords")) == [["LastName"], ["A"]]


def test_a_small_job_can_be_made_in_one_request(client: Client) -> None:
    job = json.dumps({"object": "Contact", "operation": "insert"})
    body = (
        '--B\r\nContent-Disposition: form-data; name="job"\r\nContent-Type: application/json\r\n\r\n'
        f'{job}\r\n--B\r\nContent-Disposition: form-data; name="content"; filename="c"\r\n'
        "Content-Type: text/csv\r\n\r\nLastName\nÉlan\n\r\n--B--\r\n"
    ).encode()
    made = client.rest("POST", "/jobs/ingest", body, Content_Type='multipart/form-data; boundary="B"').json
    assert made["state"] == "UploadComplete"
    assert wait(client, f"/jobs/ingest/{made['id']}")["numberRecordsFailed"] == 0
    assert client.names("SELECT LastName FROM Contact WHERE LastName = 'Élan'", "LastName") == ["Élan"]
