"""The vendor's own messages: what a lead becomes, what a merge leaves, and who is on a marketing list."""

from typing import Any

from crmsync_dynamics.simulator import Ref
from dynamics.simulator.running import Answer, Client
from dynamics.simulator.writing import KIND, NOWHERE, held, make, refusals, write


def qualify(client: Client, lead: str, account: bool, contact: bool, deal: bool, **more: Any) -> Answer:
    """Qualify a lead into what is asked for."""
    wish = {"CreateAccount": account, "CreateContact": contact, "CreateOpportunity": deal, "Status": 3, **more}
    return write(client, "POST", f"leads({lead})/{KIND}QualifyLead", wish)


def row(table: str, identity: str) -> dict[str, str]:
    """A row as a parameter names it."""
    return {"@odata.type": f"{KIND}{table}", f"{table}id": identity}


def test_a_lead_becomes_what_is_asked_for(client: Client) -> None:
    """Account, contact and deal carry its values and origin; the lead is closed and told of them; twice is refused."""
    values = {"firstname": "Ann", "lastname": "Lee", "companyname": "Acme", "emailaddress1": "ann@x.io", "subject": "S"}
    lead = make(client, "leads", **values, estimatedamount=5, new_newsletter=True, new_marketingid="M-1")
    made = qualify(client, lead, account=True, contact=True, deal=True).json["value"]
    assert [one["@odata.type"] for one in made] == [f"#{KIND}{one}" for one in ("account", "contact", "opportunity")]
    account, contact, deal = (str(one.popitem()[1]) for one in made)
    origin = Ref("lead", lead)
    assert held(client, "account", account, "name", "originatingleadid") == ["Acme", origin]
    assert held(client, "contact", contact, "fullname", "emailaddress1", "parentcustomerid", "new_newsletter") == [
        "Ann Lee", "ann@x.io", Ref("account", account), True,
    ]  # fmt: skip
    assert held(client, "contact", contact, "new_marketingid", "originatingleadid") == [None, origin]
    assert held(client, "opportunity", deal, "name", "customerid", "estimatedvalue") == [
        "S",
        Ref("account", account),
        5,
    ]
    told = held(client, "lead", lead, "parentaccountid", "parentcontactid", "qualifyingopportunityid")
    assert told == [Ref("account", account), Ref("contact", contact), Ref("opportunity", deal)]
    assert held(client, "lead", lead, "statecode", "statuscode") == [1, 3]
    assert qualify(client, lead, account=False, contact=True, deal=False).code == "0x80040519"


def test_a_lead_can_become_a_contact_of_no_account_or_use_its_own(client: Client) -> None:
    """Without an account the contact stands alone; parents the lead has are used; who may not make accounts is told."""
    alone = make(client, "leads", lastname="Lee")
    (made,) = qualify(client, alone, account=False, contact=True, deal=False).json["value"]
    assert held(client, "contact", made["contactid"], "parentcustomerid") == [None]
    account = make(client, "accounts", name="Old")
    lead = make(client, "leads", lastname="Lee", **{"parentaccountid@odata.bind": f"/accounts({account})"})
    (made,) = qualify(client, lead, account=True, contact=True, deal=False).json["value"]
    assert held(client, "contact", made["contactid"], "parentcustomerid") == [Ref("account", account)]
    minimum = client.as_user("minimum")
    barred = make(minimum, "leads", lastname="Lee")
    refused = qualify(minimum, barred, account=True, contact=True, deal=False)
    assert (refused.status, refused.code) == (403, "0x80081018")
    assert held(client, "lead", barred, "statecode") == [0]
    incomplete = write(client, "POST", f"leads({barred})/{KIND}QualifyLead", {"CreateContact": True})
    assert incomplete.code == "0x80048d19"


