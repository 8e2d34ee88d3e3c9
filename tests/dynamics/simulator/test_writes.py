"""Rows made, changed and deleted over HTTP, as the vendor's Web API does it."""

from collections.abc import Callable
from decimal import Decimal

from crmsync_dynamics.simulator import Ref
from dynamics.simulator.running import Client
from dynamics.simulator.writing import NOWHERE, held, made, make, refusals, write

MINE = "7f1c2d3e-0000-4000-8000-000000000001"


def test_an_update_without_a_condition_creates_what_is_not_there(client: Client) -> None:
    """The whole matrix of conditions, for a row that is there and one that is not, by its id."""
    there = make(client, "contacts", lastname="Lee")
    etag = f'W/"{held(client, "contact", there, "versionnumber")[0]}"'
    assert write(client, "PATCH", f"contacts({NOWHERE})", {"lastname": "X"}, If_Match="*").code == "0x80040217"
    assert write(client, "PATCH", f"contacts({NOWHERE})", {"lastname": "X"}, If_Match=etag).status == 404
    assert write(client, "PATCH", f"contacts({there})", {"lastname": "X"}, If_None_Match="*").status == 412
    assert write(client, "PATCH", f"contacts({there})", {"lastname": "X"}, If_Match=etag).status == 204
    stale = write(client, "PATCH", f"contacts({there})", {"lastname": "Y"}, If_Match=etag)
    assert (stale.status, stale.code) == (412, "0x80060882")
    assert set(stale.json["error"]) == {"code", "message"}
    assert made(write(client, "PATCH", f"contacts({MINE})", {"lastname": "New"}, If_None_Match="*")) == MINE
    assert made(write(client, "PATCH", f"contacts({NOWHERE})", {"lastname": "Ghost"})) == NOWHERE
    assert write(client, "DELETE", f"contacts({there})", If_Match=etag).status == 412
    assert [write(client, "DELETE", f"contacts({there})").status for _ in range(2)] == [204, 404]


def test_the_caller_may_choose_the_id_once(client: Client) -> None:
    """A new row takes the id of its body; a second one with that id is a duplicate, and nothing of it stays."""
    assert make(client, "leads", leadid=MINE, subject="S") == MINE
    count = client.org.count("lead")
    refused = write(client, "POST", "leads", {"leadid": MINE}, Prefer='odata.include-annotations="*"')
    told = {name.rpartition(".")[2]: value for name, value in refused.json["error"].items() if "." in name}
    assert (refused.status, refused.code) == (412, "0x80040237")
    assert (told["ApiExceptionMessageName"], told["SubErrorCode"]) == ("DuplicateRecord", "2147220937")
    assert (told["ApiExceptionHttpStatusCode"], told["ApiExceptionCategory"]) == ("412", "ClientError")
    assert client.org.count("lead") == count


def test_the_answer_tells_whether_a_row_was_made(client: Client) -> None:
    """With `return=representation` a new row is 201 and a changed one 200, each with the columns asked for."""
    path = "contacts(new_marketingid='M-1')?$select=jobtitle"
    answers = [
        write(client, "PATCH", path, {"jobtitle": title}, Prefer="return=representation") for title in ("a", "b")
    ]
    assert [(answer.status, answer.json["jobtitle"]) for answer in answers] == [(201, "a"), (200, "b")]
    assert "OData-EntityId" not in answers[0].headers
    (row,) = (one for one in client.org.records("contact") if one["new_marketingid"] == "M-1")
    assert row["contactid"] == answers[1].json["contactid"]


def test_every_write_moves_the_stamps(client: Client) -> None:
    """Who and when, and the version, move with each change; nothing that is worked out takes a value."""
    lead = make(client, "leads", firstname="Ann", lastname="Lee", createdon="2001-01-01T00:00:00Z", fullname="No")
    me = client.org.user("full").user_id
    version, name, *people = held(
        client, "lead", lead, "versionnumber", "fullname", "createdby", "modifiedby", "ownerid"
    )
    assert (name, people) == ("Ann Lee", [Ref("systemuser", me)] * 3)
    client.control("POST", "clock", {"advance": 60})
    client.control("POST", "statistics/reset")
    write(client, "PATCH", f"leads({lead})", {"lastname": "Ono", "modifiedon": "2001-01-01T00:00:00Z"})
    later, name, changed = held(client, "lead", lead, "versionnumber", "fullname", "modifiedon")
    assert later > version
    assert (name, changed) == ("Ann Ono", "2026-05-04T12:01:00Z")
    assert client.control("GET", "statistics")["columns"] == {"lead.lastname": 1, "lead.modifiedon": 1}
    old = make(client, "leads", subject="old", overriddencreatedon="2020-02-29T00:00:00Z")
    assert held(client, "lead", old, "createdon") == ["2020-02-29T00:00:00Z"]


