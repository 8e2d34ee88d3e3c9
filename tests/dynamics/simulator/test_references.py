"""How rows are named in what is written: bindings, links, nested rows and alternate keys, over HTTP."""

from crmsync_dynamics.simulator import Ref
from dynamics.simulator.running import Client
from dynamics.simulator.writing import NOWHERE, held, made, make, refusals, write


def test_lookups_are_bound_by_their_navigation_properties(client: Client) -> None:
    """By id, absolute address or alternate key; wrong names and targets are refused; one target ousts another."""
    account, boss = make(client, "accounts", name="Acme"), make(client, "contacts", new_marketingid="BOSS")
    one = make(client, "contacts", **{"parentcustomerid_account@odata.bind": f"/accounts({account})"})
    assert held(client, "contact", one, "parentcustomerid", "accountid") == [Ref("account", account)] * 2
    write(
        client, "PATCH", f"contacts({one})", {"parentcustomerid_contact@odata.bind": "contacts(new_marketingid='BOSS')"}
    )
    assert held(client, "contact", one, "parentcustomerid", "accountid") == [Ref("contact", boss), None]
    absolute = f"{client.server.url}/api/data/v9.2/accounts({account})"
    write(client, "PATCH", f"contacts({one})", {"parentcustomerid_account@odata.bind": absolute})
    assert held(client, "contact", one, "parentcustomerid") == [Ref("account", account)]
    write(client, "PATCH", f"contacts({one})", {"parentcustomerid_account@odata.bind": None})
    assert held(client, "contact", one, "parentcustomerid") == [None]
    here = f"/accounts({account})"
    refused = refusals(
        client, "PATCH", f"contacts({one})",
        {"parentcustomerid@odata.bind": here},
        {"ParentCustomerId_account@odata.bind": here},
        {"parentcustomerid_account@odata.bind": f"/contacts({boss})"},
        {"parentcustomerid_account@odata.bind": f"/accounts('{account}')"},
        {"parentcustomerid_account@odata.bind": here, "parentcustomerid_contact@odata.bind": f"/contacts({boss})"},
        {"parentcustomerid_account@odata.bind": f"/accounts({NOWHERE})"},
    )  # fmt: skip
    assert [code for _, code in refused] == [*["0x80048d19"] * 3, "0x8006088a", "0x80048d19", "0x80040217"]
    gone = write(client, "PATCH", f"contacts({one})", {"parentcustomerid_account@odata.bind": f"/accounts({NOWHERE})"})
    assert gone.text.startswith("account With Id")
    assert "undeclared property 'parentcustomerid'" in write(
        client, "PATCH", f"contacts({one})", {"parentcustomerid@odata.bind": here}
    ).text  # fmt: skip
    left = client.org.create("systemuser", {"lastname": "Left", "isdisabled": True})
    away = {"ownerid@odata.bind": f"/systemusers({left})"}
    assert refusals(client, "PATCH", f"contacts({one})", away) == [(403, "0x80040231")]
    team = next(client.org.records("team"))["teamid"]
    write(client, "PATCH", f"contacts({one})", {"ownerid@odata.bind": f"/teams({team})"})
    assert held(client, "contact", one, "ownerid") == [Ref("team", team)]


def test_custom_lookups_are_spelled_as_their_schema_is(client: Client) -> None:
    """A custom table's binding has capitals where its schema name has them, and no other spelling is known."""
    contact = make(client, "contacts", lastname="Lee")
    plan = make(client, "new_subscriptions", **{"new_name": "S", "new_Contact@odata.bind": f"/contacts({contact})"})
    assert held(client, "new_subscription", plan, "new_contact") == [Ref("contact", contact)]
    wrong = {"new_contact@odata.bind": f"/contacts({contact})"}
    assert refusals(client, "PATCH", f"new_subscriptions({plan})", wrong) == [(400, "0x80048d19")]


