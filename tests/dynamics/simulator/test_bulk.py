"""CreateMultiple, UpdateMultiple and UpsertMultiple: many rows in one message, and one bad row spoils them all."""

from typing import Any

from dynamics.simulator.running import Answer, Client
from dynamics.simulator.writing import KIND, NOWHERE, held, write


def bulk(client: Client, message: str, *targets: dict[str, Any], table: str = "contact") -> Answer:
    """Send a bulk message for contacts; `table` is the type the targets claim."""
    rows = [{"@odata.type": f"{KIND}{table}", **one} for one in targets]
    return write(client, "POST", f"contacts/{KIND}{message}", {"Targets": rows})


def test_rows_are_made_and_changed_together(client: Client) -> None:
    """Ids come back in order, updates and upserts answer 204, and each target is a write of its own."""
    answer = bulk(client, "CreateMultiple", *({"lastname": name} for name in "ABC"))
    ids = answer.json["Ids"]
    assert [held(client, "contact", one, "lastname") for one in ids] == [["A"], ["B"], ["C"]]
    assert bulk(client, "UpdateMultiple", *({"contactid": one, "jobtitle": "T"} for one in ids)).status == 204
    assert [held(client, "contact", one, "jobtitle") for one in ids] == [["T"]] * 3
    keyed = [{"@odata.id": f"contacts(new_marketingid='M-{n}')", "lastname": name} for n, name in enumerate("XY")]
    assert [bulk(client, "UpsertMultiple", *keyed).status for _ in range(2)] == [204, 204]
    assert bulk(client, "UpsertMultiple", {"contactid": NOWHERE, "lastname": "Z"}).status == 204
    found = {one["new_marketingid"]: one["lastname"] for one in client.org.records("contact")}
    assert (found["M-0"], found["M-1"]) == ("X", "Y")
    assert held(client, "contact", NOWHERE, "lastname") == ["Z"]


def test_one_bad_row_spoils_them_all(client: Client) -> None:
    """The first error is the only one told, and nothing of the message stays."""
    ids = bulk(client, "CreateMultiple", {"lastname": "A"}, {"lastname": "B"}).json["Ids"]
    count = client.org.count("contact")
    long = bulk(client, "CreateMultiple", {"lastname": "C"}, {"lastname": "x" * 51})
    assert (long.status, long.code, client.org.count("contact")) == (400, "0x80044331", count)
    wrong = bulk(
        client, "UpdateMultiple", {"contactid": ids[0], "lastname": "Z"}, {"contactid": ids[1], "gendercode": 9}
    )
    assert (wrong.code, held(client, "contact", ids[0], "lastname")) == ("0x8004431a", ["A"])
    unknown = bulk(client, "UpdateMultiple", {"contactid": NOWHERE, "lastname": "Z"})
    assert (unknown.status, unknown.text) == (404, f"Contact With Ids = {NOWHERE} Do Not Exist")
    assert bulk(client, "CreateMultiple", {"contactid": ids[0]}).text == "Cannot insert duplicate key."
    repeated = {"@odata.id": "contacts(new_marketingid='M-9')", "new_marketingid": "M-9"}
    assert bulk(client, "UpsertMultiple", repeated).code == "0x80040216"
    assert client.org.count("contact") == count


def test_what_has_no_such_message_says_so(client: Client) -> None:
    """A wrong type, a table without the message, rows to delete in bulk, and a service where it is switched off."""
    assert "doesn't contain attribute" in bulk(client, "CreateMultiple", {"lastname": "A"}, table="lead").text
    assert "not yet been implemented" in bulk(client, "DeleteMultiple", {"contactid": NOWHERE}).text
    assert write(client, "POST", f"connections/{KIND}CreateMultiple", {"Targets": []}).status == 404
    assert bulk(client, "CreateMultiple").status == 400
    client.control("POST", "faults", {"disable": ["bulk"]})
    assert bulk(client, "CreateMultiple", {"lastname": "A"}).status == 501
