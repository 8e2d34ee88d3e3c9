"""Which tables are synced, which way, and into which columns: the whole table of direction rules, as data."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

from msgspec import Struct, field

from crmsync.model import BOTH_WAYS, Condition, Kind, Route, Type, Winner

KINDS = frozenset({Kind.LOAD, Kind.CHANGES, Kind.IDS, Kind.COUNT})
"""Deletions come with the changes."""

FILTER = "new_synctomkto"
"""The column that keeps a record out of the sync where it says no; empty, yes or no such column let it in (R-259)."""

STAMP, VERSION, CREATED, STATE = "modifiedon", "versionnumber", "createdon", "statecode"
ROOTS = ("lead", "contact", "account")
"""Tables that custom ones must be related to, within two steps, to be on offer."""


class View(Struct, frozen=True):
    """An object that is no table of its own: columns of a table by names of its own."""

    table: str
    columns: Mapping[str, str] = field(default_factory=dict)


def _identity(key: str) -> dict[str, str]:
    return {key: "crm_id", STAMP: "modified_at", VERSION: "version"}


_MADE = {CREATED: "crm_created_at"}
_PERSON = {
    "salutation": "salutation", "firstname": "first_name", "middlename": "middle_name", "lastname": "last_name",
    "emailaddress1": "email", "jobtitle": "title", "telephone1": "phone", "mobilephone": "mobile_phone",
    "address1_line1": "street", "address1_line2": "street_2", "address1_line3": "street_3", "address1_city": "city",
    "address1_stateorprovince": "state", "address1_country": "country", "address1_postalcode": "postal_code",
    STATE: "status", "statuscode": "status_reason", "description": "notes", "donotphone": "do_not_call",
    "donotbulkemail": "unsubscribed", "donotemail": "do_not_email", "donotfax": "do_not_fax",
    "donotsendmm": "do_not_send_marketing", "telephone2": "home_phone",
    "preferredcontactmethodcode": "preferred_contact_method",
    "mkt_lastinterestingmomentdate": "last_interesting_moment_date",
    "mkt_lastinterestingmomentdesc": "last_interesting_moment_desc",
    "mkt_lastinterestingmomentsource": "last_interesting_moment_source",
    "mkt_leadinterestingmomentsource": "last_interesting_moment_source",  # as the documentation prints it
    "mkt_lastinterestingmomenttype": "last_interesting_moment_type", "mkt_relativescore": "relative_score",
    "mkt_priority": "priority", "mkt_urgency": "urgency", "ownerid": "owner_crm_id", **_MADE, FILTER: FILTER,
}  # fmt: skip
LEAD = {
    **_identity("leadid"), **_PERSON, "fax": "fax", "leadsourcecode": "source", "leadqualitycode": "rating",
    "subject": "topic", "companyname": "company", "revenue": "annual_revenue",
}  # fmt: skip
CONTACT = {
    **_identity("contactid"), **_PERSON, "mkt_leadscore": "score", "parentcustomerid_account": "account_crm_id",
}  # fmt: skip
ACCOUNT = {
    **_identity("accountid"), "name": "name", "address1_line1": "billing_street", "address1_line2": "billing_street_2",
    "address1_line3": "billing_street_3", "address1_city": "billing_city", "address1_country": "billing_country",
    "address1_postalcode": "billing_postal_code", "telephone1": "main_phone", "businesstypecode": "company_type",
    "accountnumber": "account_number", STATE: "company_status", "revenue": "annual_revenue",
    "description": "company_notes", "industrycode": "industry", "sic": "sic_code", "websiteurl": "website",
    "numberofemployees": "number_of_employees", "ownerid": "owner_crm_id", "parentaccountid": "parent_crm_id", **_MADE,
    FILTER: FILTER,
}  # fmt: skip
USER = {
    **_identity("systemuserid"), "domainname": "username", "firstname": "first_name", "lastname": "last_name",
    "fullname": "name", "internalemailaddress": "email", "jobtitle": "title", "address1_telephone1": "phone",
    "mobilephone": "mobile_phone", "isenabled": "is_active", "accessmode": "user_type",
    "parentsystemuserid": "manager_crm_id", **_MADE,
}  # fmt: skip
TEAM = {
    **_identity("teamid"), "name": "name", "teamtype": "team_type", "emailaddress": "email",
    "description": "description", **_MADE,
}  # fmt: skip
OPPORTUNITY = {
    **_identity("opportunityid"), "name": "name", "closeprobability": "probability", STATE: "stage",
    "actualclosedate": "close_date", "estimatedvalue": "amount", "description": "notes", "ownerid": "owner_crm_id",
    "customerid_account": "account_crm_id", "customerid_contact": "contact_crm_id", **_MADE, FILTER: FILTER,
}  # fmt: skip
CUSTOMER = {
    **_identity("opportunityid"), "opportunity": "opportunity_crm_id", "contact": "contact_crm_id", **_MADE,
}  # fmt: skip
CONNECTION = {
    **_identity("connectionid"), "record1id_opportunity": "opportunity_crm_id", "record2id_contact": "contact_crm_id",
    "record2roleidname": "contact_role", **_MADE,
}  # fmt: skip
CAMPAIGN = {
    **_identity("campaignid"), "name": "name", "typecode": "campaign_type", "statuscode": "status", STATE: "state",
    "codename": "code", "description": "description", "budgetedcost": "budgeted_cost",
    "totalactualcost": "actual_cost", "expectedrevenue": "expected_revenue", "expectedresponse": "expected_response",
    "proposedstart": "proposed_start_at", "proposedend": "proposed_end_at", "actualstart": "actual_start_at",
    "actualend": "actual_end_at", "ownerid": "owner_crm_id", **_MADE,
}  # fmt: skip
TASK = {
    **_identity("activityid"), "subject": "subject", "description": "description", "statuscode": "status",
    "prioritycode": "priority", "scheduledend_day": "activity_date", "scheduledstart": "starts_at",
    "scheduledend": "ends_at", "actualdurationminutes": "duration_minutes", "actualend": "completed_at",
    "regardingobjectid": "who_crm_id", "ownerid": "owner_crm_id", **_MADE,
}  # fmt: skip

READ_ONLY = frozenset(
    {"crm_id", "modified_at", "version", "crm_created_at", "account_crm_id", "owner_crm_id", FILTER}
)  # fmt: skip
"""Columns of a person that the CRM alone decides; the owner changes by an action of its own, the filter never."""

VIEWS: Mapping[str, View] = {
    "opportunity_customer": View(
        "opportunity",
        {
            "opportunityid": "opportunityid",
            STAMP: STAMP,
            VERSION: VERSION,
            CREATED: CREATED,
            "opportunity": "opportunityid",
            "contact": "customerid_contact",
            FILTER: FILTER,
        },
    ),
}  # fmt: skip
"""The role of the contact that an opportunity has for its potential customer stands in the opportunity (R-134)."""

NEEDED: Mapping[str, tuple[str, ...]] = {
    "opportunity_customer": ("contact",),
    "connection": ("record1id_opportunity", "record2id_contact"),
}
"""What a row must have to be a role: customers are accounts too, and connections join anything with anything."""

DERIVED: Mapping[str, Mapping[str, tuple[str, Type]]] = {
    "systemuser": {"isenabled": ("isdisabled", Type.BOOLEAN)},
    "task": {"scheduledend_day": ("scheduledend", Type.DATE)},
}
"""Fields of our own that are made of a column: its opposite, or the day of its moment."""

IN_SYNC = Condition(field=FILTER, op="!=", value=False)
_OWNER = {"owner_crm_id": "systemuser"}


def _two_way(fields: Mapping[str, str]) -> frozenset[str]:
    return frozenset(fields.values()) - READ_ONLY


_route = partial(Route, kinds=KINDS, custom_fields=False, strict=True)
"""A table of which an administrator chooses the fields."""

_people = partial(_route, keeps_deleted=True, wanted=("emailaddress1", "ownerid"), filters=(IN_SYNC,))
"""A table of persons, of whom marketing keeps those that are deleted."""

ROUTES: tuple[Route, ...] = (
    _route(object="systemuser", entity="crm_user", label="Users", order=10, fields=USER,
           parents={"manager_crm_id": "systemuser"}),
    _route(object="team", entity="team", label="Teams", order=20, fields=TEAM),
    _route(object="account", entity="account", label="Accounts", order=40, fields=ACCOUNT, keeps_deleted=True,
           wanted=("name", "ownerid"), filters=(IN_SYNC,), parents={"parent_crm_id": "account", **_OWNER}),
    _route(object="campaign", entity="campaign", label="Campaigns", order=50, fields=CAMPAIGN, parents=_OWNER),
    _people(object="contact", entity="person", role="contact", label="Contacts", order=70, fields=CONTACT,
           directions=BOTH_WAYS, winner=Winner.CRM, two_way=_two_way(CONTACT),
           parents={"account_crm_id": "account", **_OWNER}),
    _people(object="lead", entity="person", role="lead", label="Leads", order=80, fields=LEAD,
           directions=BOTH_WAYS, winner=Winner.MARKETING, two_way=_two_way(LEAD), parents=_OWNER),
    _route(object="opportunity", entity="opportunity", label="Opportunities", order=90, fields=OPPORTUNITY,
           wanted=("name", "ownerid"), filters=(IN_SYNC,),
           parents={"account_crm_id": "account", "contact_crm_id": "contact", **_OWNER}),
    _route(object="opportunity_customer", entity="opportunity_role", label="Customers of opportunities", order=100,
           fields=CUSTOMER, required=("opportunity", "contact"), filters=(IN_SYNC,),
           parents={"opportunity_crm_id": "opportunity", "contact_crm_id": "contact"}),
    _route(object="connection", entity="opportunity_role", label="Stakeholders of opportunities", order=105,
           fields=CONNECTION, required=("record1id_opportunity", "record2id_contact"),
           parents={"opportunity_crm_id": "opportunity", "contact_crm_id": "contact"}),
    _route(object="task", entity="crm_activity", label="Tasks", order=300, fields=TASK,
           required=("regardingobjectid",), parents=_OWNER),
)  # fmt: skip
"""The standard tables. What people, accounts and the like are called in the CRM stands nowhere else."""

CUSTOM_ORDER = 200
"""Custom tables come behind the opportunities and before tasks."""
