"""The columns that many tables share."""

from __future__ import annotations

USER = "systemuser"


def audit(table: str) -> str:
    """Who made and changed a row, and when."""
    return f"""\
CreatedOn date -R--n
ModifiedOn date -R--n
CreatedBy lookup -R--n >{USER}=createdby/lk_{table}base_createdby
ModifiedBy lookup -R--n >{USER}=modifiedby/lk_{table}base_modifiedby
CreatedOnBehalfBy lookup -R--n >{USER} "Created By (Delegate)
ModifiedOnBehalfBy lookup -R--n >{USER} "Modified By (Delegate)
VersionNumber bigint -R--n "Version Number
"""


IMPORTED = """\
OverriddenCreatedOn date CR--n "Record Created On
ImportSequenceNumber int:-2147483648..2147483647 CR--n "Import Sequence Number
"""


def owned(plural: str, suffix: str = "") -> str:
    """Who owns a row; `suffix` ends the navigation properties of activities."""
    return f"""\
OwnerId owner CRU-s >systemuser=ownerid{suffix}/owner_{plural},team=ownerid{suffix}/owner_{plural} "Owner
OwningUser lookup -R-Ln >{USER}=owninguser{suffix} "Owning User
OwningTeam lookup -R-Ln >team=owningteam{suffix} "Owning Team
OwningBusinessUnit lookup -R--n >businessunit=owningbusinessunit{suffix} "Owning Business Unit
"""


STATE = """\
StateCode state -RU-s "Status
StatusCode status CRU-n "Status Reason
"""


def money(table: str, suffix: str = "") -> str:
    """The currency of a row's money columns."""
    return f"""\
TransactionCurrencyId lookup CRU-n >transactioncurrency=transactioncurrencyid{suffix}/transactioncurrency_{table}\
 "Currency
ExchangeRate decimal:0.000000000001..100000000000,12 -R--n "Exchange Rate
"""


def address(number: int, *, name: int, phone: int = 50) -> str:
    """The lines of one postal address."""
    head = f"Address{number}"
    return f"""\
{head}_AddressId guid CRULn "Address {number}: ID
{head}_Name string:{name} CRULn "Address {number}: Name
{head}_Line1 string:250 CRULn "Address {number}: Street 1
{head}_Line2 string:250 CRULn "Address {number}: Street 2
{head}_Line3 string:250 CRULn "Address {number}: Street 3
{head}_City string:80 CRULn "Address {number}: City
{head}_StateOrProvince string:50 CRULn "Address {number}: State/Province
{head}_PostalCode string:20 CRULn "Address {number}: ZIP/Postal Code
{head}_Country string:80 CRULn "Address {number}: Country/Region
{head}_County string:50 CRULn "Address {number}: County
{head}_Telephone1 string:{phone} CRULn "Address {number}: Phone
{head}_Latitude double:-90..90,5 CRULn "Address {number}: Latitude
{head}_Longitude double:-180..180,5 CRULn "Address {number}: Longitude
{head}_Composite memo:1000 -R-Ln "Address {number}
"""


OPT_OUT = """\
DoNotEMail bool CRU-n =allow "Do not allow Emails
DoNotBulkEMail bool CRU-n =allow "Do not allow Bulk Emails
DoNotPhone bool CRU-n =allow "Do not allow Phone Calls
DoNotFax bool CRU-n =allow "Do not allow Faxes
DoNotPostalMail bool CRU-n =allow "Do not allow Mails
DoNotSendMM bool CRU-n =send "Send Marketing Materials
PreferredContactMethodCode choice CRU-n !1 "Preferred Method of Contact
"""
