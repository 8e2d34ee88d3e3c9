"""Reading rows: what queries choose, how pages follow each other, and how values look on the wire."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest

from crmsync_dynamics.simulator import Ref
from dynamics.simulator.running import API, Answer, Client

ALL = 'odata.include-annotations="*"'
FORMATTED = "OData.Community.Display.V1.FormattedValue"


def pages(client: Client, first: Answer, prefer: str) -> Iterator[Answer]:
    """The first page and those behind its links, each fetched as the link says."""
    answer: Answer | None = first
    while answer is not None:
        assert answer.status == 200, answer.body
        yield answer
        link = answer.json.get("@odata.nextLink")
        answer = client.send("GET", link, Prefer=prefer) if link else None


@pytest.fixture
def people(client: Client) -> dict[str, str]:
    """Three contacts of one account, with whatever is awkward to compare, by their last names."""
    acme = client.org.create("account", {"name": "O'Hara & Söhne 100%", "industrycode": 7})
    rows = (
        {"lastname": "Alpha", "numberofchildren": 1, "new_interests": "1,9", "birthdate": "1980-02-29"},
        {"lastname": "ALPHABET", "numberofchildren": 5, "new_budget": "50000.5", "emailaddress1": "a_b@x.io"},
        {"lastname": "beta", "parentcustomerid": Ref("account", acme), "donotemail": True, "gendercode": 2},
    )
    made = {str(row["lastname"]): client.org.create("contact", {**row, "department": "probe"}) for row in rows}
    return {**made, "account": acme}


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("lastname eq 'alpha'", "Alpha"),
        ("startswith(lastname,'ALPHA') and not endswith(lastname,'bet')", "Alpha"),
        ("contains(lastname,'l%a') or lastname eq 'BETA'", "Alpha ALPHABET beta"),
        ("contains(emailaddress1,'a_b')", "ALPHABET"),
        ("numberofchildren gt 1", "ALPHABET"),
        ("numberofchildren ne 1", "ALPHABET beta"),
        ("5 gt numberofchildren", "Alpha"),
        ("new_budget eq 50000.5", "ALPHABET"),
        ("emailaddress1 ne null", "ALPHABET"),
        ("donotemail eq true", "beta"),
        ("birthdate le 1980-02-29", "Alpha"),
        ("createdon ge 2026-05-04T12:00:00Z and modifiedon le 2026-05-04T14:00:00+02:00", "Alpha ALPHABET beta"),
        ("createdon gt 2026-05-04T12:00:00Z", ""),
        ("parentcustomerid_account/name eq 'o''hara & söhne 100%'", "beta"),
        ("_parentcustomerid_value eq {account}", "beta"),
        ("createdon eq modifiedon and statecode eq 0", "Alpha ALPHABET beta"),
        ("Microsoft.Dynamics.CRM.In(PropertyName='numberofchildren',PropertyValues=['1','5'])", "Alpha ALPHABET"),
        ("Microsoft.Dynamics.CRM.In(PropertyName='contactid',PropertyValues=['{beta}'])", "beta"),
        ("Microsoft.Dynamics.CRM.NotIn(PropertyName='lastname',PropertyValues=['Beta'])", "Alpha ALPHABET"),
        ("Microsoft.Dynamics.CRM.Between(PropertyName='numberofchildren',PropertyValues=['2','9'])", "ALPHABET"),
        ("Microsoft.Dynamics.CRM.ContainValues(PropertyName='new_interests',PropertyValues=['9','2'])", "Alpha"),
        ("Microsoft.Dynamics.CRM.On(PropertyName='createdon',PropertyValue='2026-05-04')", "Alpha ALPHABET beta"),
        ("Microsoft.Dynamics.CRM.LastXDays(PropertyName='createdon',PropertyValue=1)", "Alpha ALPHABET beta"),
        ("contact_customer_contacts/any(c:c/lastname eq 'x')", ""),
    ],
)
def test_filters_choose_rows(client: Client, people: dict[str, str], wanted: str, found: str) -> None:
    """Texts compare without case and with wildcards, null equals only null, `ne` takes nulls in."""
    text = wanted.format(**people)
    rows = client.rows("contacts", filter=f"department eq 'probe' and ({text})", orderby="lastname", select="lastname")
    assert " ".join(row["lastname"] for row in rows) == found


@pytest.mark.parametrize(
    ("options", "status", "code"),
    [
        ({"filter": "Lastname eq 'x'"}, 400, "0x0"),
        ({"filter": "lastname eq"}, 400, "0x0"),
        ({"filter": "lastname eq 5"}, 400, "0x80060888"),
        ({"filter": "contactid eq '7f1c2d3e-0000-4000-8000-000000000001'"}, 400, "0x8006088a"),
        ({"filter": "Microsoft.Dynamics.CRM.Nothing(PropertyName='lastname')"}, 400, "0x80060888"),
        ({"select": "parentcustomerid"}, 400, "0x0"),
        ({"orderby": "lastname sideways"}, 400, "0x0"),
        ({"expand": "nothing"}, 400, "0x0"),
        ({"expand": "contact_customer_contacts/$ref"}, 400, "0x80060888"),
        ({"top": "some"}, 400, "0x0"),
        ({"skip": "5"}, 400, "0x80060888"),
    ],
)
def test_queries_that_are_wrong_are_refused(client: Client, options: dict[str, str], status: int, code: str) -> None:
    """Each mistake has the vendor's status and code."""
    answer = client.get("contacts", **options)
    assert (answer.status, answer.code) == (status, code)