def test_values_are_held_as_the_columns_want_them(client: Client) -> None:
    """Money has ten decimals and a currency, empty text is nothing, dates keep their behaviour, choices their order."""
    values = {
        "lastname": "Lee", "nickname": "", "annualincome": 12.345, "birthdate": "1980-02-29", "donotemail": True,
        "new_interests": "3,1", "lastusedincampaign": "2026-01-01T00:00:00Z",
        "new_lastwebinar": "2026-01-01T02:00:00+02:00", "new_officehour": "2026-01-01T08:00:00Z",
    }  # fmt: skip
    one = make(client, "contacts", **values)
    assert held(client, "contact", one, "nickname", "annualincome", "birthdate") == [
        None, Decimal("12.3500000000"), "1980-02-29",
    ]  # fmt: skip
    assert held(client, "contact", one, "new_interests", "new_lastwebinar") == ["1,3", "2026-01-01T00:00:00Z"]
    assert held(client, "contact", one, "transactioncurrencyid")[0].table == "transactioncurrency"
    assert held(client, "contact", one, "lastusedincampaign") == [None]  # it can only be updated
    write(client, "PUT", f"contacts({one})/jobtitle", {"value": "CTO"})
    assert held(client, "contact", one, "jobtitle") == ["CTO"]
    write(client, "DELETE", f"contacts({one})/jobtitle")
    write(client, "PATCH", f"contacts({one})", {"annualincome": None})
    assert held(client, "contact", one, "jobtitle", "annualincome") == [None, None]


def test_no_write_moves_what_is_worked_out(client: Client) -> None:
    """A calculated column takes no value, and follows its source without a new version of its own row."""
    account = make(client, "accounts", name="A", industrycode=6)
    bound = {"parentcustomerid_account@odata.bind": f"/accounts({account})", "new_accountindustry": "Mine"}
    one = make(client, "contacts", lastname="Lee", **bound)
    before = held(client, "contact", one, "new_accountindustry", "versionnumber")
    write(client, "PATCH", f"accounts({account})", {"industrycode": 7})
    after = held(client, "contact", one, "new_accountindustry", "versionnumber")
    assert (before[0], after) == ("Business Services", ["Consulting", before[1]])


def test_values_that_do_not_fit_are_refused_with_the_vendors_codes(client: Client) -> None:
    """Length, choice, range, type, date, unknown names: nothing is written, and the code says what it was."""
    cases = [
        ({"jobtitle": "x" * 101}, "0x80044331"),
        ({"gendercode": 99}, "0x8004431a"),
        ({"new_interests": "1,77"}, "0x8004431a"),
        ({"gendercode": "Male"}, "0x80048d19"),
        ({"numberofchildren": -1}, "0x8004432f"),
        ({"new_rate": 100001.5}, "0x80044330"),
        ({"numberofchildren": "abc"}, "0x80048d19"),
        ({"donotemail": "true"}, "0x80048d19"),
        ({"birthdate": "1980-02-29T00:00:00Z"}, "0x80048d19"),
        ({"new_lastwebinar": "1752-12-31T00:00:00Z"}, "0x80040239"),
        ({"jobtitle": "a\x07"}, "0x80040203"),
        ({"Jobtitle": "a"}, "0x0"),
        ({"_parentcustomerid_value": NOWHERE}, "0x80048d19"),
    ]
    count = client.org.count("contact")
    assert refusals(client, "POST", "contacts", *(body for body, _ in cases)) == [(400, code) for _, code in cases]
    assert client.org.count("contact") == count
    assert refusals(client, "POST", "campaigns", {}) == [(400, "0x80040200")]
    assert refusals(client, "POST", "Contacts", {}) == [(404, "0x8006088a")]
    assert write(client, "POST", "contacts", b"{nonsense").code == "0x80048d19"
    text = write(client, "POST", "contacts", {"jobtitle": "x" * 101}).text
    assert "The length of the 'jobtitle' attribute of the 'contact' entity exceeded the maximum allowed" in text


