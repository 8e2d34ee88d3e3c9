"""The vendor's errors as they come: JSON in its shapes, pages for people, and statuses without a word."""

from __future__ import annotations

from typing import Any

import msgspec

from crmsync.http import Response
from crmsync_dynamics.errors import Fault, Faulty, hexadecimal

NAME = "@Microsoft.PowerApps.CDS.ErrorDetails.ApiExceptionMessageName"
SIGN_IN = "SIGN_IN_PAGE"
_UNAUTHORISED, _ERROR = 401, 400


def read_fault(body: bytes | Any, status: int) -> Fault | None:
    """The error in a body, in any of the vendor's shapes; None where there is none."""
    if isinstance(body, bytes):
        try:
            body = msgspec.json.decode(body)
        except msgspec.MsgspecError:
            return None
    if not isinstance(body, dict):
        return None
    error = body.get("error")
    if isinstance(error, dict):
        return Fault(_code(error.get("code"), status), _message(error), status, str(error.get(NAME) or ""))
    message = body.get("Message") or body.get("message")
    return Fault("0x0", str(message), status) if message else None


def _code(told: object, status: int) -> str:
    """The code; a server that is no Dynamics often tells the status once more."""
    return f"HTTP_{status}" if str(told) == str(status) else hexadecimal(told)


def _message(error: dict[str, Any]) -> str:
    inner = error.get("innererror")
    said = error.get("message") or (inner.get("message") if isinstance(inner, dict) else "")
    return str(said.get("value") if isinstance(said, dict) else said or "")


def faulty(response: Response, what: str = "") -> Faulty:
    """The error of an answer whose status is not a good one."""
    fault = read_fault(response.body, response.status) or _of_status(response)
    return Faulty(fault, what=what, retry_after=response.retry_after)


def sign_in(response: Response) -> Faulty:
    """The error of a page for people in place of data: the log-in ended, or something stands in between."""
    who = "A page for people came in place of data: the log-in ended, or a proxy stands in between"
    return Faulty(Fault(SIGN_IN, f"{who} (HTTP {response.status}).", _UNAUTHORISED))


def _of_status(response: Response) -> Fault:
    status = response.status
    if status == _UNAUTHORISED:
        return Fault("HTTP_401", "The token was refused.", status)
    if response.html:
        return Fault(f"HTTP_{status}", f"A page for people came in place of data (HTTP {status}).", status)
    return Fault(f"HTTP_{status}", f"The server answered HTTP {status} without saying why.", status)
