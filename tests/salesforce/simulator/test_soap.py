"""Conversion, merge and undelete by SOAP, with the REST token as the session."""

import re

from salesforce.simulator.running import Answer, Client

NS = 'xmlns:e="http://schemas.xmlsoap.org/soap/envelope/" xmlns:u="urn:partner.soap.sforce.com"'


def call(client: Client, body: str, session: str | None = None) -> Answer:
    head = f"<u:SessionHeader><u:sessionId>{session or client.token}</u:sessionId></u:SessionHeader>"
    envelope = f"<e:Envelope {NS}><e:Header>{head}</e:Header><e:Body>{body}</e:Body></e:Envelope>"
    return client.send("POST", "/services/Soap/u/62.0", envelope.encode(), Content_Type="text/xml", SOAPAction='""')


def member(answer: Answer, name: str) -> list[str]:
    return re.findall(f"<{name}>([^<]*)</{name}>", answer.body.decode())


def test_a_lead_is_converted(client: Client) -> None:
    lead = client.org.create("Lead", {"LastName": "Ünal", "Company": "A & B"})
    answer = call(
        client,
        f"<u:convertLead><u:leadConverts><u:convertedStatus>Closed - Converted</u:convertedStatus>"
        f"<u:doNotCreateOpportunity>true</u:doNotCreateOpportunity><u:leadId>{lead}</u:leadId>"
        f"</u:leadConverts></u:convertLead>",
    )
    assert (answer.status, member(answer, "success")) == (200, ["true"])
    contact = client.org.get("Contact", member(answer, "contactId")[0]) or {}
    assert contact["LastName"] == "Ünal"


def test_a_failed_conversion_changes_nothing_and_says_why(client: Client) -> None:
    queue = next(client.org.records("Group"))["Id"]
    lead = client.org.create("Lead", {"LastName": "Q", "Company": "C", "OwnerId": queue})
    before = client.org.count("Account")
    answer = call(
        client, f"<u:convertLead><u:leadConverts><u:leadId>{lead}</u:leadId></u:leadConverts></u:convertLead>"
    )
    assert (member(answer, "success"), member(answer, "statusCode")) == (["false"], ["INVALID_OWNER"])
    assert client.org.count("Account") == before


def test_records_are_merged_and_restored(client: Client) -> None:
    first, second, third = [one["Id"] for one in client.org.records("Contact")][:3]
    answer = call(
        client,
        f"<u:merge><u:request><u:masterRecord><u:type>Contact</u:type><u:Id>{first}</u:Id></u:masterRecord>"
        f"<u:recordToMergeIds>{second}</u:recordToMergeIds></u:request></u:merge>",
    )
    assert member(answer, "mergedRecordIds") == [second]
    client.org.delete("Contact", third)
    answer = call(client, f"<u:undelete><u:ids>{third}</u:ids><u:ids>{first}</u:ids></u:undelete>")
    assert member(answer, "success") == ["true", "false"]


def test_a_dead_session_is_a_fault(client: Client) -> None:
    answer = call(client, "<u:undelete/>", session="dead")
    assert answer.status == 500
    assert member(answer, "faultcode") == ["sf:INVALID_SESSION_ID"]
