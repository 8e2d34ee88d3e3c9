"""What is told of the credentials before the first sync, and the permission set that would do."""

import asyncio
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from crmsync.model import BOTH_WAYS, Field, FieldMap, Finding, Level
from crmsync_salesforce.check import check
from crmsync_salesforce.permissions import permission_set
from crmsync_salesforce.routes import ROUTES
from salesforce.orgs import site

SPACE = "{http://soap.sforce.com/2006/04/metadata}"


def findings(user: str | None = None, charged: int = 0) -> list[Finding]:
    async def main() -> list[Finding]:
        async with site(3, user=user, daily_limit=1000) as one:
            one.server.statistics.charged = charged
            return await check(one.session)

    return asyncio.run(main())


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
    assert objects == {"Contact": "true", "Account": "false"}
    assert [one.findtext(f"{SPACE}name") for one in root.iter(f"{SPACE}userPermissions")] == ["ApiEnabled"]
    assert [one.tag for one in root] == sorted(one.tag for one in root)
