"""What an administrator sets up happens to writes through the API: workflows, plug-ins, duplicates, locks."""

from collections.abc import Callable
from typing import Any

import pytest

from crmsync_dynamics.simulator import Ref
from dynamics.simulator.running import Client
from dynamics.simulator.writing import held, make, refusals, write

FILTER = "new_synctomkto"


def change(client: Client, path: str, **values: Any) -> None:
    """Update a row, which must be taken."""
    assert write(client, "PATCH", path, values).status == 204


@pytest.fixture
def filtered(client: Client) -> Client:
    """An environment whose workflow keeps the sync filter by the e-mail address."""
    client.control("POST", "automation", {"workflows": [{"name": "sync_filter"}]})
    return client


@pytest.mark.rule("R-269")
def test_a_lead_is_synced_while_it_has_an_address(filtered: Client) -> None:
    """Made or changed, with an address the filter is yes and without one no; other changes leave it alone."""
    lead = make(filtered, "leads", lastname="Lee", emailaddress1="a@x.io", new_synctomkto=False)
    assert held(filtered, "lead", lead, FILTER) == [True]
    assert held(filtered, "lead", lead, "modifiedby") == [Ref("systemuser", filtered.org.state.people.admin)]
    change(filtered, f"leads({lead})", emailaddress1=None)
    assert held(filtered, "lead", lead, FILTER) == [False]
    change(filtered, f"leads({lead})", new_synctomkto=True)
    change(filtered, f"leads({lead})", jobtitle="CTO")
    assert held(filtered, "lead", lead, FILTER) == [True]
    assert held(filtered, "lead", make(filtered, "leads", lastname="No"), FILTER) == [False]


@pytest.mark.rule("R-270", "R-271")
def test_a_contact_with_an_address_brings_its_account(filtered: Client) -> None:
    """With an address both are yes, without one the contact is no; one at yes that moves brings its new account."""
    first, second = (make(filtered, "accounts", name=name, new_synctomkto=False) for name in "AB")
    bound = {"parentcustomerid_account@odata.bind": f"/accounts({first})"}
    contact = make(filtered, "contacts", lastname="Lee", **bound)
    assert (held(filtered, "contact", contact, FILTER), held(filtered, "account", first, FILTER)) == ([False], [False])
    change(filtered, f"contacts({contact})", emailaddress1="a@x.io")
    assert (held(filtered, "contact", contact, FILTER), held(filtered, "account", first, FILTER)) == ([True], [True])
    change(filtered, f"contacts({contact})", **{"parentcustomerid_account@odata.bind": f"/accounts({second})"})
    assert held(filtered, "account", second, FILTER) == [True]
    change(filtered, f"contacts({contact})", emailaddress1=None)
    assert (held(filtered, "contact", contact, FILTER), held(filtered, "account", second, FILTER)) == ([False], [True])


@pytest.mark.rule("R-272")
def test_an_opportunity_follows_its_customer(filtered: Client) -> None:
    """When its customer or contact changes to one at yes, it is yes; one at no leaves it as it is."""
    off, on = (make(filtered, "accounts", name="A", new_synctomkto=value) for value in (False, True))
    contact = make(filtered, "contacts", lastname="Lee", emailaddress1="a@x.io")
    deals = {"customerid_account@odata.bind": f"/accounts({off})", "new_synctomkto": False}
    deal, other = (make(filtered, "opportunities", name="D", **deals) for _ in range(2))
    assert held(filtered, "opportunity", deal, FILTER) == [False]
    change(filtered, f"opportunities({deal})", **{"customerid_account@odata.bind": f"/accounts({on})"})
    change(filtered, f"opportunities({other})", **{"parentcontactid@odata.bind": f"/contacts({contact})"})
    assert [held(filtered, "opportunity", one, FILTER) for one in (deal, other)] == [[True], [True]]


