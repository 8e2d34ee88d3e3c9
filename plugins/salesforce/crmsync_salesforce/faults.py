"""The vendor's errors as they come: JSON in its shapes, SOAP faults, pages for people, and statuses without a word."""

from __future__ import annotations

import re
from typing import Any
from xml.sax.saxutils import unescape

import msgspec

from crmsync.http import Response
from crmsync_salesforce.errors import Fault, Faulty

_SOAP = re.compile(rb"<(?:\w+:)?faultcode>\s*(?:\w+:)?(\w+)\s*</.*?<(?:\w+:)?faultstring>(.*?)</", re.DOTALL)
_TROUBLE = frozenset({"UNKNOWN_EXCEPTION", "SERVER_UNAVAILABLE", "Server"})
_LONG_URL = frozenset({414, 431})
_REFUSED, _UNAUTHORISED, _GONE = 400, 401, 410


def read_faults(body: bytes | Any, status: int) -> list[Fault]:
    """The errors in a body: the usual array, a bare object, a token error, or none of them."""
    if isinstance(body, bytes):
        try:
            body = msgspec.json.decode(body)
        except msgspec.MsgspecError:
            return []
    found = body if isinstance(body, list) else [body]
    return [fault for one in found if isinstance(one, dict) and (fault := _fault(one, status))]


def _fault(one: dict[str, Any], status: int) -> Fault | None:
    code = one.get("errorCode") or one.get("exceptionCode") or one.get("statusCode") or one.get("error")
    if code is None:
        return None
    code = {"InvalidSessionId": "INVALID_SESSION_ID", "NOTFOUND": "NOT_FOUND"}.get(str(code), str(code))
    message = one.get("message") or one.get("exceptionMessage") or one.get("error_description") or ""
    fields = one.get("fields")
    names = tuple(str(name) for name in fields) if isinstance(fields, list) else ()
    more = one.get("duplicateResult")
    return Fault(code, str(message), names, status, more if isinstance(more, dict) else {})


def faulty(response: Response, what: str = "") -> Faulty:
    """The error of an answer whose status is not a good one."""
    faults = read_faults(response.body, response.status)
    fault = faults[0] if faults else _of_soap(response) or _of_status(response)
    return Faulty(fault, what=what, retry_after=response.retry_after)


def _of_soap(response: Response) -> Fault | None:
    """A fault of a SOAP call, which comes with HTTP 500 whatever it is about."""
    found = _SOAP.search(response.body) if response.body.lstrip().startswith(b"<") else None
    if found is None:
        return None
    code, message = found[1].decode(), unescape(found[2].decode("utf-8", "replace"))
    return Fault(code, message.removeprefix(f"{code}: "), (), response.status if code in _TROUBLE else _REFUSED)


def _of_status(response: Response) -> Fault:
    status = response.status
    if status in _LONG_URL:
        return Fault("OPERATION_TOO_LARGE", "The address of the request was too long for the server.", (), status)
    if status == _GONE:
        return Fault("UNSUPPORTED_API_VERSION", "This API version is retired.", (), status)
    if response.html:
        who = "A page for people came in place of data, from a proxy or for maintenance"
        return Fault("SERVER_UNAVAILABLE", f"{who} (HTTP {status}).", (), status)
    if status == _UNAUTHORISED:
        return Fault("INVALID_SESSION_ID", "The session was refused.", (), status)
    return Fault(f"HTTP_{status}", f"The server answered HTTP {status} without saying why.", (), status)
