"""What is told of the credentials before the first sync, and the permission set that would do."""

import asyncio
import xml.etree.ElementTree as ET
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from crmsync.model import BOTH_WAYS, Direction, Field, FieldMap, Finding, Level, Route
from crmsync_salesforce.check import check
from crmsync_salesforce.permissions import permission_set
from crmsync_salesforce.routes import ROUTES
from salesforce.orgs import site

SPACE = "{http://soap.sforce.com/2006/04/metadata}"


PULLED = [replace(route, directions=frozenset({Direction.PULL})) for route in ROUTES]


def findings(
    user: str | None = None, charged: int = 0, routes: Sequence[Route] = ROUTES, lacks: Sequence[str] = ()
) -> list[Finding]:
    async def main() -> list[Finding]:
        async with site(3, user=user, daily_limit=1000) as one:
            one.server.statistics.charged = charged
            one.org.user(user).lacks |= set(lacks)
            return await check(one.session, routes)

    return asyncio.run(main())


def of_leads(found: Sequence[Finding]) -> list[tuple[str, str]]:
    return [(one.message, one.grant) for one in found if one.topic == "Lead"]


def granted(*names: str, **ways: frozenset[Direction]) -> tuple[dict[str, set[str]], set[str]]:
    """What a permission set for routes on offer grants: rights beside reading by object, and permissions."""
    offered = [route for route in ROUTES if route.object in names]
    routes = [replace(one, directions=ways.get(one.object, one.directions)) for one in offered]
    root = ET.fromstring(permission_set(routes))
    verbs = ("Create", "Edit", "Delete")
    objects = {
        str(one.findtext(f"{SPACE}object")): {verb for verb in verbs if one.findtext(f"{SPACE}allow{verb}") == "true"}
        for one in root.iter(f"{SPACE}objectPermissions")
    }
    assert not [one for one in root.iter(f"{SPACE}modifyAllRecords") if one.text != "false"]
    return objects, {str(one.findtext(f"{SPACE}name")) for one in root.iter(f"{SPACE}userPermissions")}


@pytest.mark.rule("R-245")
def test_everything_granted() -> None:
    """Log-in, org, version and the calls that are left are told."""
    found = {one.topic: one for one in findings("full")}
    assert "full@" in found["login"].message
    assert found["org"].message.startswith("00D")
    assert "65.0" in found["version"].message
    assert "are left" in found["limits"].message
    assert not [one for one in found.values() if one.level is Level.STOP]


def test_no_marketing_user() -> None:
    """A user without the flag is told what to tick."""
    (found,) = [one for one in findings("minimum") if one.topic == "campaigns"]
    assert found.level is Level.WARN
    assert "Marketing User" in found.grant


def test_few_calls_left() -> None:
    """A share that is nearly used up is a warning before the sync, not in its midst."""
    (found,) = [one for one in findings("full", charged=750) if one.topic == "limits"]
    assert found.level is Level.WARN


def test_the_permission_set() -> None:
    """The permission set is well-formed, and grants reading and writing exactly where the routes need it."""
    contact, account = (next(r for r in ROUTES if r.object == name) for name in ("Contact", "Account"))
    phone, kind = Field(name="Phone", updateable=True), Field(name="Type")
    name = Field(name="LastName")
    routes = [
        replace(
            contact,
            maps=(
                FieldMap(field=phone, column="phone", directions=BOTH_WAYS),
                FieldMap(field=name, column="last_name"),
            ),
        ),
        replace(account, maps=(FieldMap(field=kind, column="company_type"),)),
        *(route for route in ROUTES if route.object in ("User", "CampaignMember", "Task")),
    ]
    root = ET.fromstring(permission_set(routes))
    fields = {
        one.findtext(f"{SPACE}field"): one.findtext(f"{SPACE}editable") for one in root.iter(f"{SPACE}fieldPermissions")
    }
    assert fields == {"Contact.Phone": "true", "Account.Type": "false"}
    objects = {
        one.findtext(f"{SPACE}object"): one.findtext(f"{SPACE}allowEdit")
        for one in root.iter(f"{SPACE}objectPermissions")
    }
    assert objects == {"Contact": "true", "Account": "false", "Campaign": "true"}
    assert [one.findtext(f"{SPACE}name") for one in root.iter(f"{SPACE}userPermissions")] == ["ApiEnabled"]
    assert [one.tag for one in root] == sorted(one.tag for one in root)


