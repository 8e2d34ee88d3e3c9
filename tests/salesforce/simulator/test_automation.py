"""What an administrator sets up in an org, planted by the control path, happens to every write through the API."""

from collections.abc import Callable
from typing import Any

from salesforce.simulator.running import Answer, Client

NS = 'xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:u="urn:partner.soap.sforce.com"'


def leads(client: Client, count: int) -> list[str]:
    return [client.org.create("Lead", {"LastName": f"L{n}", "Company": "C"}) for n in range(count)]


def update(client: Client, ids: list[str], **values: Any) -> list[str]:
    """The codes of an update by collection, "" for each record that was written."""
    records = [{"attributes": {"type": "Lead"}, "id": one, **values} for one in ids]
    rows = client.rest("PATCH", "/composite/sobjects", {"records": records}, Sforce_Auto_Assign="false").json
    return [row["errors"][0]["statusCode"] if row["errors"] else "" for row in rows]


def soap(client: Client, header: str, body: str) -> Answer:
    head = f"<u:SessionHeader><u:sessionId>{client.token}</u:sessionId></u:SessionHeader>{header}"
    envelope = f"<e:Envelope {NS}><e:Header>{head}</e:Header><e:Body>{body}</e:Body></e:Envelope>"
    return client.send("POST", "/services/Soap/u/62.0", envelope.encode(), Content_Type="text/xml", SOAPAction='""')


def test_a_validation_rule_refuses_its_value(client: Client) -> None:
    rule = {"object": "Lead", "field": "Title", "value": "bad", "message": "Not that one."}
    client.control("POST", "automation", {"validations": [rule]})
    (lead,) = leads(client, 1)
    assert update(client, [lead], Title="bad") == ["FIELD_CUSTOM_VALIDATION_EXCEPTION"]
    assert update(client, [lead], Title="good") == [""]
    client.control("DELETE", "automation")
    assert update(client, [lead], Title="bad") == [""]


def test_a_field_is_set_on_every_save(client: Client) -> None:
    client.control("POST", "automation", {"updates": [{"object": "Lead", "field": "Rating", "value": "Hot"}]})
    (lead,) = leads(client, 1)
    update(client, [lead], Title="x", Rating="Cold")
    assert (client.org.get("Lead", lead) or {})["Rating"] == "Hot"


def test_a_field_is_spelled_by_a_formula_on_every_save(client: Client) -> None:
    formulas = {"Title": "UPPER", "City": "LOWER", "Company": "TRIM", "LastName": "SUBSTITUTE"}
    updates = [{"object": "Lead", "field": field, "formula": formula} for field, formula in formulas.items()]
    client.control("POST", "automation", {"updates": updates})
    (lead,) = leads(client, 1)
    update(client, [lead], Title="cto", City="OSLO", Company="In  Gen", LastName="van Noor")
    found = client.org.get("Lead", lead) or {}
    assert [found[field] for field in formulas] == ["CTO", "oslo", "In Gen", "van-Noor"]


def test_a_trigger_fails_for_calls_that_are_too_large(client: Client) -> None:
    client.control("POST", "automation", {"triggers": [{"object": "Lead", "most": 2}]})
    ids = leads(client, 3)
    assert update(client, ids, Title="x") == ["CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"] * 3
    assert update(client, ids[:2], Title="x") == [""] * 2


def test_a_record_is_locked_for_a_while(client: Client) -> None:
    first, second = leads(client, 2)
    client.control("POST", "automation", {"locks": [{"id": first, "times": 2}]})
    assert update(client, [first, second], Title="x") == ["UNABLE_TO_LOCK_ROW", ""]
    assert client.rest("DELETE", f"/sobjects/Lead/{first}").code == "UNABLE_TO_LOCK_ROW"
    assert update(client, [first], Title="x") == [""]


