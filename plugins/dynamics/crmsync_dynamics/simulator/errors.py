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


class Refusal(simulate.Refusal):
    """The environment refuses a request."""

    def __init__(self, code: str, message: str, *, status: int = 0, **headers: str) -> None:
        super().__init__(code, message, status or _STATUS.get(code, 400))
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def body(self, *, annotated: bool = False) -> dict[str, Any]:
        """The JSON body; `annotated` adds what clients get that ask for all annotations."""
        error: dict[str, Any] = {"code": self.code, "message": self.message}
        if annotated:
            prefix = "@Microsoft.PowerApps.CDS."
            error[f"{prefix}HelpLink"] = "http://go.microsoft.com/fwlink/?LinkID=398563"
            error[f"{prefix}ErrorDetails.ApiExceptionHttpStatusCode"] = str(self.status)
            error[f"{prefix}InnerError.Message"] = self.message
        return {"error": error}


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