@pytest.mark.rule("R-245")
def test_what_leads_take_on_the_way_back() -> None:
    """Converting makes accounts, contacts and opportunities; owners are changed; merging deletes those that lose."""
    new = {"Create", "Edit"}
    objects, permissions = granted("Lead", "Contact", "Account")
    assert objects == {"Lead": {*new, "Delete"}, "Contact": {*new, "Delete"}, "Account": new, "Opportunity": new}
    assert permissions == {"ApiEnabled", "ConvertLeads", "EditTask", "TransferAnyLead"}


def test_nothing_that_is_only_read_may_be_written() -> None:
    """Routes that a plugin holds to one way grant reading and the API alone."""
    pull = frozenset({Direction.PULL})
    objects, permissions = granted("Lead", "Contact", "Campaign", "Task", Lead=pull, Contact=pull, Campaign=pull)
    assert (objects, permissions) == ({"Lead": set(), "Contact": set(), "Campaign": set()}, {"ApiEnabled"})


def test_contacts_alone_are_neither_made_nor_converted() -> None:
    assert granted("Contact", "Account") == ({"Contact": {"Edit", "Delete"}, "Account": set()}, {"ApiEnabled"})


def test_members_and_statuses_are_written_by_whoever_may_edit_campaigns() -> None:
    """They have no rights of their own; with campaigns themselves those may also be made, and none is ever deleted."""
    pull = frozenset({Direction.PULL})
    assert granted("Campaign", "CampaignMember", Campaign=pull) == ({"Campaign": {"Edit"}}, {"ApiEnabled"})
    assert granted("Campaign", "CampaignMemberStatus") == ({"Campaign": {"Create", "Edit"}}, {"ApiEnabled"})


def test_tasks_are_made_where_they_are_used() -> None:
    assert granted("Task", Task=BOTH_WAYS) == ({}, {"ApiEnabled", "EditTask"})


def test_fields_of_members_that_an_administrator_added_are_granted() -> None:
    member = next(route for route in ROUTES if route.object == "CampaignMember")
    maps = (
        FieldMap(field=Field(name="Status"), column="status", directions=BOTH_WAYS),
        FieldMap(field=Field(name="Seat__c", custom=True), column="seat__c", directions=BOTH_WAYS),
    )
    root = ET.fromstring(permission_set([replace(member, maps=maps)]))
    assert [one.text for one in root.iter(f"{SPACE}field")] == ["CampaignMember.Seat__c"]


@pytest.mark.rule("R-245")
def test_a_user_who_may_not_convert_or_transfer_is_told_what_to_grant() -> None:
    """Everything of a conversion that is missing is named at once, hidden objects too."""
    convert, transfer = of_leads(findings("restricted"))
    assert convert == (
        "Leads cannot be converted from here.",
        'Grant "Convert Leads" and "Create" on Contact and "Create" and "Edit" on Opportunity.',
    )
    assert transfer[1] == 'Grant "Transfer Leads".'


def test_what_is_not_used_is_not_asked_for() -> None:
    """Whoever may do all of it, and whoever pushes no leads, is told nothing; events are never written."""
    assert of_leads(findings("full")) == of_leads(findings("restricted", routes=PULLED)) == []
    assert not [one for one in findings("full", lacks=["EditEvent"]) if "Events" in one.grant]


def test_who_sees_a_part_is_told() -> None:
    """Of the effective rights, whether from the profile or a permission set."""
    (warning,) = [one for one in findings("restricted") if one.topic == "rights"]
    assert (warning.level, "View All" in warning.grant) == (Level.WARN, True)
    assert [one for one in findings("full") if one.topic == "rights"] == []
    expiring = [one.grant for one in findings("full", lacks=["PasswordNeverExpires"]) if one.topic == "rights"]
    assert expiring == ['Grant "Password Never Expires".']


def test_where_the_org_tells_nothing_of_rights_nothing_is_claimed() -> None:
    async def main() -> list[Finding]:
        async with site(3, user="restricted") as one:
            one.org.hide_object(None, "UserPermissionAccess")
            return await check(one.session, ROUTES)

    found = asyncio.run(main())
    (told,) = [one for one in found if one.topic == "rights"]
    assert (told.level, "cannot be told" in told.message) == (Level.OK, True)
    (lead,) = of_leads(found)
    assert lead[1] == 'Grant "Create" on Contact and "Create" and "Edit" on Opportunity.'