def test_a_merge_leaves_an_inactive_loser_that_names_its_master(client: Client) -> None:
    """The winner takes the content and the children; the loser stays, inactive; what cannot be merged says why."""
    account = make(client, "accounts", name="A")
    winner = make(client, "contacts", lastname="W")
    loser = make(client, "contacts", lastname="L", **{"parentcustomerid_account@odata.bind": f"/accounts({account})"})
    task = make(client, "tasks", subject="T", **{"regardingobjectid_contact_task@odata.bind": f"/contacts({loser})"})
    some = make(client, "lists", listname="L", createdfromcode=2)
    for one in (winner, loser):
        write(client, "POST", f"lists({some})/{KIND}AddMemberList", {"EntityId": one})
    content = {**row("contact", "00000000-0000-0000-0000-000000000000"), "jobtitle": "CTO"}
    wish: dict[str, Any] = {
        "Target": row("contact", winner),
        "Subordinate": row("contact", loser),
        "UpdateContent": content,
    }
    wish["PerformParentingChecks"] = False
    assert write(client, "POST", "Merge", wish).status == 204
    assert held(client, "contact", winner, "jobtitle", "statecode", "parentcustomerid") == ["CTO", 0, None]
    assert held(client, "contact", loser, "merged", "statecode", "masterid") == [True, 1, Ref("contact", winner)]
    assert held(client, "task", task, "regardingobjectid") == [Ref("contact", winner)]
    assert [one["entityid"].id for one in client.org.records("listmember") if one["listid"].id == some] == [winner]
    same = {**wish, "Subordinate": row("contact", winner)}
    other = {**wish, "Subordinate": row("account", account)}
    assert refusals(client, "POST", "Merge", wish, same, other) == [
        (400, "0x80045304"), (400, "0x80045305"), (400, "0x80040203"),
    ]  # fmt: skip


def test_static_lists_take_members_of_their_own_type(client: Client) -> None:
    """Members come one by one or many at once, and go; locked lists, wrong types and strangers are refused."""
    some = make(client, "lists", listname="L", createdfromcode=4)
    one, two = make(client, "leads", lastname="A"), make(client, "leads", lastname="B")
    contact = make(client, "contacts", lastname="C")
    add, remove = f"lists({some})/{KIND}AddMemberList", f"lists({some})/{KIND}RemoveMemberList"
    first, again = (write(client, "POST", add, {"EntityId": one}).json["Id"] for _ in range(2))
    assert first == again
    many = {"List": row("list", some), "Members": [row("lead", one), row("lead", two)]}
    assert write(client, "POST", "AddListMembersList", many).status == 204
    assert held(client, "list", some, "membercount", "membertype") == [2, 4]
    on_it = client.get(f"lists({some})/listlead_association", select="lastname").json["value"]
    assert {lead["leadid"] for lead in on_it} == {one, two}
    (its,) = client.get("leads", filter=f"leadid eq {one}", expand="listlead_association").json["value"]
    assert [found["listid"] for found in its["listlead_association"]] == [some]
    assert client.get(f"lists({some})/listcontact_association").json["value"] == []
    assert refusals(client, "POST", add, {"EntityId": contact}) == [(400, "0x80040301")]
    spoiled = {**many, "Members": [row("lead", one), row("contact", contact)]}
    assert refusals(client, "POST", "AddListMembersList", spoiled) == [(400, "0x80040301")]
    assert refusals(client, "POST", add, {"EntityId": NOWHERE}) == [(404, "0x80040217")]
    gone = refusals(client, "POST", remove, {"EntityId": two}, {"EntityId": two})
    assert gone == [(204, ""), (400, "0x80048458")]
    assert held(client, "list", some, "membercount") == [1]
    write(client, "PATCH", f"lists({some})", {"lockstatus": True})
    assert refusals(client, "POST", add, {"EntityId": two}) == [(400, "0x80040302")]
    campaign = make(client, "campaigns", name="C")
    tied = write(
        client, "POST", f"campaigns({campaign})/{KIND}AddItemCampaign", {"EntityId": some, "EntityName": "list"}
    )
    assert (tied.status, (campaign, some) in client.org.state.pairs["campaignlist_association"]) == (200, True)
