"""Users, teams, business units, currencies, security and the organisation itself."""

from __future__ import annotations

from crmsync_dynamics.simulator.schema.common import STATE, audit

USER = """\
SystemUserId guid CR--s "User
FullName string:200 -R--n "Full Name
FirstName string:256 CRU-a "First Name
LastName string:256 CRU-a "Last Name
InternalEMailAddress string:100,Email CRU-a "Primary Email
DomainName string:1024 CRU-s "User Name
Title string:128 CRU-n
JobTitle string:100 CRU-n "Job Title
MobilePhone string:64 CRU-n "Mobile Phone
Address1_Telephone1 string:64 CRULn "Main Phone
Address1_City string:128 CRULn "City
Address1_Country string:128 CRULn "Country/Region
BusinessUnitId lookup CR--s >businessunit=businessunitid/business_unit_system_users "Business Unit
ParentSystemUserId lookup CRU-n >systemuser=parentsystemuserid/user_parent_user "Manager
IsDisabled bool CR--n =yesno "Status
AccessMode choice CRU-n !0 "Access Mode
ApplicationId guid CRU-n "Application ID
AzureActiveDirectoryObjectId guid CR--n "Azure AD Object ID
IsLicensed bool CRU-n =yesno "User Licensed
IsSyncWithDirectory bool CRU-n =yesno "User Synced
EmployeeId string:100 CRU-n "Employee
""" + audit("systemuser")
TEAM = """\
TeamId guid CR--s "Team
Name string:160 CRU-s "Team Name
TeamType choice CR--s =team_type !0 "Team Type
EMailAddress string:100,Email CRU-n "Email
Description memo:2000 CRU-n
IsDefault bool -R--s =yesno "Is Default
BusinessUnitId lookup CRU-s >businessunit=businessunitid/business_unit_teams "Business Unit
AdministratorId lookup CRU-s >systemuser=administratorid/lk_teambase_administratorid "Administrator
""" + audit("team")
BUSINESS_UNIT = """\
BusinessUnitId guid CR--s "Business Unit
Name string:160 CRU-s
Description memo:2000 CRU-n
EMailAddress string:100,Email CRU-n "Email
ParentBusinessUnitId lookup CRU-n >businessunit=parentbusinessunitid/business_unit_parent_business_unit "Parent Business
IsDisabled bool -R--n =yesno "Is Disabled
""" + audit("businessunit")
CURRENCY = (
    """\
TransactionCurrencyId guid CR--s "Transaction Currency
CurrencyName string:100 CRU-s "Currency Name
ISOCurrencyCode string:5 CR--s "Currency Code
CurrencySymbol string:13 CRU-s "Currency Symbol
CurrencyPrecision int:0..10 CRU-s "Currency Precision
ExchangeRate decimal:0.0000000001..100000000000,12 CRU-s "Exchange Rate
"""
    + audit("transactioncurrency")
    + STATE
)
ORGANIZATION = """\
OrganizationId guid -R--s "Organization
Name string:160 -RU-s "Organization Name
LanguageCode int:0..2147483647 -R--s "Language
ExpireChangeTrackingInDays int:0..365 -RU-n "Days to Expire Change Tracking Deltas
BaseCurrencyId lookup CRU-n >transactioncurrency=basecurrencyid/basecurrency_organization "Currency
""" + audit("organization")
ROLE = """\
RoleId guid CR--s "Role
Name string:100 CRU-s
BusinessUnitId lookup CR--s >businessunit=businessunitid/business_unit_roles "Business Unit
""" + audit("role")
PROFILE = """\
FieldSecurityProfileId guid CR--s "Field Security Profile
Name string:100 CRU-s
Description memo:2000 CRU-n
""" + audit("fieldsecurityprofile")
PERMISSION = """\
FieldPermissionId guid CR--s "Field Permission
FieldSecurityProfileId lookup CR--s >fieldsecurityprofile=fieldsecurityprofileid/\
lk_fieldpermission_fieldsecurityprofileid "Profile
EntityName string:64 CR--s "Name of the entity for which this privilege is to be granted
AttributeLogicalName string:100 CR--s "Name of the attribute for which this privilege is to be granted
CanRead choice CRU-n =fieldpermission !0 "Can Read
CanCreate choice CRU-n =fieldpermission !0 "Can create
CanUpdate choice CRU-n =fieldpermission !0 "Can Update
VersionNumber bigint -R--n "Version Number
"""
MESSAGE = """\
SdkMessageId guid -R--s "Sdk Message
Name string:256 -R--s
VersionNumber bigint -R--n
"""
MESSAGE_FILTER = """\
SdkMessageFilterId guid -R--s "Sdk Message Filter
SdkMessageId lookup -R--s >sdkmessage=sdkmessageid/sdkmessageid_sdkmessagefilter "Message
PrimaryObjectTypeCode entity -R--n "Primary Object Type Code
VersionNumber bigint -R--n
"""
