"""A client that none of us wrote works against the org unchanged: simple-salesforce, over https."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce
from simple_salesforce.exceptions import SalesforceMalformedRequest, SalesforceResourceNotFound
from simple_salesforce.login import SalesforceLogin

from crmsync.clock import SetClock
from crmsync.hookspecs import Context
from crmsync.writes import Change, Operation, Outcomes, Result
from crmsync_salesforce import writing
from crmsync_salesforce.session import connect
from crmsync_salesforce.simulator import Org, Server
from salesforce.orgs import chosen
from salesforce.simulator.running import NOON, running


class ToLoopback(HTTPAdapter):
    """Sends what is meant for the vendor's host to the simulator, as a hosts file would."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._address = urlsplit(server.url).netloc

    def send(self, request: requests.PreparedRequest, *args: Any, **more: Any) -> requests.Response:
        parts = urlsplit(str(request.url))
        request.headers["Host"] = parts.netloc
        request.url = parts._replace(netloc=self._address).geturl()
        return super().send(request, *args, **more)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running(Org(2100, 7, clock=SetClock(NOON)), tls=True) as server:
        yield server


@pytest.fixture
def session(server: Server) -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        session.verify = server.ca_file or False
        session.mount("https://acme.my.salesforce.com", ToLoopback(server))
        yield session


@pytest.fixture
def client(server: Server, session: requests.Session) -> Any:
    return Salesforce(
        instance=urlsplit(server.url).netloc, session_id=server.ready["access_token"], session=session, version="62.0"
    )


def test_it_logs_in_with_user_name_and_password(server: Server, session: requests.Session) -> None:
    ready = server.ready
    token, instance = SalesforceLogin(
        username=ready["username"],
        password=ready["password"] + ready["security_token"],
        consumer_key=ready["client_id"],
        consumer_secret=ready["client_secret"],
        domain="acme.my",
        session=session,
    )
    assert Salesforce(instance=instance, session_id=token, session=session).query("SELECT Id FROM Lead LIMIT 1")


def test_it_logs_in_as_an_app_and_by_the_old_way(server: Server, session: requests.Session) -> None:
    ready = server.ready
    app = {"consumer_key": ready["client_id"], "consumer_secret": ready["client_secret"]}
    assert SalesforceLogin(domain="acme.my", session=session, **app)[0]
    names = {name: ready[name] for name in ("username", "password", "security_token")}
    assert SalesforceLogin(domain="acme.my", session=session, sf_version="59.0", **names)[0]


def test_it_queries_all_pages(client: Any) -> None:
    assert client.query("SELECT COUNT() FROM Contact")["totalSize"] == 2100
    assert len(client.query_all("SELECT Id, Name FROM Contact")["records"]) == 2100
    first = next(client.query_all_iter("SELECT Id, Account.Name FROM Contact WHERE AccountId != null"))
    assert first["Account"]["Name"]


def test_it_writes_and_reads_records(client: Any) -> None:
    made = client.Lead.create({"LastName": "Ωmega", "Company": "C", "External_Id__c": "other/1"})
    assert made["success"]
    client.Lead.update(made["id"], {"Title": "CTO"})
    assert client.Lead.get(made["id"])["Title"] == "CTO"
    assert client.Lead.get_by_custom_id("External_Id__c", "other/1")["LastName"] == "Ωmega"
    assert client.Lead.upsert("External_Id__c/other-2", {"LastName": "U", "Company": "C"}) == 201
    assert client.Lead.delete(made["id"]) == 204
    with pytest.raises(SalesforceResourceNotFound):
        client.Lead.get(made["id"])
    with pytest.raises(SalesforceMalformedRequest):
        client.query("SELECT Nothing FROM Lead")


def test_it_describes(client: Any) -> None:
    described = client.describe() or {}
    assert "Lead" in {one["name"] for one in described["sobjects"]}
    assert client.Lead.describe()["keyPrefix"] == "00Q"
    assert client.limits()["DailyApiRequests"]["Max"] == 100_000