def test_names_are_compared_with_case_and_ids_are_never_quoted(client: Client) -> None:
    """An entity set in capitals, a service root without version and a quoted id are refused."""
    identity = next(client.org.records("contact"))["contactid"]
    assert (client.get("Contacts").status, client.get("Contacts").code) == (404, "0x8006088a")
    assert client.get(f"contacts('{identity}')").code == "0x8006088a"
    assert client.send("GET", "/api/data/contacts").code == "0x80060888"
    assert client.send("POST", f"{API}WhoAmI", {}).status in {404, 405}
    assert client.get("contacts(7f1c2d3e-0000-4000-8000-000000000001)").code == "0x80040217"


def test_pages_follow_links_that_come_back_byte_for_byte(client: Client) -> None:
    """Every row comes once, whatever the order; a link that was encoded anew is refused."""
    prefer = "odata.maxpagesize=7"
    for order in ("", "modifiedon desc", "parentcustomerid_account/name desc,lastname"):
        options = {"orderby": order} if order else {}
        first = client.get("contacts", prefer, select="lastname", filter="lastname ne null", **options)
        ids = [row["contactid"] for page in pages(client, first, prefer) for row in page.json["value"]]
        assert len(ids) == 20 == len(set(ids))
    link = client.get("contacts", prefer, select="lastname").json["@odata.nextLink"]
    assert "%253ccontactid%2520last%253d" in link
    for spoilt in (link.replace("%20", "+"), link.replace("%253c", "%253C"), link.replace("%22", "%2522")):
        assert client.send("GET", spoilt).code in {"0x8004112a", "0x80041129"}
    assert client.send("GET", f"{link}&$orderby=lastname").code == "0x80041129"


def test_rows_that_change_meanwhile_do_not_shift_pages(client: Client) -> None:
    """A page begins behind the last row that was seen, however many rows went or came before it."""
    prefer = "odata.maxpagesize=10"
    first = client.get("contacts", prefer, select="contactid")
    seen = [row["contactid"] for row in first.json["value"]]
    client.org.delete("contact", seen[0])
    rest = client.send("GET", first.json["@odata.nextLink"], Prefer=prefer).json["value"]
    assert len(rest) == 10
    assert not {row["contactid"] for row in rest} & set(seen)


