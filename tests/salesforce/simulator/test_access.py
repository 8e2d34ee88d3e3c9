"""Each user sees the org their rights let them see."""

from collections.abc import Callable

import pytest

from salesforce.simulator.running import Client


@pytest.fixture
def restricted(site: Callable[..., Client]) -> Client:
    return site(user="restricted")


@pytest.fixture
def minimum(site: Callable[..., Client]) -> Client:
    return site(user="minimum")


def test_a_hidden_object_does_not_exist(restricted: Client) -> None:
    listed = {one["name"] for one in restricted.rest("GET", "/sobjects").json["sobjects"]}
    assert "Opportunity" not in listed
    assert restricted.rest("GET", "/sobjects/Opportunity/describe").code == "NOT_FOUND"
    assert restricted.refused("SELECT Id FROM Opportunity") == "INVALID_TYPE"


def test_a_hidden_field_looks_deleted(restricted: Client) -> None:
    fields = {one["name"] for one in restricted.rest("GET", "/sobjects/Account/describe").json["fields"]}
    assert "Type" not in fields
    assert restricted.refused("SELECT Type FROM Account") == "INVALID_FIELD"
    account = next(one for one in restricted.org.records("Account"))["Id"]
    del account
    assert restricted.rest("POST", "/sobjects/Account", {"Name": "x", "Type": "Other"}).code == "INVALID_FIELD"


def test_hidden_records_are_absent_everywhere(restricted: Client) -> None:
    everyone = {one["Id"] for one in restricted.org.records("Contact")}
    seen = set(restricted.names("SELECT Id FROM Contact", "Id"))
    assert 0 < len(seen) < len(everyone)
    hidden = min(everyone - seen)
    assert restricted.rest("GET", f"/sobjects/Contact/{hidden}").code == "NOT_FOUND"
    assert restricted.rest("PATCH", f"/sobjects/Contact/{hidden}", {"Department": "x"}).code == "NOT_FOUND"
    restricted.org.delete("Contact", hidden)
    window = "?start=2026-03-01T11:00:00Z&end=2026-03-01T14:00:00Z"
    assert restricted.rest("GET", f"/sobjects/Contact/deleted{window}").json["deletedRecords"] == []


def test_a_record_leaves_sight_without_a_trace(client: Client) -> None:
    contact = next(client.org.records("Contact"))["Id"]
    client.control("POST", "schema", {"hide_record": [{"user": "full", "id": contact}]})
    text = f"SELECT Id FROM Contact WHERE Id = '{contact}'"
    assert client.query(text)["totalSize"] == client.query(text, "queryAll")["totalSize"] == 0
    client.control("POST", "schema", {"show_record": [{"user": "full", "id": contact}]})
    assert client.query(text)["totalSize"] == 1


def test_the_least_rights_write_names_mail_and_status_alone(minimum: Client) -> None:
    fields = {one["name"]: one for one in minimum.rest("GET", "/sobjects/Lead/describe").json["fields"]}
    writable = {name for name, one in fields.items() if one["updateable"]}
    assert {"LastName", "FirstName", "Email", "Status", "Company"} <= writable
    assert not {"Title", "Phone", "Budget__c"} & writable
    lead = next(minimum.org.records("Lead"))["Id"]
    quiet = {"Sforce_Auto_Assign": "FALSE"}
    assert minimum.rest("PATCH", f"/sobjects/Lead/{lead}", {"Email": "x@example.com"}, **quiet).status == 204
    answer = minimum.rest("PATCH", f"/sobjects/Lead/{lead}", {"Title": "x"}, **quiet)
    assert (answer.code, answer.json[0]["fields"]) == ("INVALID_FIELD_FOR_INSERT_UPDATE", ["Title"])
    assert minimum.rest("GET", "/limits").status == 403


