"""Objects and fields that these credentials may not see: told with what to grant, and picked up once it is granted."""

from __future__ import annotations

import pytest

from support.office import IDLE, Office


@pytest.mark.parametrize("name", ["Account", "Contact", "Lead", "User"])
def test_an_object_that_is_hidden_stops_alone(office: Office, name: str) -> None:
    """Before the first sync: check and sync end with 1 and say what to grant; the others are here; then all is."""
    office.org.hide_object("full", name)
    said = office("check")
    assert said.code == 1, said
    assert f'Grant the user "Read" on {name}' in said.out
    office.sync(1)
    steps = office.steps()
    step = steps[name, "sync schema"]
    assert step["status"] == "failed"
    assert f'Grant the user "Read" on {name}' in step["message"]
    assert [one["object"] for one in office.errors("--level", "job")] == [name]
    for other in {"Account", "Contact", "Lead", "User"} - {name}:
        assert steps[other, "pull updates"]["new"] == office.org.count(other)
    office.org.hide_object("full", name, hidden=False)
    office.carries_on()


@pytest.mark.parametrize(("name", "field"), [("Contact", "Email"), ("Lead", "Company"), ("Account", "Name")])
def test_a_field_that_is_hidden_is_missing_alone(office: Office, name: str, field: str) -> None:
    """The sync succeeds without it and the check says so; once granted it is filled on request."""
    office.org.hide_field("full", name, field)
    said = office("check", "--json")
    assert said.code == 0, said
    assert any(field in one["message"] and one["level"] == "warn" for one in said.data["findings"]), said.out
    office.sync()
    office.agrees()
    office.org.hide_field("full", name, field, hidden=False)
    office.sync()
    assert office("refresh", "--field", f"{name}.{field}").code == 0
    office.agrees()
    column = {"Email": "email", "Company": "company", "Name": "name"}[field]
    table = "account" if name == "Account" else "person"
    where = "" if name == "Account" else f"WHERE crm_type = '{name.lower()}'"
    filled = office.sql(f"SELECT COUNT({column}) FROM {table} {where}")
    assert filled == [(sum(bool(one[field]) for one in office.org.records(name)),)]


@pytest.mark.parametrize("name", ["Account", "Contact", "Lead"])
def test_an_object_that_is_lost_between_cycles_keeps_its_records_and_catches_up(office: Office, name: str) -> None:
    office.sync()
    before = office.sql("SELECT * FROM person ORDER BY id"), office.sql("SELECT * FROM account ORDER BY id")
    office.org.hide_object("full", name)
    moved, ended = (str(one["Id"]) for one in list(office.org.records(name))[:2])
    office.org.update(name, moved, {"Description": "while nobody looked"})
    for _ in range(2):
        office.sync(1)
        assert 'Grant the user "Read"' in office.errors("--level", "job", "--object", name)[0]["hint"]
    assert before == (office.sql("SELECT * FROM person ORDER BY id"), office.sql("SELECT * FROM account ORDER BY id"))
    office.org.hide_object("full", name, hidden=False)
    if name != "Account":
        office.org.delete(name, ended)
    summary = office.carries_on()
    assert summary["counts"]["updated"] == 1
    assert summary["counts"]["deleted"] == (name != "Account")


def test_a_field_that_is_lost_between_cycles_keeps_its_values(office: Office) -> None:
    """Given back, it fills again with each record's next change."""
    office.sync()
    values = office.sql("SELECT crm_id, phone FROM person ORDER BY crm_id")
    office.org.hide_field("full", "Contact", "Phone")
    one = office.contacts()[0]
    office.org.update("Contact", one, {"Phone": "12345", "Title": "Seen"})
    office.sync()
    assert office.sql("SELECT crm_id, phone FROM person ORDER BY crm_id") == values
    assert office.sql("SELECT title FROM person WHERE crm_id = ?", one) == [("Seen",)]
    office.org.hide_field("full", "Contact", "Phone", hidden=False)
    office.org.update("Contact", one, {"Phone": "67890"})
    office.carries_on()
    assert office.sql("SELECT phone FROM person WHERE crm_id = ?", one) == [("67890",)]


def test_a_permission_that_goes_in_the_middle_of_a_load_stops_that_object_at_a_page(office: Office) -> None:
    """The pages before it are here, and the load goes on behind them."""
    office.org.settings.batch_size = 4
    gone = {
        "status": 400,
        "body": [{"errorCode": "INVALID_TYPE", "message": "sObject type 'Contact' is not supported."}],
    }
    office.plant(gone, path="/query/", nth=2, times=None)
    office.sync(1)
    (here,) = office.sql("SELECT COUNT(*) FROM person WHERE crm_type = 'contact'")[0]
    assert 0 < here < 20
    assert office.steps()["Contact", "pull updates"]["status"] == "failed"
    summary = office.carries_on()
    assert sum(one["new"] for one in summary["steps"] if one["object"] == "Contact") == 20 - here


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"objects": {"disable": [*IDLE, "Contakt"]}}, ["Contakt", "Contact"]),
        ({"objects": {"enable": ["Invoice__c"], "disable": IDLE}}, ["Invoice__c"]),
        ({"objects": {"wher": {}}}, ["connections.acme.objects.wher", "crmsync.toml", "where"]),
        ({"fields": {"include": ["Contact.Nickname"]}}, ["Contact.Nickname"]),
        ({"fields": {"exclude": ["Contakt.Email"]}}, ["Contakt"]),
        ({"fields": {"rename": {"Contact.Emial": "mail"}}}, ["Contact.Emial"]),
        ({"objects": {"where": {"Contact": [{"field": "Titel", "value": "x"}]}, "disable": IDLE}}, ["Titel"]),
        ({"pauze": 5}, ["connections.acme.pauze", "crmsync.toml", "pause"]),
        ({"pause": "often"}, ["connections.acme.pause", "crmsync.toml", "number"]),
    ],
)
def test_settings_that_name_what_is_not_there_are_refused(
    office: Office, given: dict[str, object], words: list[str]
) -> None:
    right = office.given
    office.given = {"objects": {"disable": IDLE}, **given}
    for command in ("check", "sync"):
        said = office(command)
        assert said.code == 2, said
        assert all(word in said.err for word in words), said.err
    office.given = right
    office.carries_on()


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ({"clientid": "x"}, ["connections.acme.settings.clientid", "client_id"]),
        ({"page_size": 5}, ["connections.acme.settings.page_size", "200"]),
        ({"api_version": "13.0"}, ["13.0"]),
        ({"flow": "jwt"}, ["to log in by jwt, set private_key"]),
    ],
)
def test_settings_of_the_connector_that_are_wrong_are_refused(
    office: Office, own: dict[str, object], words: list[str]
) -> None:
    right = dict(office.own)
    office.own |= own
    said = office("sync")
    assert said.code == 2, said
    assert all(word in said.err for word in words), said.err
    office.own = right
    office.carries_on()


def test_a_connection_and_an_object_that_are_not_there_are_refused_with_what_is_near(office: Office) -> None:
    office.sync()
    assert "'acme'" in office("sync", "acne").err
    for command in ("sync", "verify"):
        said = office(command, "--object", "Contakt")
        assert said.code == 2
        assert "'Contact'" in said.err
    office.carries_on()
