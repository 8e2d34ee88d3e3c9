"""The environment's schema as data, put together once per process; every environment takes its own copy of it."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from msgspec.structs import replace

from crmsync_dynamics.simulator.fields import Column, Entity, Pairing
from crmsync_dynamics.simulator.formulas import FORMULAS
from crmsync_dynamics.simulator.notation import parse_table
from crmsync_dynamics.simulator.schema import activities, campaigns, custom, people, sales, setup
from crmsync_dynamics.simulator.schema.picklists import CHOICES
from crmsync_dynamics.simulator.schema.shadows import with_shadows

_ORGANIZATION: dict[str, Any] = {"ownership": "OrganizationOwned", "tracked": False, "duplicates": False}
_BUSINESS: dict[str, Any] = {"ownership": "BusinessOwned", "duplicates": False}
_NOBODY: dict[str, Any] = {"ownership": "None", "tracked": False, "optimistic": False, "duplicates": False}
_PLAIN: dict[str, Any] = {"duplicates": False}
_ACTIVITY: dict[str, Any] = {"activity": True}
_CUSTOM: dict[str, Any] = {"custom": True}

# schema name, label, plural, entity set, type code, key, primary name, columns, what differs from an ordinary table
_TABLES: tuple[tuple[str, str, str, str, int, str, str | None, str, dict[str, Any]], ...] = (
    ("Account", "Account", "Accounts", "accounts", 1, "accountid", "name", sales.ACCOUNT + custom.ACCOUNT, {}),
    ("Contact", "Contact", "Contacts", "contacts", 2, "contactid", "fullname", people.CONTACT + custom.CONTACT, {}),
    ("Opportunity", "Opportunity", "Opportunities", "opportunities", 3, "opportunityid", "name",
     sales.OPPORTUNITY + custom.OPPORTUNITY, {}),
    ("Lead", "Lead", "Leads", "leads", 4, "leadid", "fullname", people.LEAD + custom.LEAD, {}),
    ("SystemUser", "User", "Users", "systemusers", 8, "systemuserid", "fullname", setup.USER, _BUSINESS),
    ("Team", "Team", "Teams", "teams", 9, "teamid", "name", setup.TEAM, _BUSINESS),
    ("BusinessUnit", "Business Unit", "Business Units", "businessunits", 10, "businessunitid", "name",
     setup.BUSINESS_UNIT, _BUSINESS),
    ("Organization", "Organization", "Organizations", "organizations", 1019, "organizationid", "name",
     setup.ORGANIZATION, _ORGANIZATION),
    ("Role", "Security Role", "Security Roles", "roles", 1036, "roleid", "name", setup.ROLE, _BUSINESS),
    ("FieldSecurityProfile", "Field Security Profile", "Field Security Profiles", "fieldsecurityprofiles", 1200,
     "fieldsecurityprofileid", "name", setup.PROFILE, _ORGANIZATION),
    ("FieldPermission", "Field Permission", "Field Permissions", "fieldpermissions", 1201, "fieldpermissionid", None,
     setup.PERMISSION, _ORGANIZATION),
    ("Connection", "Connection", "Connections", "connections", 3234, "connectionid", "name", sales.CONNECTION, _PLAIN),
    ("ConnectionRole", "Connection Role", "Connection Roles", "connectionroles", 3231, "connectionroleid", "name",
     sales.CONNECTION_ROLE, _ORGANIZATION),
    ("Task", "Task", "Tasks", "tasks", 4212, "activityid", "subject", activities.TASK, _ACTIVITY),
    ("List", "Marketing List", "Marketing Lists", "lists", 4300, "listid", "listname", campaigns.LIST, {}),
    ("ListMember", "Marketing List Member", "Marketing List Members", "listmembers", 4301, "listmemberid", "name",
     campaigns.LIST_MEMBER, {**_NOBODY, "intersect": True}),
    ("Campaign", "Campaign", "Campaigns", "campaigns", 4400, "campaignid", "name", campaigns.CAMPAIGN, {}),
    ("SdkMessage", "Sdk Message", "Sdk Messages", "sdkmessages", 4606, "sdkmessageid", "name", setup.MESSAGE, _NOBODY),
    ("SdkMessageFilter", "Sdk Message Filter", "Sdk Message Filters", "sdkmessagefilters", 4607, "sdkmessagefilterid",
     None, setup.MESSAGE_FILTER, _NOBODY),
    ("TransactionCurrency", "Currency", "Currencies", "transactioncurrencies", 9105, "transactioncurrencyid",
     "currencyname", setup.CURRENCY, {**_ORGANIZATION, "tracked": True}),
    ("new_Subscription", "Subscription", "Subscriptions", "new_subscriptions", 10091, "new_subscriptionid", "new_name",
     custom.SUBSCRIPTION, _CUSTOM),
    ("new_SubscriptionItem", "Subscription Item", "Subscription Items", "new_subscriptionitems", 10092,
     "new_subscriptionitemid", "new_name", custom.ITEM, _CUSTOM),
)  # fmt: skip
_KEYS: dict[str, dict[str, tuple[str, ...]]] = {
    "contact": {"new_mktgid": ("new_marketingid",)},
    "lead": {"new_leadmktgid": ("new_marketingid",)},
}
PAIRINGS = (
    Pairing("teammembership_association", "teammembership", "team", "systemuser"),
    Pairing("systemuserroles_association", "systemuserroles", "systemuser", "role"),
    Pairing("teamroles_association", "teamroles", "team", "role"),
    Pairing("systemuserprofiles_association", "systemuserprofiles", "systemuser", "fieldsecurityprofile"),
    Pairing("teamprofiles_association", "teamprofiles", "team", "fieldsecurityprofile"),
    Pairing("campaignlist_association", "campaignitem", "campaign", "list"),
)


def finished(entity: str, columns: dict[str, Column]) -> dict[str, Column]:
    """The columns with their formulas and secrets, and the shadow columns that metadata lists beside them."""
    ready = {}
    for name, column in columns.items():
        secured = name in custom.SECURED
        formula = FORMULAS.get((entity, name)) or FORMULAS.get(("", name))
        if name.endswith("_base"):
            formula = FORMULAS["", "base"](name)
        source = 1 if formula is not None and column.custom and not name.endswith("_base") else None
        ready[name] = replace(column, secured=secured, formula=formula, source=source)
    return with_shadows(ready)


@lru_cache(maxsize=1)
def _all() -> tuple[Entity, ...]:
    made = []
    for schema, label, plural, set_name, code, key, primary, table, flags in _TABLES:
        name = schema.lower()
        columns = finished(name, parse_table(table, name, CHOICES))
        made.append(
            Entity(
                schema=schema,
                label=label,
                plural=plural,
                set_name=set_name,
                code=code,
                key=key,
                primary_name=primary,
                columns=columns,
                keys=_KEYS.get(name, {}),
                **flags,
            )
        )
    return tuple(made)


def standard() -> dict[str, Entity]:
    """A fresh copy of the whole schema."""
    return {
        one.name: replace(one, columns=dict(one.columns), keys=dict(one.keys), pending_keys=set()) for one in _all()
    }