def test_campaigns_can_be_written_by_marketing_users_alone(minimum: Client) -> None:
    assert minimum.rest("GET", "/sobjects/Campaign/describe").json["createable"] is False
    answer = minimum.rest("POST", "/sobjects/Campaign", {"Name": "x"})
    assert answer.code == "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
    minimum.control("POST", "schema", {"rights": [{"user": "minimum", "marketing_user": True}]})
    assert minimum.rest("GET", "/sobjects/Campaign/describe").json["createable"] is True
    assert minimum.rest("POST", "/sobjects/Campaign", {"Name": "x"}).status == 201


def test_a_field_can_be_hidden_while_the_org_runs(client: Client) -> None:
    client.control("POST", "schema", {"hide_field": [{"user": "full", "object": "Lead", "name": "Title"}]})
    assert client.refused("SELECT Title FROM Lead") == "INVALID_FIELD"
    client.control("POST", "schema", {"show_field": [{"object": "Lead", "name": "Title"}]})
    assert client.query("SELECT Title FROM Lead LIMIT 1")["totalSize"] == 1


def test_objects_and_fields_come_and_go(client: Client) -> None:
    wish = {
        "add_object": [{"name": "Visit__c", "fields": ["Place__c string:80 CUN-P-FSG"]}],
        "add_field": [{"object": "Lead", "name": "Size__c", "type": "double"}],
        "remove_field": [{"object": "Lead", "name": "Rating"}],
    }
    client.control("POST", "schema", wish)
    visit = client.rest("POST", "/sobjects/Visit__c", {"Place__c": "Lyon"}).json["id"]
    assert client.names(f"SELECT Place__c FROM Visit__c WHERE Id = '{visit}'", "Place__c") == ["Lyon"]
    assert client.refused("SELECT Rating FROM Lead") == "INVALID_FIELD"
    client.rest("POST", "/sobjects/Lead", {"LastName": "x", "Company": "y", "Size__c": "2.5"})
    assert client.names("SELECT Size__c FROM Lead WHERE Size__c > 2", "Size__c") == [2.5]


def test_system_permissions_are_told_and_kept(client: Client) -> None:
    """What a user lacks is one row of the effective permissions, and refused where it would be used."""
    names = ["ConvertLeads", "TransferAnyLead", "EditTask"]
    select = f"SELECT {', '.join(f'Permissions{one}' for one in names)} FROM UserPermissionAccess"
    (row,) = client.query(select)["records"]
    assert [row[f"Permissions{one}"] for one in names] == [True] * 3
    client.control("POST", "schema", {"rights": [{"user": "full", "lacks": names}]})
    (row,) = client.query(select)["records"]
    assert [row[f"Permissions{one}"] for one in names] == [False] * 3
    assert client.rest("GET", "/sobjects/Task/describe").json["createable"] is False
    own = client.org.create("Lead", {"LastName": "A", "Company": "B"}, user="full")
    others = client.org.create("Lead", {"LastName": "A", "Company": "B"})
    owner = {"OwnerId": client.org.user("minimum").user_id}
    assert client.rest("PATCH", f"/sobjects/Lead/{others}", owner).code == "INSUFFICIENT_ACCESS_OR_READONLY"
    assert client.rest("PATCH", f"/sobjects/Lead/{own}", owner).status == 204


def test_a_verb_can_be_kept_from_a_user(client: Client) -> None:
    """Whoever may not delete may not merge either."""
    barred = [{"object": "Contact", "verb": "delete"}]
    client.control("POST", "schema", {"rights": [{"user": "full", "barred": barred}]})
    told = client.rest("GET", "/sobjects/Contact/describe").json
    assert (told["updateable"], told["deletable"], told["mergeable"]) == (True, False, False)
    contact = client.org.create("Contact", {"LastName": "A"})
    assert client.rest("DELETE", f"/sobjects/Contact/{contact}").code == "INSUFFICIENT_ACCESS_OR_READONLY"
    assert client.rest("PATCH", f"/sobjects/Contact/{contact}", {"LastName": "B"}).status == 204
