"""Account, opportunity and the connections of stakeholders."""

from __future__ import annotations

from crmsync_dynamics.simulator.schema.common import IMPORTED, OPT_OUT, STATE, address, audit, money, owned

ACCOUNT = (
    """\
AccountId guid CR--s "Account
Name string:160 CRU-a "Account Name
AccountNumber string:20 CRU-n "Account Number
Telephone1 string:50 CRU-n "Main Phone
Telephone2 string:50 CRU-n "Other Phone
Telephone3 string:50 CRU-n "Telephone 3
Fax string:50 CRU-n
EMailAddress1 string:100,Email CRU-n "Email
EMailAddress2 string:100,Email CRU-n "Email Address 2
EMailAddress3 string:100,Email CRU-n "Email Address 3
WebSiteURL string:200,Url CRU-n "Website
Description memo:2000 CRU-n
NumberOfEmployees int:0..1000000000 CRU-n "Number of Employees
Revenue money:0..100000000000000 CRU-n "Annual Revenue
Revenue_Base money -R--n "Annual Revenue (Base)
CreditLimit money:0..100000000000000 CRU-n "Credit Limit
CreditLimit_Base money -R--n "Credit Limit (Base)
MarketCap money:0..100000000000000 CRU-n "Market Capitalization
MarketCap_Base money -R--n "Market Capitalization (Base)
CreditOnHold bool CRU-n =creditonhold "Credit Hold
SIC string:20 CRU-n "SIC Code
TickerSymbol string:10,TickerSymbol CRU-n "Ticker Symbol
IndustryCode choice CRU-n =industry "Industry
CustomerTypeCode choice CRU-n "Relationship Type
AccountCategoryCode choice CRU-n "Category
AccountRatingCode choice CRU-n !1 "Account Rating
BusinessTypeCode choice CRU-n !1 "Business Type
OwnershipCode choice CRU-n "Ownership
TerritoryCode choice CRU-n !1 "Territory Code
PrimaryContactId lookup CRU-n >contact=primarycontactid/account_primary_contact "Primary Contact
ParentAccountId lookup CRU-n >account=parentaccountid/account_parent_account "Parent Account
OriginatingLeadId lookup CR--n >lead=originatingleadid/account_originating_lead "Originating Lead
MasterId lookup -R--n >account=masterid/account_master_account "Master ID
Merged bool -R--n =yesno
LastUsedInCampaign date:UserLocal,DateOnly -RU-n "Last Date Included in Campaign
"""
    + OPT_OUT
    + address(1, name=200, phone="Address Phone")
    + address(2, name=200, phone="Address 2: Telephone 1")
    + audit("account", deputy="base")
    + IMPORTED
    + owned("account", "accounts", names=("user_accounts", "", ""))
    + STATE
    + money("account")
)
OPPORTUNITY = (
    """\
OpportunityId guid CR--s "Opportunity
Name string:300 CRU-a "Topic
CustomerId customer CRU-a >account=customerid_account/opportunity_customer_accounts,\
contact=customerid_contact/opportunity_customer_contacts "Potential Customer
ParentAccountId lookup CRU-n >account=parentaccountid/opportunity_parent_account "Account
ParentContactId lookup CRU-n >contact=parentcontactid/opportunity_parent_contact "Contact
AccountId lookup -R-Ln >account "Account
ContactId lookup -R-Ln >contact "Contact
EstimatedValue money:-1000000000000..1000000000000 CRU-n "Est. revenue
EstimatedValue_Base money -R--n "Est. Revenue (Base)
ActualValue money:-1000000000000..1000000000000 CRU-n "Actual Revenue
ActualValue_Base money -R--n "Actual Revenue (Base)
EstimatedCloseDate date:DateOnly CRU-n "Est. close date
ActualCloseDate date:DateOnly CRU-n "Actual Close Date
FinalDecisionDate date:DateOnly CRU-n "Final Decision Date
CloseProbability int:0..100 CRU-n "Probability
Description memo:2000 CRU-n
CurrentSituation memo:2000 CRU-n "Current Situation
CustomerNeed memo:2000 CRU-n "Customer Need
ProposedSolution memo:2000 CRU-n "Proposed Solution
StepName string:200 CRU-n "Pipeline Phase
SalesStage choice CRU-n "Sales Stage
SalesStageCode choice CRU-n !1 "Process Code
OpportunityRatingCode choice CRU-n !2 "Rating
PriorityCode choice CRU-n !1 "Priority
IsRevenueSystemCalculated bool CRU-n "Revenue
OriginatingLeadId lookup CRU-n >lead=originatingleadid/opportunity_originating_lead "Originating Lead
CampaignId lookup CRU-n >campaign=campaignid/campaign_opportunities "Source Campaign
"""
    + audit("opportunity")
    + IMPORTED
    + owned("opportunity", "opportunitys", names=("", "team_opportunities", "business_unit_opportunities"))
    + STATE
    + money("opportunity").replace("TransactionCurrencyId lookup CRU-n", "TransactionCurrencyId lookup CRU-a")
)
_ENDS = ("account", "contact", "opportunity", "systemuser", "team")


def _record(number: int) -> str:
    return ",".join(f"{one}=record{number}id_{one}/{one}_connections{number}" for one in _ENDS)


CONNECTION = (
    f"""\
ConnectionId guid CR--s "Connection
Name string:500 -R-Ln "Connection Name
Record1Id lookup CRU-n >{_record(1)} "Connected From
Record2Id lookup CRU-n >{_record(2)} "Connected To
Record1RoleId lookup CRU-n >connectionrole=record1roleid/connection_role_connections1 "Role (From)
Record2RoleId lookup CRU-n >connectionrole=record2roleid/connection_role_connections2 "Role (To)
RelatedConnectionId lookup -R--a >connection=relatedconnectionid/connection_related_connection "Reciprocal Connection
Description memo:2000 CRU-n
EffectiveStart date:UserLocal,DateOnly CRU-n "Starting
EffectiveEnd date:UserLocal,DateOnly CRU-n "Ending
IsMaster bool -R--s =yesno "Is Master
"""
    + audit("connection", deputy="base")
    + IMPORTED
    + owned("connection", "connections")
    + STATE
    + money("Connection", head="TransactionCurrency")
)
CONNECTION_ROLE = (
    """\
ConnectionRoleId guid CR--s "Connection Role
Name string:100 CRU-s
Category choice CRU-n "Connection Role Category
Description memo:2000 CRU-n
"""
    + audit("connectionrole")
    + STATE
)
