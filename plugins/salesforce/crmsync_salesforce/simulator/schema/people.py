"""Lead and Contact as the vendor ships them."""

from __future__ import annotations

AUDIT = """\
CreatedDate datetime ---D--FS-
CreatedById reference ---D--FSG >User=CreatedBy "Created By ID
LastModifiedDate datetime ---D--FS-
LastModifiedById reference ---D--FSG >User=LastModifiedBy "Last Modified By ID
SystemModstamp datetime ---D--FS-
"""
VIEWED = """\
LastActivityDate date --N---FSG "Last Activity
LastViewedDate datetime --N---FS-
LastReferencedDate datetime --N---FS-
"""
NAMES = """\
LastName string:80 CU----FSG ^Name
FirstName string:40 CUN---FSG ^Name
Salutation picklist:40 CUN---FSG ^Name
Name string:121 ------FSG "Full Name
"""
OPT_OUT = """\
HasOptedOutOfEmail boolean CU-DP-FSG "Email Opt Out
HasOptedOutOfFax boolean CU-DP-FSG "Fax Opt Out
DoNotCall boolean CU-DP-FSG
"""


def address(prefix: str) -> str:
    """The nine lines of one postal address."""
    parent = f"{prefix}Address"
    word = f"{prefix} " if prefix else ""
    return f"""\
{prefix}Street textarea:255 CUN-P-FSG ^{parent}
{prefix}City string:40 CUN-P-FSG ^{parent}
{prefix}State string:80 CUN-P-FSG ^{parent} "{word}State/Province
{prefix}PostalCode string:20 CUN-P-FSG ^{parent} "{word}Zip/Postal Code
{prefix}Country string:80 CUN-P-FSG ^{parent}
{prefix}Latitude double:18,15 CUN-P-FS- ^{parent}
{prefix}Longitude double:18,15 CUN-P-FS- ^{parent}
{prefix}GeocodeAccuracy picklist:40 CUN-P-FSG ^{parent}
{parent} address --N-P-F--
"""


LEAD = f"""\
Id id ---D-IFSG "Lead ID
IsDeleted boolean ---D--FSG "Deleted
MasterRecordId reference --N---FSG >Lead=MasterRecord "Master Record ID
{NAMES}\
Title string:128 CUN-P-FSG
Company string:255 CU----FSG
{address("")}\
Phone phone:40 CUN-P-FSG
MobilePhone phone:40 CUN-P-FSG
Fax phone:40 CUN-P-FSG
Email email:80 CUN-PIFSG
Website url:255 CUN-P-FSG
PhotoUrl url:255 --N---FSG "Photo URL
Description textarea:32000 CUN-P----
LeadSource picklist:255 CUN-P-FSG
Status picklist:255 CU-D--FSG !Open - Not Contacted
Industry picklist:255 CUN-P-FSG
Rating picklist:255 CUN-P-FSG
AnnualRevenue currency:18,0 CUN-P-FS-
NumberOfEmployees int:8 CUN-P-FSG "Employees
OwnerId reference CU-D--FSG >Group,User=Owner "Owner ID
{OPT_OUT}\
IsConverted boolean C--D--FSG "Converted
ConvertedDate date --N---FSG
ConvertedAccountId reference --N---FSG >Account=ConvertedAccount "Converted Account ID
ConvertedContactId reference --N---FSG >Contact=ConvertedContact "Converted Contact ID
ConvertedOpportunityId reference --N---FSG >Opportunity=ConvertedOpportunity "Converted Opportunity ID
IsUnreadByOwner boolean CU-D--FSG "Unread By Owner
{AUDIT}{VIEWED}\
EmailBouncedReason string:255 -UN---FSG
EmailBouncedDate datetime -UN---FS-
IndividualId reference CUN---FSG >Individual=Individual "Individual ID
"""

CONTACT = f"""\
Id id ---D-IFSG "Contact ID
IsDeleted boolean ---D--FSG "Deleted
MasterRecordId reference --N---FSG >Contact=MasterRecord "Master Record ID
AccountId reference CUN-P-FSG >Account=Account "Account ID
{NAMES}\
{address("Other")}{address("Mailing")}\
Phone phone:40 CUN-P-FSG "Business Phone
Fax phone:40 CUN-P-FSG "Business Fax
MobilePhone phone:40 CUN-P-FSG
HomePhone phone:40 CUN-P-FSG
OtherPhone phone:40 CUN-P-FSG
AssistantPhone phone:40 CUN-P-FSG "Asst. Phone
ReportsToId reference CUN-P-FSG >Contact=ReportsTo "Reports To ID
Email email:80 CUN-PIFSG
Title string:128 CUN-P-FSG
Department string:80 CUN-P-FSG
AssistantName string:40 CUN-P-FSG "Assistant's Name
LeadSource picklist:255 CUN-P-FSG
Birthdate date CUN-P-FSG
Description textarea:32000 CUN-P---- "Contact Description
OwnerId reference CU-D--FSG >User=Owner "Owner ID
{OPT_OUT}\
{AUDIT}\
LastActivityDate date --N---FSG "Last Activity
LastCURequestDate datetime --N---FS- "Last Stay-in-Touch Request Date
LastCUUpdateDate datetime --N---FS- "Last Stay-in-Touch Save Date
LastViewedDate datetime --N---FS-
LastReferencedDate datetime --N---FS-
EmailBouncedReason string:255 CUN---FSG
EmailBouncedDate datetime CUN---FS-
IsEmailBounced boolean ---D--FSG
PhotoUrl url:255 --N---FSG "Photo URL
IndividualId reference CUN---FSG >Individual=Individual "Individual ID
"""
