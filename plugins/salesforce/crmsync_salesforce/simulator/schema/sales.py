"""Account, Opportunity and the role that joins an opportunity to a contact."""

from __future__ import annotations

from crmsync_salesforce.simulator.schema.people import AUDIT, VIEWED, address

_HISTORY = ">OpportunityHistory"

ACCOUNT = f"""\
Id id ---D-IFSG "Account ID
IsDeleted boolean ---D--FSG "Deleted
MasterRecordId reference --N---FSG >Account=MasterRecord "Master Record ID
Name string:255 CU----FSG ^Name "Account Name
Type picklist:40 CUN-P-FSG "Account Type
RecordTypeId reference CUN---FSG >RecordType=RecordType "Record Type ID
ParentId reference CUN-P-FSG >Account=Parent "Parent Account ID
{address("Billing")}{address("Shipping")}\
Phone phone:40 CUN-P-FSG "Account Phone
Fax phone:40 CUN-P-FSG "Account Fax
AccountNumber string:40 CUN-P-FSG
Website url:255 CUN-P-FSG
PhotoUrl url:255 --N---FSG "Photo URL
Sic string:20 CUN-P-FSG "SIC Code
Industry picklist:40 CUN-P-FSG
AnnualRevenue currency:18,0 CUN-P-FS-
NumberOfEmployees int:8 CUN-P-FSG "Employees
Ownership picklist:40 CUN-P-FSG
TickerSymbol string:20 CUN-P-FSG
Description textarea:32000 CUN-P---- "Account Description
Rating picklist:40 CUN-P-FSG "Account Rating
Site string:80 CUN-P-FSG "Account Site
OwnerId reference CU-D--FSG >User=Owner "Owner ID
{AUDIT}{VIEWED}\
IsPartner boolean -U-D--FSG "Partner Account
IsCustomerPortal boolean -U-D--FSG "Customer Portal Account
AccountSource picklist:40 CUN-P-FSG
SicDesc string:80 CUN-P-FSG "SIC Description
"""

OPPORTUNITY = f"""\
Id id ---D-IFSG "Opportunity ID
IsDeleted boolean ---D--FSG "Deleted
AccountId reference CUN-P-FSG >Account=Account "Account ID
IsPrivate boolean CU-DP-FSG "Private
Name string:120 CU---IFSG
Description textarea:32000 CUN-P----
StageName picklist:255 CU----FSG "Stage
Amount currency:18,2 CUN-P-FS-
Probability percent:3,0 CUNDP-FS- "Probability (%)
ExpectedRevenue currency:18,2 --N-P-FS- "Expected Amount
TotalOpportunityQuantity double:18,2 CUN-P-FS- "Quantity
CloseDate date CU----FSG
Type picklist:255 CUN-P-FSG "Opportunity Type
NextStep string:255 CUN-P-FSG
LeadSource picklist:255 CUN-P-FSG
IsClosed boolean ---D--FSG "Closed
IsWon boolean ---D--FSG "Won
ForecastCategory picklist:40 ------FSG
ForecastCategoryName picklist:255 CUND--FSG "Forecast Category
CampaignId reference CUN-P-FSG >Campaign=Campaign "Campaign ID
HasOpportunityLineItem boolean ---D--FSG "Has Line Item
Pricebook2Id reference CUND--FSG >Pricebook2=Pricebook2 "Price Book ID
OwnerId reference CU-D--FSG >User=Owner "Owner ID
{AUDIT}\
LastActivityDate date --N---FSG "Last Activity
LastStageChangeDate datetime --N---FS-
FiscalQuarter int:8 --N---FSG ^Fiscal
FiscalYear int:8 --N---FSG ^Fiscal
Fiscal string:6 --N---FSG "Fiscal Period
ContactId reference C-N---FSG >Contact "Contact ID
LastViewedDate datetime --N---FS-
LastReferencedDate datetime --N---FS-
HasOpenActivity boolean ---D----G
HasOverdueTask boolean ---D----G
LastAmountChangedHistoryId reference --N---FSG {_HISTORY}=LastAmountChangedHistory "Opportunity History ID
LastCloseDateChangedHistoryId reference --N---FSG {_HISTORY}=LastCloseDateChangedHistory "Opportunity History ID
"""

ROLE = f"""\
Id id ---D-IFSG "Contact Role ID
OpportunityId reference C-----FSG >Opportunity=Opportunity "Opportunity ID
ContactId reference CU----FSG >Contact=Contact "Contact ID
Role picklist:40 CUN---FSG
IsPrimary boolean CU-D--FSG "Primary
{AUDIT}\
IsDeleted boolean ---D--FSG "Deleted
"""

STAGE = f"""\
Id id ---D-IFSG "Opportunity Stage ID
MasterLabel string:255 --N---FSG
ApiName string:255 --N---FSG "API Name
IsActive boolean ---D--FSG
SortOrder int:9 --N---FSG
IsClosed boolean ---D--FSG "Closed
IsWon boolean ---D--FSG "Won
ForecastCategory picklist:40 ------FSG
ForecastCategoryName picklist:255 ------FSG "Forecast Category
DefaultProbability percent:3,0 --N---FS- "Probability (%)
{AUDIT}\
"""
