"""The org's schema as data, put together once per process; every org takes its own copy of it."""

from __future__ import annotations

from functools import lru_cache

from msgspec.structs import replace

from crmsync_salesforce.simulator.fields import Field, ObjectType, parse_table
from crmsync_salesforce.simulator.schema import activities, campaigns, custom, people, sales, setup
from crmsync_salesforce.simulator.schema.picklists import PICKLISTS, RESTRICTED

_READ_ONLY = {"createable": False, "updateable": False, "deletable": False, "undeletable": False, "searchable": False}
_KEPT = {"deletable": False, "undeletable": False}
_MERGEABLE = {"mergeable": True}

# name, label, plural, prefix, table, what differs from an ordinary object
_STANDARD: tuple[tuple[str, str, str, str, str, dict[str, bool]], ...] = (
    ("Lead", "Lead", "Leads", "00Q", people.LEAD + custom.LEAD, _MERGEABLE),
    ("Contact", "Contact", "Contacts", "003", people.CONTACT + custom.CONTACT, _MERGEABLE),
    ("Account", "Account", "Accounts", "001", sales.ACCOUNT + custom.ACCOUNT, _MERGEABLE),
    ("Opportunity", "Opportunity", "Opportunities", "006", sales.OPPORTUNITY + custom.OPPORTUNITY, {}),
    (
        "OpportunityContactRole",
        "Opportunity Contact Role",
        "Opportunity Contact Role",
        "00K",
        sales.ROLE,
        {"undeletable": False, "searchable": False},
    ),
    ("Campaign", "Campaign", "Campaigns", "701", campaigns.CAMPAIGN, {}),
    (
        "CampaignMember",
        "Campaign Member",
        "Campaign Members",
        "00v",
        campaigns.MEMBER,
        {"undeletable": False, "searchable": False},
    ),
    (
        "CampaignMemberStatus",
        "Campaign Member Status",
        "Campaign Member Statuses",
        "01Y",
        campaigns.MEMBER_STATUS,
        {"undeletable": False, "searchable": False},
    ),
    ("Task", "Task", "Tasks", "00T", activities.TASK, {}),
    ("Event", "Event", "Events", "00U", activities.EVENT, {}),
    ("User", "User", "Users", "005", setup.USER, _KEPT),
    ("Group", "Group", "Groups", "00G", setup.GROUP, {"undeletable": False}),
    ("RecordType", "Record Type", "Record Types", "012", setup.RECORD_TYPE, _KEPT),
    ("Profile", "Profile", "Profiles", "00e", setup.PROFILE, _READ_ONLY),
    (
        "UserPermissionAccess",
        "User Permission Access",
        "User Permission Access",
        "0up",
        setup.USER_PERMISSION_ACCESS,
        _READ_ONLY,
    ),
    ("UserRole", "Role", "Roles", "00E", setup.USER_ROLE, {"undeletable": False, "searchable": False}),
    ("Organization", "Organization", "Organizations", "00D", setup.ORGANIZATION, _READ_ONLY | {"updateable": True}),
    ("LeadStatus", "Lead Status Value", "Lead Status Values", "01J", setup.LEAD_STATUS, _READ_ONLY),
    ("OpportunityStage", "Opportunity Stage", "Opportunity Stages", "01J", sales.STAGE, _READ_ONLY),
    ("TaskStatus", "Task Status Value", "Task Status Values", "01K", activities.TASK_STATUS, _READ_ONLY),
)

# child object and field -> relationship name on the parent (None: not queryable as a sub-select), deleted with it
_CHILDREN: dict[tuple[str, str], tuple[str | None, bool]] = {
    ("Contact", "AccountId"): ("Contacts", True),
    ("Opportunity", "AccountId"): ("Opportunities", True),
    ("Opportunity", "ContactId"): ("Opportunities", False),
    ("Account", "ParentId"): ("ChildAccounts", False),
    ("Campaign", "ParentId"): ("ChildCampaigns", False),
    ("Opportunity", "CampaignId"): ("Opportunities", False),
    ("OpportunityContactRole", "OpportunityId"): ("OpportunityContactRoles", True),
    ("OpportunityContactRole", "ContactId"): ("OpportunityContactRoles", True),
    ("CampaignMember", "CampaignId"): ("CampaignMembers", True),
    ("CampaignMember", "LeadId"): ("CampaignMembers", True),
    ("CampaignMember", "ContactId"): ("CampaignMembers", True),
    ("CampaignMemberStatus", "CampaignId"): ("CampaignMemberStatuses", True),
    ("Task", "WhoId"): ("Tasks", True),
    ("Task", "WhatId"): ("Tasks", True),
    ("Event", "WhoId"): ("Events", True),
    ("Event", "WhatId"): ("Events", True),
    ("Event", "RecurrenceActivityId"): ("RecurringEvents", False),
    ("Task", "RecurrenceActivityId"): ("RecurringTasks", False),
    ("Subscription__c", "Contact__c"): ("Subscriptions__r", False),
    ("Subscription_Item__c", "Subscription__c"): ("Subscription_Items__r", True),
}
_FORMULAS = {**custom.FORMULAS, "CampaignMember": campaigns.MEMBER_COPIES}
_FORMULAS["Campaign"] = {name: f"count:{name}" for name in campaigns.COUNTERS}
_FORMULAS["Opportunity"] = {"ExpectedRevenue": "expected:"}
_FORMULAS["UserPermissionAccess"] = {f"Permissions{one}": f"held:{one}" for one in setup.PERMISSIONS}
_SHOWN_AS_STORED = frozenset({"CampaignMember", "Campaign", "Opportunity", "UserPermissionAccess"})


def _finish(owner: str, field: Field) -> Field:
    child, cascade = _CHILDREN.get((owner, field.name), (None, False))
    external = field.name in custom.EXTERNAL_IDS
    if not (child or external or field.name in RESTRICTED):
        return field
    return replace(
        field,
        child_relationship=child,
        cascade=cascade,
        external_id=external,
        unique=external,
        restricted=field.name in RESTRICTED,
    )


def fields_of(owner: str, table: str) -> dict[str, Field]:
    """The finished fields of one table."""
    parsed = parse_table(owner, table, PICKLISTS, _FORMULAS.get(owner, {}))
    return {name: _finish(owner, field) for name, field in parsed.items()}


@lru_cache(maxsize=1)
def _all() -> tuple[ObjectType, ...]:
    standard = tuple(
        ObjectType(name=name, label=label, plural=plural, prefix=prefix, fields=fields_of(name, table), **flags)
        for name, label, plural, prefix, table, flags in _STANDARD
    )
    added = tuple(
        ObjectType(name=name, label=label, plural=plural, prefix=prefix, fields=fields_of(name, table))
        for name, label, plural, prefix, table in custom.OBJECTS
    )
    return standard + added


@lru_cache(maxsize=1)
def _person_fields() -> dict[str, dict[str, Field]]:
    return {
        "Account": fields_of("Account", custom.PERSON_ACCOUNT),
        "Contact": fields_of("Contact", custom.PERSON_CONTACT),
    }


def standard(*, person_accounts: bool = False) -> dict[str, ObjectType]:
    """A fresh copy of the whole schema, with the person account fields when the org has person accounts."""
    objects = {one.name: replace(one, fields=dict(one.fields)) for one in _all()}
    if person_accounts:
        for name, extra in _person_fields().items():
            objects[name].fields.update(extra)
    return objects


def reads_as_calculated(owner: str, field: Field) -> bool:
    """Whether describe calls the field calculated: the vendor's own roll-ups and copies are shown as plain fields."""
    return field.calculated and owner not in _SHOWN_AS_STORED