def test_page_sizes_top_and_counts_have_the_vendors_limits(site: Callable[..., Client]) -> None:
    """A page has at most its limit, `$top` counts only without a page size, and counts are capped."""
    client = site(records=30, page_size=12, count_limit=25)
    assert len(client.rows("contacts")) == 12
    assert len(client.rows("contacts", "odata.maxpagesize=50")) == 12
    assert len(client.rows("contacts", top="3")) == 3
    assert len(client.rows("contacts", "odata.maxpagesize=5", top="3")) == 5
    counted = client.get("contacts", ALL, count="true", top="1").json
    assert (counted["@odata.count"], counted["@Microsoft.Dynamics.CRM.totalrecordcountlimitexceeded"]) == (25, True)
    assert client.get("contacts", ALL, top="1").json["@Microsoft.Dynamics.CRM.totalrecordcount"] == -1
    assert client.get("contacts/$count").body == b"25"
    total = client.get("RetrieveTotalRecordCount(EntityNames=['contact'])").json["EntityRecordCountCollection"]
    assert total["Values"] == [30]


def test_pages_may_be_empty_in_between(site: Callable[..., Client]) -> None:
    """An environment may put an empty page with a link between others; no row is lost."""
    client = site(empty_page_every=2)
    prefer = "odata.maxpagesize=8"
    found = list(pages(client, client.get("contacts", prefer, select="contactid"), prefer))
    sizes = [len(page.json["value"]) for page in found]
    assert 0 in sizes
    assert sum(sizes) == 20


def test_annotations_come_only_when_they_are_asked_for(client: Client, people: dict[str, str]) -> None:
    """Look-ups have their three annotations, choices, dates and money their texts; nothing of it comes unasked."""
    names = "_parentcustomerid_value,gendercode,createdon,donotemail,_ownerid_value,versionnumber"
    plain = client.get(f"contacts({people['beta']})", select=names).json
    assert not [name for name in plain if "@OData.Community" in name or "@Microsoft" in name]
    full = client.get(f"contacts({people['beta']})", ALL, select=names).json
    assert full[f"_parentcustomerid_value@{FORMATTED}"] == "O'Hara & Söhne 100%"
    assert full["_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"] == "account"
    navigation = "Microsoft.Dynamics.CRM.associatednavigationproperty"
    assert full[f"_parentcustomerid_value@{navigation}"] == "parentcustomerid_account"
    assert full[f"gendercode@{FORMATTED}"] == "Female"
    assert full[f"donotemail@{FORMATTED}"] == "Do Not Allow"
    assert full[f"createdon@{FORMATTED}"] == "5/4/2026 12:00 PM"
    assert full["@odata.etag"] == f'W/"{full["versionnumber"]}"'
    only = client.get("contacts", f'odata.include-annotations="{FORMATTED}"', select=names, top="1")
    assert "lookuplogicalname" not in only.body.decode()


def test_values_have_their_types_on_the_wire(client: Client, people: dict[str, str]) -> None:
    """Money has ten decimals and brings its currency, dates without a time stay so, several choices are one text."""
    money = client.get(f"contacts({people['ALPHABET']})", ALL, select="new_budget")
    assert b'"new_budget":50000.5000000000' in money.body
    assert money.json[f"new_budget@{FORMATTED}"] == "€50,000.50"
    assert money.json["_transactioncurrencyid_value"] == client.org.state.people.currency
    row = client.get(f"contacts({people['Alpha']})").json
    assert (row["birthdate"], row["new_interests"], row["new_budget"]) == ("1980-02-29", "1,9", None)
    assert set(row) - {"@odata.context", "@odata.etag"} == {
        one.wire for one in client.org.state.entities["contact"].properties()
    }


