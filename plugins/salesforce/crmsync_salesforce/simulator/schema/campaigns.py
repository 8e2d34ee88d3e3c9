"""Campaign, its members and the statuses a member may have."""

from __future__ import annotations

from crmsync_salesforce.simulator.schema.people import AUDIT, VIEWED

CAMPAIGN = f"""\
Id id ---D-IFSG "Campaign ID
IsDeleted boolean ---D--FSG "Deleted
Name string:80 CU----FSG
ParentId reference CUN-P-FSG >Campaign=Parent "Parent Campaign ID
Type picklist:255 CUN-P-FSG
RecordTypeId reference CUN---FSG >RecordType=RecordType "Record Type ID
Status picklist:255 CUN-P-FSG !Planned
StartDate date CUN-P-FSG
EndDate date CUN-P-FSG
ExpectedRevenue currency:18,0 CUN-P-FS-
BudgetedCost currency:18,0 CUN-P-FS-
ActualCost currency:18,0 CUN-P-FS-
ExpectedResponse percent:10,2 CUN-P-FS- "Expected Response (%)
NumberSent double:18,0 CUN-P-FS- "Num Sent
IsActive boolean CU-DP-FSG "Active
Description textarea:32000 CUN-P----
NumberOfLeads int:9 ---D--FSG "Leads in Campaign
NumberOfConvertedLeads int:9 ---D--FSG "Converted Leads in Campaign
NumberOfContacts int:9 ---D--FSG "Contacts in Campaign
NumberOfResponses int:9 ---D--FSG "Responses in Campaign
NumberOfOpportunities int:9 ---D--FSG "Opportunities in Campaign
NumberOfWonOpportunities int:9 ---D--FSG "Won Opportunities in Campaign
AmountAllOpportunities currency:18,0 ---D--FS- "Value Opportunities in Campaign
AmountWonOpportunities currency:18,0 ---D--FS- "Value Won Opportunities in Campaign
OwnerId reference CU-D--FSG >User=Owner "Owner ID
{AUDIT}{VIEWED}\
CampaignMemberRecordTypeId reference CUN---FSG >RecordType=CampaignMemberRecordType "Record Type ID
"""

MEMBER = f"""\
Id id ---D-IFSG "Campaign Member ID
IsDeleted boolean ---D--FSG "Deleted
CampaignId reference C-----FSG >Campaign=Campaign "Campaign ID
LeadId reference C-N---FSG >Lead=Lead "Lead ID
ContactId reference C-N---FSG >Contact=Contact "Contact ID
Status picklist:40 CUND--FSG
HasResponded boolean ---D--FSG "Responded
{AUDIT}\
FirstRespondedDate date --N---FSG
Salutation picklist:40 --N---FSG
Name string:255 --N---FSG
FirstName string:40 --N---FSG
LastName string:80 --N---FSG
Title string:128 --N---FSG
Street textarea:255 --N---FSG
City string:40 --N---FSG
State string:80 --N---FSG
PostalCode string:20 --N---FSG
Country string:80 --N---FSG
Email email:80 --N---FSG
Phone phone:40 --N---FSG
Fax phone:40 --N---FSG
MobilePhone phone:40 --N---FSG
Description textarea:32000 --N------
DoNotCall boolean ---D--FSG
HasOptedOutOfEmail boolean ---D--FSG "Email Opt Out
HasOptedOutOfFax boolean ---D--FSG "Fax Opt Out
LeadSource picklist:255 --N---FSG
CompanyOrAccount string:255 --N---FSG
Type string:40 --N---FSG
LeadOrContactId reference --N---FSG >Contact,Lead "Related Record ID
LeadOrContactOwnerId reference --N---FSG >Group,User "Related Record Owner ID
"""

MEMBER_STATUS = f"""\
Id id ---D-IFSG "Campaign Member Status ID
IsDeleted boolean ---D--FSG "Deleted
CampaignId reference C-----FSG >Campaign=Campaign "Campaign ID
Label string:765 CU----FSG
SortOrder int:9 CUN---FSG
IsDefault boolean CU-D--FSG
HasResponded boolean CU-D--FSG "Responded
{AUDIT}\
"""

# A member shows its person's values: they are read through, so a change of the person moves no stamp of the member.
MEMBER_COPIES = {
    "Salutation": "Person.Salutation",
    "Name": "Person.Name",
    "FirstName": "Person.FirstName",
    "LastName": "Person.LastName",
    "Title": "Person.Title",
    "Street": "Person.Street",
    "City": "Person.City",
    "State": "Person.State",
    "PostalCode": "Person.PostalCode",
    "Country": "Person.Country",
    "Email": "Person.Email",
    "Phone": "Person.Phone",
    "Fax": "Person.Fax",
    "MobilePhone": "Person.MobilePhone",
    "Description": "Person.Description",
    "DoNotCall": "Person.DoNotCall",
    "HasOptedOutOfEmail": "Person.HasOptedOutOfEmail",
    "HasOptedOutOfFax": "Person.HasOptedOutOfFax",
    "LeadSource": "Person.LeadSource",
    "CompanyOrAccount": "Person.Company",
    "Type": "Person.Type",
    "LeadOrContactId": "Person.Id",
    "LeadOrContactOwnerId": "Person.OwnerId",
}

COUNTERS = (
    "NumberOfLeads",
    "NumberOfConvertedLeads",
    "NumberOfContacts",
    "NumberOfResponses",
    "NumberOfOpportunities",
    "NumberOfWonOpportunities",
    "AmountAllOpportunities",
    "AmountWonOpportunities",
)
