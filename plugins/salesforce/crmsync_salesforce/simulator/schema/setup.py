"""The objects an administrator sets up: users, queues, record types, statuses, the organisation."""

from __future__ import annotations

from crmsync_salesforce.simulator.schema.people import AUDIT, address

USER = f"""\
Id id ---D-IFSG "User ID
Username string:80 CU---IFSG
LastName string:80 CU----FSG ^Name
FirstName string:40 CUN---FSG ^Name
Name string:121 ------FSG "Full Name
CompanyName string:80 CUN---FSG
Division string:80 CUN---FSG
Department string:80 CUN---FSG
Title string:80 CUN---FSG
{address("")}\
Email email:128 CU---IFSG
Phone phone:40 CUN---FSG
Fax phone:40 CUN---FSG
MobilePhone phone:40 CUN---FSG
Alias string:8 CU----FSG
CommunityNickname string:40 CU-D--FSG "Nickname
IsActive boolean CU-D--FSG !true "Active
TimeZoneSidKey picklist:40 CU----FSG "Time Zone
UserRoleId reference CUN---FSG >UserRole=UserRole "Role ID
LocaleSidKey picklist:40 CU----FSG "Locale
EmailEncodingKey picklist:40 CU----FSG "Email Encoding
ProfileId reference CU----FSG >Profile=Profile "Profile ID
UserType picklist:40 --N---FSG !Standard
LanguageLocaleKey picklist:40 CU----FSG "Language
EmployeeNumber string:20 CUN---FSG
DelegatedApproverId reference CUN---FSG >Group,User "Delegated Approver ID
ManagerId reference CUN---FSG >User=Manager "Manager ID
LastLoginDate datetime --N---FS- "Last Login
{AUDIT}\
FederationIdentifier string:512 CUN---FSG "SAML Federation ID
UserPermissionsMarketingUser boolean CU-D--FSG "Marketing User
UserPermissionsOfflineUser boolean CU-D--FSG "Offline User
ContactId reference C-N---FSG >Contact=Contact "Contact ID
AccountId reference --N---FSG >Account=Account "Account ID
IsPortalEnabled boolean CU-D--FSG "Portal Enabled
"""

GROUP = """\
Id id ---D-IFSG "Group ID
Name string:40 CU----FSG
DeveloperName string:80 CUN---FSG
RelatedId reference --N---FSG >User,UserRole=Related "Related ID
Type picklist:40 C-----FSG
Email email:255 CUN---FSG
OwnerId reference ---D--FSG >Organization,User=Owner "Owner ID
DoesSendEmailToMembers boolean CU-D--FSG "Send Email to Members
DoesIncludeBosses boolean CU-D--FSG "Include Bosses
CreatedDate datetime ---D--FS-
CreatedById reference ---D--FSG >User=CreatedBy "Created By ID
LastModifiedDate datetime ---D--FS-
LastModifiedById reference ---D--FSG >User=LastModifiedBy "Last Modified By ID
SystemModstamp datetime ---D--FS-
"""

RECORD_TYPE = """\
Id id ---D-IFSG "Record Type ID
Name string:80 CU----FSG
DeveloperName string:80 CU----FSG "Record Type Name
NamespacePrefix string:15 --N---FSG
Description string:255 CUN---FSG
BusinessProcessId reference CUN---FSG >BusinessProcess=BusinessProcess "Business Process ID
SobjectType picklist:40 C-----FSG "SObject Type Name
IsActive boolean CU-D--FSG !true "Active
CreatedById reference ---D--FSG >User=CreatedBy "Created By ID
CreatedDate datetime ---D--FS-
LastModifiedById reference ---D--FSG >User=LastModifiedBy "Last Modified By ID
LastModifiedDate datetime ---D--FS-
SystemModstamp datetime ---D--FS-
"""

PROFILE = f"""\
Id id ---D-IFSG "Profile ID
Name string:255 CU----FSG
UserType picklist:40 --N---FSG !Standard
Description string:255 CUN---FSG
{AUDIT}\
"""

PERMISSIONS = (
    "ApiEnabled", "ConvertLeads", "EditEvent", "EditTask", "PasswordNeverExpires", "TransferAnyLead", "ViewAllData",
)  # fmt: skip
"""System permissions that the org knows."""

USER_PERMISSION_ACCESS = "Id id ---D-IFSG\nLastCacheUpdate datetime --N---FS-\n" + "".join(
    f"Permissions{one} boolean ---D--FSG\n" for one in PERMISSIONS
)

USER_ROLE = f"""\
Id id ---D-IFSG "Role ID
Name string:80 CU----FSG
DeveloperName string:80 CUN---FSG
ParentRoleId reference CUN---FSG >UserRole "Parent Role ID
{AUDIT}\
"""

ORGANIZATION = f"""\
Id id ---D-IFSG "Organization ID
Name string:80 -U----FSG
{address("")}\
Phone phone:40 -UN---FSG
DefaultLocaleSidKey picklist:40 -U----FSG "Locale
TimeZoneSidKey picklist:40 -U----FSG "Time Zone
LanguageLocaleKey picklist:40 -U----FSG "Language
OrganizationType picklist:40 --N---FSG "Edition
InstanceName string:5 --N---FSG
IsSandbox boolean ---D--FSG
{AUDIT}\
"""

LEAD_STATUS = f"""\
Id id ---D-IFSG "Lead Status Value ID
MasterLabel string:255 --N---FSG
ApiName string:255 --N---FSG "API Name
SortOrder int:9 --N---FSG
IsDefault boolean ---D--FSG
IsConverted boolean ---D--FSG "Converted
{AUDIT}\
"""