def test_a_workflow_may_run_some_seconds_later(client: Client) -> None:
    """Until its time has come the row has what it was saved with."""
    client.control("POST", "automation", {"workflows": [{"name": "sync_filter", "delay": 10}]})
    lead = make(client, "leads", lastname="Lee")
    client.get("WhoAmI")
    assert held(client, "lead", lead, FILTER) == [True]  # the default of the column
    client.control("POST", "clock", {"advance": 10})
    client.get("WhoAmI")
    assert held(client, "lead", lead, FILTER) == [False]


def test_plug_ins_refuse_fail_and_change_what_is_saved(client: Client) -> None:
    """A business rule, a crash of large calls, a column every save sets and a lock, until all of it is taken away."""
    planted = {
        "validations": [{"object": "lead", "field": "jobtitle", "value": "bad", "message": "Not that one."}],
        "updates": [
            {"object": "lead", "field": "leadqualitycode", "value": 1},
            {"object": "lead", "field": "subject", "formula": "TRIM"},
        ],
        "triggers": [{"object": "contact", "most": 0, "code": "0x80044171", "message": "The plug-in took too long."}],
    }
    client.control("POST", "automation", planted)
    lead = make(client, "leads", subject="a  b", lastname="Lee")
    assert held(client, "lead", lead, "leadqualitycode", "subject") == [1, "a b"]
    refused = write(client, "PATCH", f"leads({lead})", {"jobtitle": "bad"})
    assert (refused.status, refused.code, refused.text) == (400, "0x80040265", "Not that one.")
    assert refusals(client, "POST", "contacts", {"lastname": "A"}) == [(400, "0x80044171")]
    bypass = {"MSCRM.BypassCustomPluginExecution": "true"}
    assert write(client, "PATCH", f"leads({lead})", {"jobtitle": "bad"}, **bypass).status == 204
    minimum = write(client.as_user("minimum"), "PATCH", f"leads({lead})", {"jobtitle": "bad"}, **bypass)
    assert (minimum.status, "prvBypassCustomPlugins" in minimum.text) == (403, True)
    client.control("DELETE", "automation")
    client.control("POST", "automation", {"locks": [{"id": lead, "times": 1}]})
    again = refusals(client, "PATCH", f"leads({lead})", {"jobtitle": "bad"}, {"jobtitle": "bad"})
    assert again == [(500, "0x80044150"), (204, "")]
    assert client.send("POST", "/control/automation", {"workflows": [{"name": "other"}]}).status == 400


def test_duplicates_are_found_only_on_request(client: Client) -> None:
    """Writes look for them with the vendor's header alone; inactive rows and switched-off detection do not count."""
    ask = {"MSCRM.SuppressDuplicateDetection": "false"}
    first = make(client, "contacts", lastname="A", emailaddress1="same@x.io")
    second = make(client, "contacts", lastname="B", emailaddress1="SAME@x.io")
    body = {"lastname": "C", "emailaddress1": "same@x.io"}
    found = write(client, "POST", "contacts", body, **ask)
    assert (found.status, found.code) == (412, "0x80040333")
    assert write(client, "PATCH", f"contacts({first})", {"jobtitle": "T"}, **ask).status == 204
    for one in (first, second):
        change(client, f"contacts({one})", statecode=1)
    assert write(client, "POST", "contacts", body, **ask).status == 204
    client.control("POST", "settings", {"duplicate_detection": False})
    assert write(client, "POST", "contacts", body, **ask).status == 204


def test_environments_differ_in_trimming_and_in_read_only_columns(site: Callable[..., Client]) -> None:
    """Where it is set so, texts lose the spaces around them and a read-only column in a body is an error."""
    client = site(trim=True, refuse_read_only=True)
    assert held(client, "lead", make(client, "leads", lastname=" Lee\n"), "lastname") == ["Lee"]
    assert refusals(client, "POST", "leads", {"fullname": "No"}) == [(400, "0x80048d19")]
