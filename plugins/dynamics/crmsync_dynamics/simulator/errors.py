"""The refusals of the vendor's Web API: one exception with code, text and HTTP status."""

from __future__ import annotations

from typing import Any

from crmsync import simulate

_STATUS = {
    "0x80040217": 404, "0x80060891": 404, "0x8006088a": 404,
    "0x80040220": 403, "0x80048306": 403, "0x80072560": 403, "0x80042f09": 403, "0x8004a112": 403, "0x8004a110": 403,
    "0x8004f502": 403, "0x8004f507": 403, "0x8004f506": 403,
    "0x80060882": 412, "0x80060892": 412, "0x80040237": 412, "0x80040333": 412,
    "0x80040227": 405,
    "0x80072322": 429, "0x80072321": 429, "0x80072326": 429,
    "0x80044150": 500, "0x80044151": 500, "0x80044339": 500, "0x80040224": 500,
}  # fmt: skip


_NAMES = {
    "0x80072560": "UserNotMemberOfOrg", "0x80042f09": "UserNotAssignedRoles", "0x8004a112": "SystemUserDisabled",
    "0x80040220": "PrivilegeDenied", "0x80048306": "unManagedIdsAccessDenied",
    "0x8004a110": "CannotActOnBehalfOfAnotherUser", "0x8004f502": "AttributePrivilegeCreateIsMissing",
    "0x8004f507": "AttributePermissionUpdateIsMissingDuringUpdate",
    "0x8004f506": "QueryContainedSecuredAttributeWithoutAccess", "0x80040217": "ObjectDoesNotExist",
    "0x80060891": "RecordNotFoundByEntityKey", "0x80060890": "EntityKeyNotDefined",
    "0x8006089d": "MultipleRecordsFoundByEntityKey", "0x80060892": "DuplicateRecordEntityKey",
    "0x80040237": "DuplicateRecord", "0x80040333": "DuplicateRecordsFound",
    "0x80060882": "ConcurrencyVersionMismatch", "0x8006088d": "OptimisticConcurrencyNotEnabled",
    "0x80044352": "ExpiredVersionStamp", "0x80072491": "ChangeTrackingNotEnabledForEntity",
    "0x80040216": "UnExpected", "0x80040224": "IsvUnExpected", "0x80040265": "IsvAborted",
    "0x80040200": "RequiredFieldMissing", "0x80040203": "InvalidArgument", "0x80044331": "StringLengthTooLong",
    "0x8004431a": "PicklistValueOutOfRange", "0x8004432f": "IntegerValueOutOfRange",
    "0x80044330": "DecimalValueOutOfRange", "0x80040239": "InvalidDateTime",
    "0x80048408": "InvalidStateCodeStatusCode", "0x80040230": "CannotUpdateObjectBecauseItIsInactive",
    "0x80040227": "CannotDeleteDueToAssociation", "0x80041102": "QueryBuilderNoEntity",
    "0x80041103": "QueryBuilderNoAttribute", "0x8004e023": "AggregateQueryRecordLimitExceeded",
    "0x8006088a": "CrmHttpError",
}  # fmt: skip
"""The platform's own words for its codes, as annotations of an error tell them."""

_CDS = "@Microsoft.PowerApps.CDS."
_SERVER = 500


class Refusal(simulate.Refusal):
    """The environment refuses a request."""

    def __init__(self, code: str, message: str, *, status: int = 0, **headers: str) -> None:
        super().__init__(code, message, status or _STATUS.get(code, 400))
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def body(self, *, annotated: bool = False) -> dict[str, Any]:
        """The JSON body; `annotated` adds what clients get that ask for all annotations."""
        return {"error": {"code": self.code, "message": self.message, **(self._annotations() if annotated else {})}}

    def _annotations(self) -> dict[str, str]:
        details = {
            "OperationStatus": "0",
            "SubErrorCode": str((1 << 32) - int(self.code, 16)) if self.code not in {"", "0x0"} else "0",
            "ApiExceptionCategory": "ClientError" if self.status < _SERVER else "SystemFailure",
            "ApiExceptionHttpStatusCode": str(self.status),
        }
        if self.code in _NAMES:
            details["ApiExceptionMessageName"] = _NAMES[self.code]
        return {
            **{f"{_CDS}ErrorDetails.{name}": value for name, value in details.items()},
            f"{_CDS}HelpLink": f"http://go.microsoft.com/fwlink/?LinkID=398563&error={self.code}",
            f"{_CDS}TraceText": "",
            f"{_CDS}InnerError.Message": self.message,
        }


def missing(entity: str, identity: str) -> Refusal:
    """No row has that id."""
    return Refusal("0x80040217", f"{entity} With Id = {identity} Does Not Exist")


def no_segment(name: str) -> Refusal:
    """The path names a resource that is not there."""
    return Refusal("0x8006088a", f"Resource not found for the segment '{name}'.")


def no_property(name: str, entity: str) -> Refusal:
    """The query names a property that is not there."""
    return Refusal("0x0", f"Could not find a property named '{name}' on type 'Microsoft.Dynamics.CRM.{entity}'.")


def bad_syntax() -> Refusal:
    """The path or the query cannot be read."""
    return Refusal("0x8006088a", "Bad Request - Error in query syntax.", status=400)