def test_nonsense_is_not_planted(client: Client) -> None:
    assert client.send("POST", "/control/automation", {"wishes": []}).status == 400
    assert client.send("POST", "/control/automation", {"locks": [{"row": 1}]}).status == 400
    unknown = {"object": "Lead", "field": "Title", "formula": "REVERSE"}
    assert client.send("POST", "/control/automation", {"updates": [unknown]}).status == 400


def test_mails_to_owners_are_counted(client: Client) -> None:
    lead = "<u:sObjects><u:type>Lead</u:type><u:LastName>A</u:LastName><u:Company>B</u:Company></u:sObjects>"
    mail = "<u:EmailHeader><u:triggerUserEmail>true</u:triggerUserEmail></u:EmailHeader>"
    assert soap(client, "", f"<u:create>{lead}</u:create>").status == 200
    assert client.control("GET", "statistics")["mails"] == 0
    answer = soap(client, mail, f"<u:create>{lead}<u:sObjects><u:type>Lead</u:type></u:sObjects></u:create>")
    assert b"<success>true</success>" in answer.body
    assert b"<statusCode>REQUIRED_FIELD_MISSING</statusCode>" in answer.body
    assert b"<fields>LastName</fields><fields>Company</fields>" in answer.body
    assert client.control("GET", "statistics")["mails"] == 1


def test_assignment_by_soap_needs_its_header(client: Client) -> None:
    lead = "<u:sObjects><u:type>Lead</u:type><u:LastName>A</u:LastName><u:Company>B</u:Company></u:sObjects>"
    rule = "<u:AssignmentRuleHeader><u:useDefaultRule>true</u:useDefaultRule></u:AssignmentRuleHeader>"
    for header in ("", rule):
        soap(client, header, f"<u:create>{lead}</u:create>")
    owners = [row["OwnerId"] for row in client.org.records("Lead")][-2:]
    assert owners == [client.org.user("full").user_id, client.org.state.people.lead_owner]


def test_a_merge_keeps_the_values_given(client: Client) -> None:
    kept, loser = (client.org.create("Contact", {"LastName": name, "Phone": "1"}) for name in ("A", "B"))
    record = f"<u:type>Contact</u:type><u:fieldsToNull>Phone</u:fieldsToNull><u:Id>{kept}</u:Id><u:Title>T</u:Title>"
    losers = f"<u:recordToMergeIds>{loser}</u:recordToMergeIds>"
    soap(client, "", f"<u:merge><u:request><u:masterRecord>{record}</u:masterRecord>{losers}</u:request></u:merge>")
    found = client.org.get("Contact", kept) or {}
    assert (found["Title"], found["Phone"]) == ("T", None)
    assert (client.org.get("Contact", loser) or {})["MasterRecordId"] == kept


def test_converted_leads_can_be_opened_for_editing(site: Callable[..., Client]) -> None:
    for edit, expected in ((False, "CANNOT_UPDATE_CONVERTED_LEAD"), (True, "")):
        client = site(edit_converted=edit)
        (lead,) = leads(client, 1)
        client.org.convert_lead(lead)
        assert update(client, [lead], Title="x") == [expected]


def test_wide_numbers_keep_their_digits(client: Client) -> None:
    definition = {"object": "Lead", "name": "Wide__c", "type": "double", "precision": 18, "scale": 4}
    client.control("POST", "schema", {"add_field": [definition]})
    (lead,) = leads(client, 1)
    body = b'{"Wide__c": 12345678901234.5678}'
    assert client.rest("PATCH", f"/sobjects/Lead/{lead}", body, Content_Type="application/json").status == 204
    assert b'"Wide__c":12345678901234.5678' in client.rest("GET", f"/sobjects/Lead/{lead}?fields=Wide__c").body
    assert update(client, [lead], Wide__c=1.5) == [""]
    assert b'"Wide__c":1.5' in client.rest("GET", f"/sobjects/Lead/{lead}?fields=Wide__c").body