def test_single_rows_are_found_by_key_and_by_alternate_key(client: Client) -> None:
    """A row is read by id, by its named key, by an alternate key, and not at all where the client has its version."""
    identity = client.org.create("contact", {"lastname": "Key", "new_marketingid": "M'42"})
    by_id = client.get(f"contacts({identity})", select="lastname")
    quoted = quote("'m''42'", safe="")
    for path in (f"contacts(contactid={identity})", f"contacts(new_marketingid={quoted})"):
        assert client.get(path, select="lastname").json["lastname"] == "Key"
    tag = by_id.json["@odata.etag"]
    assert client.send("GET", f"{API}contacts({identity})", If_None_Match=tag).status == 304
    assert client.get("contacts(new_marketingid='none')").code == "0x80060891"
    assert client.get("contacts(lastname='Key')").code == "0x80060890"
    client.org.state.entities["contact"].pending_keys.add("new_mktgid")
    assert client.get("contacts(new_marketingid='none')").code == "0x80060890"


def test_properties_and_neighbours_of_a_row(client: Client, people: dict[str, str]) -> None:
    """A property comes alone, as JSON or plain; navigation properties lead to the row or rows behind them."""
    row = f"contacts({people['beta']})"
    assert client.get(f"{row}/lastname").json["value"] == "beta"
    assert client.get(f"{row}/lastname/$value").body == b"beta"
    assert client.get(f"{row}/jobtitle").status == 204
    account = client.get(f"{row}/parentcustomerid_account", select="name").json
    assert account["name"] == "O'Hara & Söhne 100%"
    assert client.get(f"{row}/parentcustomerid_contact").status == 204
    children = client.rows(f"accounts({people['account']})/contact_customer_accounts", select="lastname")
    assert [one["lastname"] for one in children] == ["beta"]
    assert client.get(f"{row}/nothing").status == 404


def test_expansions_bring_the_rows_behind_navigation_properties(client: Client, people: dict[str, str]) -> None:
    """Of a look-up with several targets only the fitting one is filled; owners are users or teams; collections come."""
    text = "parentcustomerid_account($select=name;$expand=ownerid($select=fullname)),parentcustomerid_contact,ownerid"
    row = client.get(f"contacts({people['beta']})", select="lastname", expand=text).json
    assert row["parentcustomerid_account"]["name"] == "O'Hara & Söhne 100%"
    assert row["parentcustomerid_account"]["ownerid"]["fullname"] == "Ada Minister"
    assert row["parentcustomerid_contact"] is None
    assert row["ownerid"]["systemuserid"] == client.org.state.people.admin
    inside = "contact_customer_accounts($select=lastname;$filter=lastname eq 'BETA';$top=5)"
    account: Any = client.get(f"accounts({people['account']})", select="name", expand=inside).json
    assert [one["lastname"] for one in account["contact_customer_accounts"]] == ["beta"]
    teams = client.rows("teams", select="name", expand="teammembership_association($select=fullname)")
    assert any(len(team["teammembership_association"]) == 3 for team in teams)


def test_rows_are_counted_grouped_and_summed(client: Client, people: dict[str, str]) -> None:
    """`$apply` filters, counts, groups and sums; what it cannot read is refused."""
    probe = "filter(department eq 'probe')"
    assert client.rows("contacts", apply=f"{probe}/aggregate($count as n)") == [{"n": 3}]
    grouped = client.rows("contacts", apply=f"{probe}/groupby((donotemail),aggregate($count as n))")
    assert sorted((one["donotemail"], one["n"]) for one in grouped) == [(False, 2), (True, 1)]
    summed = client.rows("contacts", apply=f"{probe}/aggregate(numberofchildren with sum as all)")
    assert summed == [{"all": 6}]
    assert client.get("contacts", apply="nonsense").status == 400


def test_a_new_column_is_known_everywhere_only_after_a_while(client: Client) -> None:
    """Where servers keep the schema for some seconds, a new column needs `Consistency: Strong` until then."""
    client.control("POST", "settings", {"schema_lag": 30})
    client.org.add_column("contact", "new_Late string:10 CRU-n")
    path = f"{API}contacts?$select=new_late"
    assert client.send("GET", path).code == "0x0"
    assert client.send("GET", path, Consistency="Strong").status == 200
    client.control("POST", "clock", {"advance": 31})
    assert client.send("GET", path).status == 200
