"""Contact and lead as the vendor ships them, without what no sync looks at."""

from __future__ import annotations

from crmsync_dynamics.simulator.schema.common import IMPORTED, OPT_OUT, STATE, address, audit, money, owned

_NAMES = """\
Salutation string:100 CRU-n
FirstName string:50 CRU-r
MiddleName string:50 CRU-n
LastName string:50 CRU-a
FullName string:160 -R--n "Full Name
JobTitle string:100 CRU-n
EMailAddress1 string:100,Email CRU-n "Email
EMailAddress2 string:100,Email CRU-n "Email Address 2
EMailAddress3 string:100,Email CRU-n "Email Address 3
Telephone1 string:50 CRU-n "Business Phone
Telephone2 string:50 CRU-n "Home Phone
Telephone3 string:50 CRU-n "Telephone 3
Fax string:50 CRU-n
WebSiteUrl string:200,Url CRU-n "Website
Description memo:2000 CRU-n
"""
CONTACT = (
    'ContactId guid CR--s "Contact\n'
    + _NAMES
    + """\
Suffix string:10 CRU-n
NickName string:100 CRU-n "Nickname
Department string:100 CRU-n
MobilePhone string:50 CRU-n "Mobile Phone
Pager string:50 CRU-n
BirthDate date:DateOnly CRU-n "Birthday
Anniversary date:DateOnly CRU-n
GenderCode choice CRU-n "Gender
FamilyStatusCode choice CRU-n "Marital Status
AccountRoleCode choice CRU-n "Role
CustomerTypeCode choice CRU-n !1 "Relationship Type
LeadSourceCode choice CRU-n !1 "Lead Source
ParentCustomerId customer CRU-n >account=parentcustomerid_account/contact_customer_accounts,\
contact=parentcustomerid_contact/contact_customer_contacts "Company Name
AccountId lookup -R-Ln >account "Account
ParentContactId lookup -R-Ln >contact "Parent Contact
OriginatingLeadId lookup CRU-n >lead=originatingleadid/contact_originating_lead "Originating Lead
MasterId lookup -R--n >contact=masterid/contact_master_contact "Master ID
Merged bool -R--n =yesno
ManagerName string:100 CRU-n "Manager
AssistantName string:100 CRU-n "Assistant
AnnualIncome money:0..100000000000000 CRU-n "Annual Income
AnnualIncome_Base money -R--n "Annual Income (Base)
CreditLimit money:0..100000000000000 CRU-n "Credit Limit
CreditLimit_Base money -R--n "Credit Limit (Base)
CreditOnHold bool CRU-n =creditonhold "Credit Hold
NumberOfChildren int:0..1000000000 CRU-n "No. of Children
ExternalUserIdentifier string:50 CRU-n "External User Identifier
GovernmentId string:50 CRU-n "Government
EmployeeId string:50 CRU-n "Employee
LastUsedInCampaign date:UserLocal,DateOnly -RU-n "Last Date Included in Campaign
"""
    + OPT_OUT
    + address(1, name=200, phone="Address 1: Phone")
    + address(2, name=100, phone="Address 2: Telephone 1")
    + address(3, name=200, word="Address3: ", phone="Address 3: Telephone1")
    + audit("contact")
    + IMPORTED
    + owned("contact", "contacts")
    + STATE
    + money("contact")
)
LEAD = (
    'LeadId guid CR--s "Lead\nSubject string:300 CRU-a "Topic\n'
    + _NAMES.replace("Full Name", "Name").replace("Telephone 3", "Other Phone")
    + """\
MobilePhone string:20 CRU-n "Mobile Phone
Pager string:20 CRU-n
CompanyName string:100 CRU-r "Company Name
SIC string:20 CRU-n "SIC Code
QualificationComments memo:2000 CRU-n "Qualification Comments
IndustryCode choice CRU-n =industry "Industry
LeadSourceCode choice CRU-n "Lead Source
LeadQualityCode choice CRU-n "Rating
PriorityCode choice CRU-n !1 "Priority
SalesStageCode choice CRU-n !1 "Sales Stage Code
BudgetStatus choice CRU-n =budgetstatus "Budget
Need choice CRU-n =need
PurchaseTimeFrame choice CRU-n =purchasetimeframe "Purchase Timeframe
PurchaseProcess choice CRU-n =purchaseprocess "Purchase Process
InitialCommunication choice CRU-n =initialcommunication "Initial Communication
DecisionMaker bool CRU-n =decisionmaker "Decision Maker?
ConfirmInterest bool CRU-n =confirminterest "Confirm Interest
EvaluateFit bool CRU-n =evaluatefit "Evaluate Fit
EstimatedAmount money:0..1000000000000 CRU-n "Est. Value
EstimatedAmount_Base money -R--n "Est. Value (Base)
BudgetAmount money:0..1000000000000 CRU-n "Budget Amount
BudgetAmount_Base money -R--n "Budget Amount (Base)
Revenue money:0..100000000000000 CRU-n "Annual Revenue
Revenue_Base money -R--n "Annual Revenue (Base)
EstimatedValue double:0..1000000000,2 CRU-n "Est. Value (deprecated)
EstimatedCloseDate date:DateOnly CRU-n "Est. Close Date
NumberOfEmployees int:0..1000000 CRU-n "No. of Employees
CampaignId lookup CRU-n >campaign=campaignid/campaign_leads "Source Campaign
CustomerId customer CRU-n >account=customerid_account/lead_customer_accounts,\
contact=customerid_contact/lead_customer_contacts "Customer
ParentAccountId lookup CRU-n >account=parentaccountid/lead_parent_account "Parent Account for lead
ParentContactId lookup CRU-n >contact=parentcontactid/lead_parent_contact "Parent Contact for lead
AccountId lookup -R-Ln >account "Account
ContactId lookup -R-Ln >contact "Contact
QualifyingOpportunityId lookup CRU-n >opportunity=qualifyingopportunityid/lead_qualifying_opportunity\
 "Qualifying Opportunity
MasterId lookup -R--n >lead=masterid/lead_master_lead "Master ID
Merged bool -R--n =yesno
LastUsedInCampaign date:UserLocal,DateOnly -RU-n "Last Campaign Date
"""
    + OPT_OUT.replace("Send Marketing Materials", "Marketing Material")
    + address(1, name=100, word="", phone="Address 1: Telephone 1")
    + address(2, name=100, phone="Address 2: Telephone 1")
    + audit("lead")
    + IMPORTED
    + owned("lead", "leads", names=("", "lead_owning_team", ""))
    + STATE
    + money("lead")
)
