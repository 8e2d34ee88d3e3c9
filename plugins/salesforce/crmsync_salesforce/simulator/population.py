"""Accounts and the people of an org: contacts, person accounts, leads, and one account with very many contacts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import repeat

from crmsync.simulate import Columns, Culture, Draw, phone_numbers, places, shared_addresses
from crmsync.simulate.names import DEPARTMENTS, TITLES
from crmsync_salesforce.simulator.made import Made
from crmsync_salesforce.simulator.schema.picklists import PICKLISTS

_PLACE = ("Street", "City", "State", "PostalCode", "Country")


def _place(prefix: str, cultures: Sequence[Culture], draw: Draw) -> Columns:
    return {f"{prefix}{name}": column for name, column in zip(_PLACE, places(draw, cultures), strict=True)}


def accounts(made: Made, count: int) -> None:
    """Companies of every culture."""
    draw = made.draw
    companies = draw.companies(count)
    cultures = [one for one, _ in companies]
    columns: Columns = {
        "Name": [f"{name} {number}" for number, (_, name) in enumerate(companies, 1)],
        "Type": made.values("Account.Type", count),
        "Industry": made.values("Industry", count),
        "Phone": phone_numbers(draw, cultures),
        "Website": [f"https://company{number}.example.com" for number in range(count)],
        "AnnualRevenue": draw.sometimes(draw.money(1e5, 1e9, count, 0), 0.7),
        "NumberOfEmployees": draw.sometimes(draw.whole(1, 50_000, count), 0.7),
        "Description": draw.sometimes(lines(draw.texts(count)), 0.3),
        "External_Id__c": [f"ACC-{number:07d}" for number in range(count)],
        "Tier__c": made.values("Tier__c", count),
        "Contract_Value__c": draw.sometimes(draw.money(0, 1e7, count), 0.5),
        "Renewal_Date__c": draw.sometimes(made.days(count), 0.5),
        "RecordTypeId": made.draw.choices(made.refs["RecordType"][:2], count),
    }
    columns |= _place("Billing", cultures, draw)
    made.add("Account", count, columns)


def lines(texts: Sequence[str]) -> list[str]:
    """Texts with the line breaks the org stores."""
    return [text.replace("\n", "\r\n") for text in texts]


def _person(made: Made, count: int, start: int, tag: str, prefix: str) -> Columns:
    draw = made.draw
    people = draw.people(count)
    cultures = [one for one, _, _ in people]
    columns: Columns = {
        "FirstName": [given for _, given, _ in people],
        "LastName": [family for _, _, family in people],
        "Name": [f"{given} {family}" for _, given, family in people],
        "Salutation": draw.sometimes(draw.choices(PICKLISTS["Salutation"], count), 0.4),
        "Email": shared_addresses(draw, count, start, made.plan.duplicates),
        "Phone": phone_numbers(draw, cultures),
        "Title": draw.sometimes(draw.choices(TITLES, count), 0.8),
        "LeadSource": made.values("LeadSource", count),
        "Description": draw.sometimes(lines(draw.texts(count)), 0.2),
        "HasOptedOutOfEmail": draw.chances(0.1, count),
        "External_Id__c": [f"{tag}-{number:07d}" for number in range(start, start + count)],
        "Preferred_Language__c": [one.code for one in cultures],
        "Newsletter__c": draw.chances(0.5, count),
        "Budget__c": draw.sometimes(draw.money(0, 1e6, count), 0.4),
        "mkto71_Lead_Score__c": draw.sometimes([float(n) for n in draw.whole(0, 100, count)], 0.6),
        "Notes__c": draw.sometimes(lines(draw.texts(count)), 0.2),
        "Interests__c": draw.sometimes(draw.choices(_INTERESTS, count), 0.6),
        "Last_Webinar__c": draw.sometimes(draw.choices(made.stamps, count), 0.3),
    }
    return columns | _place(prefix, cultures, draw)


_INTERESTS = ("Analytics", "Analytics;Automation", "Events;Mobile;Support", "Pricing", "Integration;Security")


def contacts(made: Made, count: int, start: int = 0) -> None:
    """People on accounts, a few of them sharing an e-mail address."""
    draw = made.draw
    columns = _person(made, count, start, "CON", "Mailing")
    columns |= {
        "AccountId": draw.sometimes(made.pick("Account", count), 0.97),
        "Department": draw.sometimes(draw.choices(DEPARTMENTS, count), 0.6),
        "MobilePhone": draw.sometimes([f"+1 555 {n}" for n in draw.whole(1_000_000, 9_999_999, count)], 0.4),
        "Birthdate": draw.sometimes(made.days(count, -365 * 70, -365 * 18), 0.2),
    }
    made.add("Contact", count, columns)


def big_account(made: Made, count: int) -> None:
    """One more account with that many contacts."""
    if not count:
        return
    (account,) = made.add("Account", 1, {"Name": ["Colossal Holdings"], "Type": ["Customer - Direct"]})
    columns = _person(made, count, made.plan.records, "CON", "Mailing")
    made.add("Contact", count, columns | {"AccountId": repeat(account)})


def person_accounts(made: Made, count: int) -> None:
    """Accounts that are people, each with its contact half."""
    if not count:
        return
    columns = _person(made, count, made.plan.records + made.plan.big, "PA", "Mailing")
    people = {key: list(columns[key]) for key in ("FirstName", "LastName", "Name", "Email", "Newsletter__c")}
    account: Columns = {**people, "PersonEmail": people["Email"], "Newsletter__pc": people["Newsletter__c"]}
    account |= {"IsPersonAccount": repeat(True), "RecordTypeId": repeat(made.refs["RecordType"][2])}
    accounts = made.add("Account", count, account)
    contact: Columns = {**columns, "External_Id__c": repeat(None)}
    contacts = made.add("Contact", count, contact | {"AccountId": accounts, "IsPersonAccount": repeat(True)})
    table = made.state.tables["Account"]
    for identity, other in zip(accounts, contacts, strict=True):
        table.by_id[identity][table.columns["PersonContactId"]] = other


def leads(made: Made, count: int) -> None:
    """People of companies nobody deals with yet; some owned by queues."""
    draw = made.draw
    columns = _person(made, count, made.plan.records * 2, "LEAD", "")
    columns |= {
        "Company": [name for _, name in draw.companies(count)],
        "Status": draw.choices(("Open - Not Contacted", "Working - Contacted", "Closed - Not Converted"), count),
        "Rating": made.values("Rating", count),
        "Industry": made.values("Industry", count),
        "NumberOfEmployees": draw.sometimes(draw.whole(1, 5000, count), 0.5),
        "AnnualRevenue": draw.sometimes(draw.money(1e5, 1e8, count, 0), 0.4),
        "OwnerId": draw.choices(made.owners * 3 + made.refs["Group"], count),
    }
    made.add("Lead", count, columns)
