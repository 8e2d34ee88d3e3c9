"""Which objects are synced, which way, and into which columns: the whole table of direction rules, as data."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from crmsync.model import BOTH_WAYS, Condition, Kind, Route, Winner

FEED = frozenset({Kind.LOAD, Kind.CHANGES, Kind.IDS, Kind.COUNT, Kind.DELETES})
NO_FEED = FEED - {Kind.DELETES}

IDENTITY = {"Id": "crm_id", "SystemModstamp": "modified_at"}
CREATED = {"CreatedDate": "crm_created_at"}
MONEY = {"CurrencyIsoCode": "currency_code"}  # visible in orgs with several currencies only

COMPANY = {
    "Company": "company", "AnnualRevenue": "annual_revenue", "Industry": "industry",
    "NumberOfEmployees": "number_of_employees", "Website": "website",
}  # fmt: skip
MARKETING = {
    "mkto71_Lead_Score__c": "score", "mkto71_Acquisition_Date__c": "acquisition_at",
    "mkto71_Acquisition_Program__c": "acquisition_program",
}  # fmt: skip
PERSON = {
    "Email": "email", "FirstName": "first_name", "MiddleName": "middle_name", "LastName": "last_name",
    "Salutation": "salutation", "Title": "title", "Phone": "phone", "MobilePhone": "mobile_phone", "Fax": "fax",
    "LeadSource": "source", "Description": "notes", "HasOptedOutOfEmail": "unsubscribed", "DoNotCall": "do_not_call",
    **MARKETING,
}  # fmt: skip
LEAD = {
    **IDENTITY, **PERSON, **COMPANY, "Street": "street", "City": "city", "State": "state",
    "PostalCode": "postal_code", "Country": "country", "Status": "status", "Rating": "rating",
    "OwnerId": "owner_crm_id", "RecordTypeId": "record_type_crm_id", "IsConverted": "crm_is_converted",
    "ConvertedDate": "crm_converted_at", **CREATED,
}  # fmt: skip
CONTACT = {
    **IDENTITY, **PERSON, "MailingStreet": "street", "MailingCity": "city", "MailingState": "state",
    "MailingPostalCode": "postal_code", "MailingCountry": "country", "Birthdate": "birthdate",
    "AccountId": "account_crm_id", "OwnerId": "owner_crm_id", "RecordTypeId": "record_type_crm_id",
    "IsPersonAccount": "is_person_account", **CREATED,
}  # fmt: skip
ACCOUNT = {
    **IDENTITY, "Name": "name", "AnnualRevenue": "annual_revenue", "Industry": "industry",
    "NumberOfEmployees": "number_of_employees", "Website": "website", "BillingStreet": "billing_street",
    "BillingCity": "billing_city", "BillingState": "billing_state", "BillingPostalCode": "billing_postal_code",
    "BillingCountry": "billing_country", "Phone": "main_phone", "Sic": "sic_code", "Site": "site",
    "Description": "company_notes", "Type": "company_type", "OwnerId": "owner_crm_id", "ParentId": "parent_crm_id",
    "RecordTypeId": "record_type_crm_id", "IsPersonAccount": "is_person_account", **CREATED, **MONEY,
}  # fmt: skip
USER = {
    **IDENTITY, "Username": "username", "FirstName": "first_name", "LastName": "last_name", "Name": "name",
    "Email": "email", "Title": "title", "Phone": "phone", "MobilePhone": "mobile_phone", "Department": "department",
    "IsActive": "is_active", "UserType": "user_type", "ManagerId": "manager_crm_id", **CREATED,
}  # fmt: skip
QUEUE = {**IDENTITY, "Name": "name", "DeveloperName": "developer_name", "Email": "email", "Type": "queue_type"}
RECORD_TYPE = {
    **IDENTITY, "Name": "name", "DeveloperName": "developer_name", "SobjectType": "of_object", "IsActive": "is_active",
}  # fmt: skip
OPPORTUNITY = {
    **IDENTITY, "Name": "name", "Description": "notes", "StageName": "stage", "Amount": "amount",
    "CurrencyIsoCode": "currency_code", "Probability": "probability", "ExpectedRevenue": "expected_revenue",
    "TotalOpportunityQuantity": "quantity",
    "CloseDate": "close_date", "Type": "opportunity_type", "NextStep": "next_step", "LeadSource": "source",
    "IsClosed": "is_closed", "IsWon": "is_won", "IsPrivate": "is_private", "ForecastCategoryName": "forecast_category",
    "FiscalQuarter": "fiscal_quarter", "FiscalYear": "fiscal_year", "AccountId": "account_crm_id",
    "CampaignId": "campaign_crm_id", "OwnerId": "owner_crm_id", "RecordTypeId": "record_type_crm_id", **CREATED,
    "LastModifiedDate": "last_modified_at", **MONEY,
}  # fmt: skip
ROLE = {
    **IDENTITY, "OpportunityId": "opportunity_crm_id", "ContactId": "contact_crm_id", "Role": "contact_role",
    "IsPrimary": "is_primary", **CREATED,
}  # fmt: skip
CAMPAIGN = {
    **IDENTITY, "Name": "name", "Type": "campaign_type", "Status": "status", "IsActive": "is_active",
    "StartDate": "start_date", "EndDate": "end_date", "Description": "description", "BudgetedCost": "budgeted_cost",
    "ActualCost": "actual_cost", "ExpectedRevenue": "expected_revenue", "ExpectedResponse": "expected_response",
    "NumberSent": "number_sent", "ParentId": "parent_crm_id", "OwnerId": "owner_crm_id",
    "CampaignMemberRecordTypeId": "member_record_type_crm_id", **CREATED, **MONEY,
}  # fmt: skip
CAMPAIGN_STATUS = {
    **IDENTITY, "CampaignId": "campaign_crm_id", "Label": "label", "SortOrder": "sort_order",
    "IsDefault": "is_default", "HasResponded": "has_responded",
}  # fmt: skip
CAMPAIGN_MEMBER = {
    **IDENTITY, "CampaignId": "campaign_crm_id", "LeadId": "lead_crm_id", "ContactId": "contact_crm_id",
    "Status": "status", "HasResponded": "has_responded", "FirstRespondedDate": "first_responded_date", **CREATED,
}  # fmt: skip
ACTIVITY = {
    "Subject": "subject", "Description": "description", "ActivityDate": "activity_date", "IsArchived": "is_archived",
    "WhoId": "who_crm_id", "WhatId": "what_crm_id", "AccountId": "account_crm_id", "OwnerId": "owner_crm_id",
    **CREATED,
}  # fmt: skip
TASK = {
    **IDENTITY, "TaskSubtype": "activity_kind", "Status": "status", "Priority": "priority", "IsClosed": "is_closed",
    "CompletedDateTime": "completed_at", **ACTIVITY,
}  # fmt: skip
EVENT = {
    **IDENTITY, "EventSubtype": "activity_kind", "StartDateTime": "starts_at", "EndDateTime": "ends_at",
    "DurationInMinutes": "duration_minutes", "IsAllDayEvent": "is_all_day", "Location": "location", **ACTIVITY,
}  # fmt: skip

READ_ONLY = frozenset(
    [
        "crm_id",
        "modified_at",
        "crm_created_at",
        "crm_is_converted",
        "crm_converted_at",
        "is_person_account",
        "account_crm_id",
        "owner_crm_id",
        "record_type_crm_id",
    ]
)
"""Columns of a person that the CRM alone decides; owner and account change by actions of their own."""

OWNERS = {"owner_crm_id": "User", "record_type_crm_id": "RecordType"}


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _two_way(fields: Mapping[str, str]) -> frozenset[str]:
    return frozenset(fields.values()) - READ_ONLY


ROUTES: tuple[Route, ...] = (
    Route(object="User", entity="crm_user", label="Users", order=10, fields=USER, kinds=NO_FEED,
          wanted=_words("CreatedDate Email ManagerId UserType"), parents={"manager_crm_id": "User"}),
    Route(object="Group", entity="queue", label="Queues", order=20, fields=QUEUE, wanted=_words("Name Type")),
    Route(object="RecordType", entity="record_type", label="Record types", order=30, fields=RECORD_TYPE,
          wanted=_words("Name DeveloperName")),
    Route(object="Account", entity="account", label="Accounts", order=40, fields=ACCOUNT, kinds=FEED,
          keeps_deleted=True, parents={"parent_crm_id": "Account", **OWNERS},
          wanted=_words("IsDeleted MasterRecordId CreatedDate Name OwnerId ParentId Type")),
    Route(object="Campaign", entity="campaign", label="Campaigns", order=50, fields=CAMPAIGN, kinds=FEED,
          directions=BOTH_WAYS, two_way=frozenset({"name", "campaign_type", "status", "is_active", "actual_cost"}),
          parents={"parent_crm_id": "Campaign", "owner_crm_id": "User"},
          wanted=_words("IsDeleted CampaignMemberRecordTypeId CreatedDate IsActive Name OwnerId ParentId Status Type")),
    Route(object="CampaignMemberStatus", entity="campaign_status", label="Campaign member statuses", order=60,
          fields=CAMPAIGN_STATUS, kinds=FEED, directions=BOTH_WAYS,
          two_way=frozenset({"label", "sort_order", "is_default", "has_responded"}),
          required=("CampaignId",), parents={"campaign_crm_id": "Campaign"}, wanted=("Label",)),
    Route(object="Contact", entity="person", role="contact", label="Contacts", order=70, fields=CONTACT, kinds=FEED,
          directions=BOTH_WAYS, winner=Winner.CRM, two_way=_two_way(CONTACT), keeps_deleted=True,
          parents={"account_crm_id": "Account", **OWNERS},
          wanted=_words("AccountId OwnerId IsDeleted MasterRecordId CreatedDate Name Email")),
    Route(object="Lead", entity="person", role="lead", label="Leads", order=80, fields=LEAD, kinds=FEED,
          directions=BOTH_WAYS, winner=Winner.MARKETING, two_way=_two_way(LEAD), keeps_deleted=True, parents=OWNERS,
          wanted=_words("""IsConverted ConvertedDate ConvertedAccountId ConvertedContactId ConvertedOpportunityId
                        Status OwnerId IsDeleted MasterRecordId CreatedDate Name Email Company""")),
    Route(object="Opportunity", entity="opportunity", label="Opportunities", order=90, fields=OPPORTUNITY, kinds=FEED,
          parents={"account_crm_id": "Account", "campaign_crm_id": "Campaign", **OWNERS},
          wanted=_words("""IsDeleted AccountId CampaignId CreatedDate IsClosed IsPrivate IsWon Name OwnerId Probability
                        StageName LastModifiedDate""")),
    Route(object="OpportunityContactRole", entity="opportunity_role", label="Opportunity contact roles", order=100,
          fields=ROLE, kinds=FEED, required=("OpportunityId", "ContactId"),
          wanted=_words("CreatedDate IsDeleted IsPrimary"),
          parents={"opportunity_crm_id": "Opportunity", "contact_crm_id": "Contact"}),
    Route(object="CampaignMember", entity="campaign_member", label="Campaign members", order=110,
          fields=CAMPAIGN_MEMBER, kinds=FEED, directions=BOTH_WAYS, two_way=frozenset({"status"}),
          required=("CampaignId", "LeadId", "ContactId"), wanted=_words("Status IsDeleted"),
          parents={"campaign_crm_id": "Campaign", "lead_crm_id": "Lead", "contact_crm_id": "Contact"}),
    Route(object="Task", entity="crm_activity", label="Tasks", order=300, fields=TASK, kinds=FEED,
          required=("WhoId",), wanted=tuple(one for one in TASK if one not in ("Id", "SystemModstamp", "WhoId")),
          parents={"owner_crm_id": "User"}),
    Route(object="Event", entity="crm_activity", label="Events", order=310, fields=EVENT, kinds=FEED,
          required=("WhoId",), wanted=tuple(one for one in EVENT if one not in ("Id", "SystemModstamp", "WhoId")),
          parents={"owner_crm_id": "User"}),
)  # fmt: skip
"""The standard objects. What people, accounts and the like are called in the CRM stands nowhere else."""

CUSTOM_ORDER = 200
"""Custom objects come behind the members and before tasks and events."""

WHERE: Mapping[str, tuple[Condition, ...]] = MappingProxyType(
    {
        "Group": (Condition(field="Type", op="=", value="Queue"),),
        "Event": (Condition(field="IsChild", op="=", value=False),),  # attendees' copies of an event
    }
)
"""Rows that are read at all, where the field of the condition is visible."""

UNSEEN = frozenset({"LastViewedDate", "LastReferencedDate", "UserRecordAccessId"})
"""Fields that are about whoever reads, not about the record: never synced."""

NO_STAMP = frozenset(
    {
        "LastActivityDate", "HasOpenActivity", "HasOverdueTask", "NumberOfLeads", "NumberOfConvertedLeads",
        "NumberOfContacts", "NumberOfResponses", "NumberOfOpportunities", "NumberOfWonOpportunities",
        "AmountAllOpportunities", "AmountWonOpportunities", "LastLoginDate",
    }
)  # fmt: skip
"""Fields that move without the record's stamp, as formulas do."""

ROOTS = ("Lead", "Contact", "Account")
"""Objects that custom objects must be related to, within two levels, to be on offer."""
