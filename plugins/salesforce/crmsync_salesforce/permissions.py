"""A permission set with the least that some routes need, as a file that can be deployed."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from crmsync.model import Direction, FieldMap, Route
from crmsync_salesforce.rights import OF_CAMPAIGN, Right, needed, permissions

_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n<PermissionSet xmlns="http://soap.sforce.com/2006/04/metadata">\n'
_SYSTEM = frozenset({"User", "Group", "RecordType"})
_OF_PARENT = OF_CAMPAIGN | {"OpportunityContactRole"}
_SHARED = frozenset({"Task", "Event"})
_WRITTEN = {"Task": ("subject", "description", "activity_date", "status", "priority")}
"""Columns of objects that are only read, and made on request."""
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
    """The XML of a permission set that lets a user read, and write where a route goes both ways, exactly this.

    Whether campaigns may be written is also a matter of the "Marketing User" flag, which no permission set can hold.
    """
    parts = [_HEAD, "    <description>What crmsync needs, and no more.</description>\n"]
    for route in sorted(routes, key=lambda route: route.object):
        parts += [_field(route, one) for one in _fields(route)]
    parts += ["    <hasActivationRequired>false</hasActivationRequired>\n    <label>crmsync</label>\n"]
    writes, read = needed(routes), {route.object for route in routes}
    for obj in sorted((read | writes.keys()) - _SYSTEM - _OF_PARENT - _SHARED):
        parts.append(_object(obj, writes.get(obj, frozenset()), whole=obj in read))
    parts += [
        f"    <userPermissions>\n        <enabled>true</enabled>\n        <name>{one}</name>\n    </userPermissions>\n"
        for one in sorted({"ApiEnabled", *permissions(routes)})
    ]
    return "".join([*parts, "</PermissionSet>\n"])


def _fields(route: Route) -> list[FieldMap]:
    """The fields that may be hidden: of objects that hang on others only those that an administrator added."""
    if route.object in _SYSTEM:
        return []
    shown = frozenset(one.field.name for one in route.maps) if route.object in _OF_PARENT else _ALWAYS
    seen: dict[str, FieldMap] = {}
    for one in route.maps:
        if one.field.name not in shown or one.field.custom:
            seen.setdefault(one.field.name, one)
    return [seen[name] for name in sorted(seen)]


def _field(route: Route, one: FieldMap) -> str:
    name, written = one.field.name, Direction.PUSH in route.directions and one.column in _WRITTEN.get(route.object, ())
    editable = "true" if written or Direction.PUSH in one.directions else "false"
    owner = "Activity" if route.object in _SHARED and one.field.custom else route.object
    return (
        f"    <fieldPermissions>\n        <editable>{editable}</editable>\n"
        f"        <field>{escape(owner)}.{escape(name)}</field>\n"
        "        <readable>true</readable>\n    </fieldPermissions>\n"
    )


def _object(obj: str, rights: frozenset[Right], *, whole: bool) -> str:
    """The rights on one object; all of its records are seen only where they are synced."""
    allowed = {
        "allowCreate": Right.CREATE in rights,
        "allowDelete": Right.DELETE in rights,
        "allowEdit": Right.EDIT in rights,
        "allowRead": True,
        "modifyAllRecords": False,
    }
    lines = [f"        <{key}>{_said(value)}</{key}>\n" for key, value in allowed.items()]
    lines += [f"        <object>{escape(obj)}</object>\n", f"        <viewAllRecords>{_said(whole)}</viewAllRecords>\n"]
    return f"    <objectPermissions>\n{''.join(lines)}    </objectPermissions>\n"


def _said(value: bool) -> str:
    return "true" if value else "false"