def test_states_go_their_legal_way(client: Client) -> None:
    """State and status belong together, rows begin active, leads reopen in between, deals close by their message."""
    lead = make(client, "leads", subject="S")
    path = f"leads({lead})"
    wrong = [{"statecode": 1, "statuscode": 4}, {"statuscode": 3}]
    assert refusals(client, "PATCH", path, *wrong) == [(400, "0x80048408")] * 2
    steps = [{"statecode": 1}, {"statecode": 2, "statuscode": 5}, {"statecode": 0}, {"statecode": 2, "statuscode": 5}]
    assert [status for status, _ in refusals(client, "PATCH", path, *steps)] == [204, 400, 204, 204]
    assert held(client, "lead", lead, "statecode", "statuscode") == [2, 5]
    inactive = write(client, "POST", "accounts", {"name": "A", "statecode": 1})
    assert inactive.text.startswith("2 is not a valid status code for state code AccountState.Active on account")
    task = make(client, "tasks", subject="T")
    done = [{"statecode": 1}, {"subject": "later"}, {"statecode": 0}, {"subject": "later"}]
    assert [status for status, _ in refusals(client, "PATCH", f"tasks({task})", *done)] == [204, 400, 204, 204]
    account = make(client, "accounts", name="A")
    customer = {"customerid_account@odata.bind": f"/accounts({account})"}
    deal = make(client, "opportunities", name="D", **customer)
    assert held(client, "opportunity", deal, "parentaccountid") == [Ref("account", account)]
    assert refusals(client, "PATCH", f"opportunities({deal})", {"statecode": 1, "statuscode": 3}) == [
        (400, "0x80040516")
    ]
    close = {"subject": "Won", "actualrevenue": 5, "opportunityid@odata.bind": f"/opportunities({deal})"}
    won = [{"Status": 3, "OpportunityClose": close}] * 2
    assert [s for s, _ in refusals(client, "POST", "WinOpportunity", *won)] == [204, 400]
    assert held(client, "opportunity", deal, "statecode", "statuscode", "actualclosedate") == [1, 3, "2026-05-04"]
    assert write(client, "PATCH", f"opportunities({deal})", {"statecode": 0, "statuscode": 1}).status == 204
    client.control("POST", "settings", {"edit_closed_leads": False})
    assert refusals(client, "PATCH", path, {"subject": "x"}) == [(400, "0x80040230")]


def test_the_vendor_gives_out_numbers_and_times(client: Client) -> None:
    """A campaign gets its code once and for all, and a task the moment of its completion."""
    campaign, task = make(client, "campaigns", name="C"), make(client, "tasks", subject="T")
    (code,) = held(client, "campaign", campaign, "codename")
    assert code.startswith("CMP-01001-")
    write(client, "PATCH", f"campaigns({campaign})", {"codename": "MINE"})
    write(client, "PATCH", f"tasks({task})", {"statecode": 1})
    assert held(client, "campaign", campaign, "codename") == [code]
    assert held(client, "task", task, "actualend", "statuscode") == ["2026-05-04T12:00:00Z", 5]


def test_rights_and_column_security_hold_for_writes(client: Client) -> None:
    """A missing privilege names itself, and one secret that is not open spoils the whole write."""
    minimum, restricted = client.as_user("minimum"), client.as_user("restricted")
    lead, account = make(minimum, "leads", subject="S"), make(client, "accounts", name="A")
    denied = write(minimum, "POST", "accounts", {"name": "A"})
    assert (denied.status, denied.code, "prvCreateAccount" in denied.text) == (403, "0x80040220", True)
    assert refusals(minimum, "POST", "leads", {"new_salary": 1, "subject": "S"}) == [(403, "0x8004f502")]
    assert refusals(minimum, "PATCH", f"leads({lead})", {"new_salary": 1}) == [(403, "0x8004f507")]
    assert write(minimum, "DELETE", f"leads({lead})").status == 403
    blind = {"verb": "Read", "table": "lead", "depth": "None"}
    client.control("POST", "rights", {"user": "minimum", "depths": [blind]})
    count = client.org.count("lead")
    assert write(minimum, "POST", "leads", {"subject": "x"}, Prefer="return=representation").status == 403
    assert client.org.count("lead") == count
    client.control("POST", "rights", {"user": "minimum", "opened": [{"table": "lead", "column": "new_salary"}]})
    assert refusals(minimum, "PATCH", f"leads({lead})", {"new_salary": 1}) == [(204, "")]
    bind = {"parentaccountid@odata.bind": f"/accounts({account})"}
    client.control(
        "POST", "rights", {"user": "minimum", "depths": [{"verb": "AppendTo", "table": "account", "depth": "None"}]}
    )
    assert "prvAppendToAccount" in write(minimum, "PATCH", f"leads({lead})", bind).text
    assert "prvWriteLead" in write(restricted, "PATCH", f"leads({lead})", {"subject": "x"}).text


def test_rows_in_use_stay_and_others_take_their_children_along(site: Callable[..., Client]) -> None:
    """A restricted relationship forbids the deletion; elsewhere children go, and other look-ups are emptied."""
    client = site(restricted=frozenset({("new_subscription", "new_contact")}))
    contact = make(client, "contacts", lastname="Lee")
    task = make(client, "tasks", subject="T", **{"regardingobjectid_contact_task@odata.bind": f"/contacts({contact})"})
    plan = make(client, "new_subscriptions", new_name="S", **{"new_Contact@odata.bind": f"/contacts({contact})"})
    busy = write(client, "DELETE", f"contacts({contact})")
    assert (busy.status, busy.code) == (405, "0x80040227")
    assert write(client, "DELETE", f"new_subscriptions({plan})").status == 204
    assert write(client, "DELETE", f"contacts({contact})").status == 204
    assert client.org.get("task", task) is None
