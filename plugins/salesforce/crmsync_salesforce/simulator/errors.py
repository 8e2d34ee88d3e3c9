"""The refusals of the vendor's API, one exception with the vendor's code, text and HTTP status."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crmsync import simulate

_STATUS = {
    "INVALID_SESSION_ID": 401,
    "REQUEST_LIMIT_EXCEEDED": 403,
    "API_DISABLED_FOR_ORG": 403,
    "INSUFFICIENT_ACCESS": 403,
    "NOT_FOUND": 404,
    "ENTITY_IS_DELETED": 404,
    "METHOD_NOT_ALLOWED": 405,
    "NOT_ACCEPTABLE": 406,
    "UNSUPPORTED_MEDIA_TYPE": 415,
}


class Refusal(simulate.Refusal):
    """The org refuses a request or one record."""

    def __init__(self, code: str, message: str, *, fields: Sequence[str] | None = None, status: int = 0) -> None:
        super().__init__(code, message, status or _STATUS.get(code, 400))
        self.fields = list(fields) if fields is not None else None
        self.extra: dict[str, Any] = {}

    def body(self) -> list[dict[str, Any]]:
        """The body of a whole request that was refused."""
        one: dict[str, Any] = {"message": self.message, "errorCode": self.code, **self.extra}
        if self.fields is not None:
            one["fields"] = self.fields
        return [one]

    def row(self) -> dict[str, Any]:
        """The error of one record in a collection, where the vendor spells the code's key differently."""
        return {"statusCode": self.code, "message": self.message, "fields": self.fields or []}

    def text(self) -> str:
        """The error of one record in a bulk result."""
        return f"{self.code}:{self.message}:{','.join(self.fields or [])} --"


def not_found(message: str = "The requested resource does not exist") -> Refusal:
    """The answer to anything that is not there, or that the user may not see."""
    return Refusal("NOT_FOUND", message)
