"""A permission set with the least that some routes need, as a file that can be deployed."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from crmsync.model import Direction, FieldMap, Route

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<PermissionSet xmlns="http://soap.sforce.com/2006/04/metadata">\n'
_SYSTEM = frozenset({"User", "Group", "RecordType"})
_OF_PARENT = frozenset({"CampaignMember", "CampaignMemberStatus", "OpportunityContactRole"})
_SHARED = {"Task": "EditTask", "Event": "EditEvent"}
_ALWAYS = frozenset(
    [
        "Id",
        "IsDeleted",
        "MasterRecordId",
        "SystemModstamp",
        "CreatedDate",
        "CreatedById",
        "LastModifiedDate",
        "LastModifiedById",
        "Name",
        "FirstName",
        "LastName",
        "MiddleName",
        "Salutation",
        "OwnerId",
        "IsConverted",
        "ConvertedDate",
        "ConvertedAccountId",
        "ConvertedContactId",
        "ConvertedOpportunityId",
        "RecordTypeId",
        "IsPersonAccount",
        "Status",
        "Company",
        "StageName",
        "CloseDate",
        "ForecastCategoryName",
        "IsClosed",
        "IsWon",
        "FiscalQuarter",
        "FiscalYear",
        "Subject",
        "IsArchived",
        "IsChild",
    ]
)
"""Fields that field-level security cannot hide; a deployment that names them is refused."""


def permission_set(routes: Sequence[Route]) -> str:
    """The XML of a permission set that lets a user read, and write where a route goes both ways, exactly this."""
    parts = [_HEAD, "    <description>What crmsync needs, and no more.</description>\n"]
    for route in sorted(routes, key=lambda route: route.object):
        if route.object not in _SYSTEM | _OF_PARENT:
            parts += [_field(route, m.field.name, m.directions) for m in _fields(route)]
    parts += ["    <hasActivationRequired>false</hasActivationRequired>\n    <label>crmsync</label>\n"]
    parts += [_object(route) for route in _objects(routes)]
    permissions = {"ApiEnabled"} | {
        _SHARED[r.object] for r in routes if r.object in _SHARED and Direction.PUSH in r.directions
    }
    parts += [
        f"    <userPermissions>\n        <enabled>true</enabled>\n        <name>{one}</name>\n    </userPermissions>\n"
        for one in sorted(permissions)
    ]
    return "".join([*parts, "</PermissionSet>\n"])


def _fields(route: Route) -> list[FieldMap]:
    seen: dict[str, FieldMap] = {}
    for one in route.maps:
        if one.field.name not in _ALWAYS or one.field.custom:
            seen.setdefault(one.field.name, one)
    return [seen[name] for name in sorted(seen)]


def _field(route: Route, name: str, directions: frozenset[Direction]) -> str:
    editable = "true" if Direction.PUSH in directions else "false"
    owner = "Activity" if route.object in _SHARED and name.endswith("__c") else route.object
    return (
        f"    <fieldPermissions>\n        <editable>{editable}</editable>\n"
        f"        <field>{escape(owner)}.{escape(name)}</field>\n"
        "        <readable>true</readable>\n    </fieldPermissions>\n"
    )


def _objects(routes: Sequence[Route]) -> list[Route]:
    left = [route for route in routes if route.object not in _SYSTEM | _OF_PARENT | _SHARED.keys()]
    return sorted(left, key=lambda route: route.object)


def _object(route: Route) -> str:
    write = "true" if Direction.PUSH in route.directions else "false"
    rights = {
        "allowCreate": write,
        "allowDelete": write,
        "allowEdit": write,
        "allowRead": "true",
        "modifyAllRecords": "false",
    }
    lines = [f"        <{key}>{value}</{key}>\n" for key, value in rights.items()]
    lines += [f"        <object>{escape(route.object)}</object>\n", "        <viewAllRecords>true</viewAllRecords>\n"]
    return f"    <objectPermissions>\n{''.join(lines)}    </objectPermissions>\n"
