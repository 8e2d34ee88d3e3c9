"""The columns that many tables share."""

from __future__ import annotations

USER = "systemuser"


def audit(table: str, suffix: str = "", base: str = "base", deputy: str = "") -> str:
    """Who made and changed a row, and when; `suffix` ends the navigation properties of activities."""
    return f"""\
CreatedOn date -R--n
ModifiedOn date -R--n
CreatedBy lookup -R--n >{USER}=createdby{suffix}/lk_{table}{base}_createdby
ModifiedBy lookup -R--n >{USER}=modifiedby{suffix}/lk_{table}{base}_modifiedby
CreatedOnBehalfBy lookup -R--n >{USER}=createdonbehalfby{suffix}/lk_{table}{deputy}_createdonbehalfby\
 "Created By (Delegate)
ModifiedOnBehalfBy lookup -R--n >{USER}=modifiedonbehalfby{suffix}/lk_{table}{deputy}_modifiedonbehalfby\
 "Modified By (Delegate)
VersionNumber bigint -R--n "Version Number
"""


IMPORTED = """\
OverriddenCreatedOn date:UserLocal,DateOnly CR--n "Record Created On
ImportSequenceNumber int:-2147483648..2147483647 CR--n "Import Sequence Number
"""


def owned(table: str, plural: str, suffix: str = "", names: tuple[str, str, str] = ("", "", "")) -> str:
    """Who owns a row; `names` are the collections on the side of user, team and unit where they are not as usual."""
    user, team = names[0] or f"{table}_owning_user", names[1] or f"team_{plural}"
    unit = names[2] or f"business_unit_{plural}"
    return f"""\
OwnerId owner CRU-s >systemuser=ownerid{suffix}/owner_{plural},team=ownerid{suffix}/owner_{plural} "Owner
OwningUser lookup -R-Ln >{USER}=owninguser{suffix}/{user} "Owning User
OwningTeam lookup -R-Ln >team=owningteam{suffix}/{team} "Owning Team
OwningBusinessUnit lookup -R--n >businessunit=owningbusinessunit{suffix}/{unit} "Owning Business Unit
"""


STATE = """\
StateCode state -RU-s "Status
StatusCode status CRU-n "Status Reason
"""


def money(table: str, suffix: str = "", head: str = "transactioncurrency") -> str:
    """The currency of a row's money columns."""
    return f"""\
TransactionCurrencyId lookup CRU-n >transactioncurrency=transactioncurrencyid{suffix}/{head}_{table}\
 "Currency
ExchangeRate decimal:0.000000000001..100000000000,12 -R--n "Exchange Rate
"""


def address(number: int, *, name: int, word: str | None = None, phone: str = "Telephone 1") -> str:
    """The lines of one postal address; `word` is what its labels begin with."""
    head, before = f"Address{number}", f"Address {number}: " if word is None else word
    return f"""\
{head}_AddressId guid CRULn "Address {number}: ID
{head}_Name string:{name} CRULn "Address {number}: Name
{head}_Line1 string:250 CRULn "{before}Street 1
{head}_Line2 string:250 CRULn "{before}Street 2
{head}_Line3 string:250 CRULn "{before}Street 3
{head}_City string:80 CRULn "{before}City
{head}_StateOrProvince string:50 CRULn "{before}State/Province
{head}_PostalCode string:20 CRULn "{before}ZIP/Postal Code
{head}_Country string:80 CRULn "{before}Country/Region
{head}_County string:50 CRULn "Address {number}: County
{head}_Telephone1 string:50 CRULn "{phone}
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
PreferredContactMethodCode choice CRU-n =contact_methods !1 "Preferred Method of Contact
"""
