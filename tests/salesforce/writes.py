"""The few verbs that the tests of writing need: changes made short, sent, and what they cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from crmsync.model import Value
from crmsync.writes import Change, Operation, Outcome, Wish
from crmsync_salesforce import plugin
from salesforce.orgs import Site
from support.written import applied

KEY = {"name": "crmsync_key__c", "type": "string", "length": 64, "external_id": True, "unique": True}


NONE = Wish()


def update(crm_id: str, obj: str = "Lead", *, wish: Wish = NONE, **values: Value) -> Change:
    return Change(operation=Operation.UPDATE, object=obj, row=1, crm_id=crm_id, values=values, wish=wish)


def create(obj: str = "Lead", *, key: str = "", wish: Wish = NONE, **values: Value) -> Change:
    given: Mapping[str, Value] = {"LastName": "Noor", "Company": "Initech"} if obj == "Lead" else {}
    return Change(operation=Operation.CREATE, object=obj, row=1, key=key, values={**given, **values}, wish=wish)


def delete(crm_id: str, obj: str = "Lead") -> Change:
    return Change(operation=Operation.DELETE, object=obj, row=1, crm_id=crm_id)


def convert(crm_id: str, **wish: Any) -> Change:
    return Change(operation=Operation.CONVERT, object="Lead", row=1, crm_id=crm_id, wish=Wish(**wish))


def merge(crm_id: str, losers: Sequence[str], obj: str = "Contact", **values: Value) -> Change:
    wish = Wish(losers=tuple(losers))
    return Change(operation=Operation.MERGE, object=obj, row=1, crm_id=crm_id, values=values, wish=wish)


def member(campaign: str, person: str, status: str = "", *, crm_id: str | None = None, **more: Any) -> Change:
    found = "Lead" if person.startswith("00Q") else "Contact"
    wish = Wish(campaign=campaign, person=person, person_object=found, status=status, **more)
    return Change(operation=Operation.MEMBER, object="CampaignMember", row=1, crm_id=crm_id, wish=wish)


def task(person: str, *, owner: str = "", key: str = "", **values: Value) -> Change:
    wish = Wish(person=person, owner=owner)
    return Change(operation=Operation.TASK, object="Task", row=1, key=key, values=values, wish=wish)


async def send(one: Site, *changes: Change) -> list[Outcome]:
    """What became of changes, sent at once."""
    return await applied(plugin.apply, one.session, changes)


def leads(one: Site, count: int) -> list[str]:
    """So many leads that are not converted, made where there are too few."""
    found = [str(row["Id"]) for row in one.org.records("Lead") if not row["IsConverted"]][:count]
    more = range(len(found), count)
    return found + [one.org.create("Lead", {"LastName": f"L{n}", "Company": "C"}) for n in more]


def contacts(one: Site, count: int) -> list[str]:
    return [one.org.create("Contact", {"LastName": f"K{n}"}) for n in range(count)]


def campaign(one: Site, *statuses: str) -> str:
    """A campaign with these member statuses, the first of them the default."""
    made = one.org.create("Campaign", {"Name": "Autumn"})
    for place, label in enumerate(statuses or ("Sent", "Responded")):
        values = {"CampaignId": made, "Label": label, "IsDefault": not place, "HasResponded": label == "Responded"}
        one.org.create("CampaignMemberStatus", values)
    return made


def asked(one: Site, method: str, path: str) -> int:
    """How many requests of a method went to paths that hold a text."""
    paths = one.server.statistics.paths
    return sum(count for name, count in paths.items() if name.startswith(f"{method} ") and path in name)


def written(one: Site, method: str = "PATCH") -> int:
    """How many calls of the collections were made."""
    return asked(one, method, "composite/sobjects")


def value(one: Site, obj: str, crm_id: str, name: str) -> Any:
    return (one.org.get(obj, crm_id) or {})[name]