def test_rows_are_made_together_with_what_hangs_on_them(client: Client) -> None:
    """A nested parent and nested children are made in the same transaction, or none of them is."""
    body = {
        "name": "Acme",
        "primarycontactid": {"lastname": "Boss"},
        "contact_customer_accounts": [{"lastname": "A"}, {"lastname": "B"}],
    }
    account = made(write(client, "POST", "accounts", body))
    staff = [one for one in client.org.records("contact") if one["parentcustomerid"] == Ref("account", account)]
    assert sorted(one["lastname"] for one in staff) == ["A", "B"]
    boss = held(client, "account", account, "primarycontactid")[0]
    assert held(client, "contact", boss.id, "lastname") == ["Boss"]
    count = client.org.count("contact"), client.org.count("account")
    assert refusals(client, "POST", "accounts", {**body, "contact_customer_accounts": [{"gendercode": 9}]})[0][0] == 400
    assert (client.org.count("contact"), client.org.count("account")) == count


def test_links_are_tied_and_let_go_by_reference(client: Client) -> None:
    """`$ref` sets a look-up, fills a collection and pairs a list with a campaign, and takes each back."""
    account, contact = make(client, "accounts", name="A"), make(client, "contacts", lastname="B")
    here = {"@odata.id": f"{client.server.url}/api/data/v9.2/contacts({contact})"}
    assert client.get(f"accounts({account})/primarycontactid/$ref").status == 204
    assert write(client, "PUT", f"accounts({account})/primarycontactid/$ref", here).status == 204
    assert held(client, "account", account, "primarycontactid") == [Ref("contact", contact)]
    assert client.get(f"accounts({account})/primarycontactid/$ref").json["@odata.id"] == here["@odata.id"]
    assert write(client, "DELETE", f"accounts({account})/primarycontactid/$ref").status == 204
    assert held(client, "account", account, "primarycontactid") == [None]
    members = f"accounts({account})/contact_customer_accounts"
    assert write(client, "POST", f"{members}/$ref", here).status == 204
    assert held(client, "contact", contact, "parentcustomerid") == [Ref("account", account)]
    assert client.get(f"{members}/$ref").json["value"] == [here]
    assert write(client, "DELETE", f"{members}({contact})/$ref").status == 204
    assert held(client, "contact", contact, "parentcustomerid") == [None]
    campaign, some = make(client, "campaigns", name="C"), make(client, "lists", listname="L", createdfromcode=2)
    pair, to = f"campaigns({campaign})/campaignlist_association", {"@odata.id": f"/lists({some})"}
    assert [write(client, "POST", f"{pair}/$ref", to).status for _ in range(2)] == [204, 412]
    assert write(client, "DELETE", f"{pair}/$ref?$id=/lists({some})").status == 204
    assert (campaign, some) not in client.org.state.pairs["campaignlist_association"]


def test_alternate_keys_find_make_and_guard_rows(client: Client) -> None:
    """An upsert by key makes one row and then changes it; keys not there, not ready or not legal are refused."""
    first, second = (write(client, "PATCH", "contacts(new_marketingid='O''Neil')", {"lastname": n}) for n in "AB")
    assert made(first) == made(second)
    assert held(client, "contact", made(first), "new_marketingid", "lastname") == ["O'Neil", "B"]
    assert write(client, "PATCH", "contacts(new_marketingid='none')", {}, If_Match="*").code == "0x80060891"
    assert write(client, "PATCH", "contacts(lastname='B')", {}).code == "0x80060890"
    assert write(client, "PATCH", "contacts(new_marketingid='a%2Fb')", {}).code == "0x8006088a"
    assert refusals(client, "POST", "contacts", {"new_marketingid": "o'neil"}) == [(412, "0x80060892")]
    client.org.state.entities["contact"].pending_keys.add("new_mktgid")
    assert write(client, "PATCH", "contacts(new_marketingid='x')", {}).code == "0x80060890"