def test_it_reads_and_writes_in_bulk(client: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simple_salesforce.bulk2.sleep", lambda _: None)
    pages = list(client.bulk2.Contact.query("SELECT Id, Name, CreatedDate FROM Contact", max_records=1000))
    assert [page.count("\n") - 1 for page in pages] == [1000, 1000, 100]
    client.bulk2.Contact.download("SELECT Id FROM Contact", path=str(tmp_path))
    assert len(list(tmp_path.iterdir())) >= 1
    results = client.bulk2.Account.insert(records=[{"Name": "Büro", "External_Id__c": f"b{n}"} for n in range(3)])
    assert (results[0]["numberRecordsProcessed"], results[0]["numberRecordsFailed"]) == (3, 0)
    text = client.bulk2.Account.get_successful_records(results[0]["job_id"])
    assert text.count("\n") == 4
    updated = client.bulk2.Account.upsert(
        records=[{"External_Id__c": "b1", "Site": "x"}], external_id_field="External_Id__c"
    )
    assert updated[0]["numberRecordsFailed"] == 0


def test_it_tells_deletes_and_updates(client: Any) -> None:
    made = client.Lead.create({"LastName": "Gone", "Company": "C"})["id"]
    client.Lead.delete(made)
    start, end = NOON.replace(hour=11), NOON.replace(hour=14)
    assert made in {one["id"] for one in client.Lead.deleted(start, end)["deletedRecords"]}
    assert isinstance(client.Lead.updated(start, end)["ids"], list)


def test_it_writes_collections_as_we_do(server: Server, client: Any) -> None:
    """The same update by its generic call and by our connector leaves two records alike."""
    theirs, ours = (server.org.create("Lead", {"LastName": "L", "Company": "C", "Phone": "1"}) for _ in range(2))
    values = {"Title": "  CTO\n", "Phone": None, "HasOptedOutOfEmail": True, "AnnualRevenue": 12.5}
    body = {"allOrNone": False, "records": [{"attributes": {"type": "Lead"}, "id": theirs, **values}]}
    assert client.restful("composite/sobjects", method="PATCH", data=json.dumps(body))[0]["success"]
    change = Change(operation=Operation.UPDATE, object="Lead", row=1, crm_id=ours, values=values)
    assert [one.result for one in asyncio.run(_applied(server, [change]))] == [Result.DONE]
    different = {
        "Id",
        "OwnerId",
        "Owner_Name__c",
    }  # theirs says nothing of assignment rules, so those have moved the owner
    left, right = (server.org.get("Lead", one) or {} for one in (theirs, ours))
    assert {key for key in left if left[key] != right[key]} <= different
    assert left["Title"] == "CTO"
    assert left["OwnerId"] == server.org.state.people.lead_owner


def test_it_uploads_updates_as_we_do(server: Server, client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same rows by its upload and by ours leave records alike, cells that empty a field among them."""
    monkeypatch.setattr("simple_salesforce.bulk2.sleep", lambda _: None)
    ids = [server.org.create("Contact", {"LastName": "K", "Phone": "1", "Title": "T"}) for _ in range(402)]
    rows = [{"Id": one, "Phone": "#N/A", "Department": 'a "b",\nc'} for one in ids[:201]]
    (result,) = client.bulk2.Contact.update(records=rows)
    assert (result["numberRecordsProcessed"], result["numberRecordsFailed"]) == (201, 0)
    values = {"Phone": None, "Department": 'a "b",\nc'}
    changes = [
        Change(operation=Operation.UPDATE, object="Contact", row=n, crm_id=one, values=values)
        for n, one in enumerate(ids[201:])
    ]
    assert {one.result for one in asyncio.run(_applied(server, changes, bulk="always"))} == {Result.DONE}
    found = [server.org.get("Contact", one) or {} for one in ids]
    assert {(one["Phone"], one["Department"], one["Title"]) for one in found} == {(None, 'a "b",\nc', "T")}


async def _applied(server: Server, changes: list[Change], **more: Any) -> Outcomes:
    context = Context(connection="test", clock=server.org.clock)
    async with connect(chosen(server, settings=more), context) as session:
        return await writing.apply(session, changes)
