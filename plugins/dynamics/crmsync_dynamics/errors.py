"""Every error of the vendor, translated into what happens next. What to do about a refused record is in `outcomes`.

Codes are hexadecimal in lower case. Unknown ones have the policy of their HTTP status: 4xx refuses, 5xx comes back
later.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum, auto

from msgspec import Struct

from crmsync.connectors import faults
from crmsync.errors import CrmError, Denied, RouteStopped


class Policy(Enum):
    """What happens next. The first six concern reading alone and are handled where the read is."""

    LOGIN = auto()  # renew the token once, then Denied
    EXPIRED = auto()  # the delta link is too old: read everything anew
    UNTRACKED = auto()  # the table has no change tracking: go by stamps
    CURSOR = auto()  # ask from the beginning again
    NARROW = auto()  # the same with smaller pages
    MOVED = auto()  # a column is gone: SchemaMoved
    OBJECT = auto()  # a table is gone: RouteStopped
    PRIVILEGE = auto()  # a right on a table is missing: RouteStopped
    SECURED = auto()  # a column may not be touched: RecordRefused, or without the column
    ABSENT = auto()  # the record, or one that it refers to, is not there
    THERE = auto()  # the record, or its key, is there already
    STALE = auto()  # somebody changed the record meanwhile
    UNCONDITIONAL = auto()  # the table takes no versions: write without
    THROTTLED = auto()  # wait as long as the server says
    RETRY = auto()  # RetryLater
    ONCE = auto()  # RetryLater the first time, then RecordRefused
    RECORD = auto()  # RecordRefused
    STOP = auto()  # Denied, no log-in cures it
    FULL = auto()  # nothing can be written any more: Denied
    MISTAKE = auto()  # we asked wrongly: RouteStopped


_TABLE: dict[Policy, str] = {
    Policy.LOGIN: "0x8004a101 0x80041d52",
    Policy.EXPIRED: "0x80044352",
    Policy.UNTRACKED: "0x80072491 0x80072492",
    Policy.CURSOR: "0x80041129 0x8004112a",
    Policy.NARROW: "0x80048544 0x80044151 0x8004e023",
    Policy.MOVED: "0x80041103",
    Policy.OBJECT: "0x80041102",
    Policy.PRIVILEGE: "0x80040220",
    Policy.SECURED: "0x8004f502 0x8004f504 0x8004f506 0x8004f507",
    Policy.ABSENT: "0x80040217 0x80060891",
    Policy.THERE: "0x80060892 0x80040237",
    Policy.STALE: "0x80060882",
    Policy.UNCONDITIONAL: "0x80060883 0x8006088d",
    Policy.THROTTLED: "0x80072322 0x80072321 0x80072326 0x8005f103",
    Policy.RETRY: "0x80072323 0x80072324 0x8004a001 0x80044150 0x80044339 0x80071151 0x8004a104",
    Policy.ONCE: "0x80040216 0x80040224 0x80044171 0x80044172 0x80044173 0x80081111",
    Policy.RECORD: """0x80040231 0x80048405 0x80048306 0x8004020d 0x80040256 0x8006089d 0x80040333 0x80040265
        0x80040200 0x80040203 0x80044331 0x8004431a 0x8004432f 0x80044330 0x80040239 0x80048408 0x80040230 0x8004022e
        0x80040519 0x80040518 0x80081018 0x80040515 0x8004051a 0x80040516 0x80040301 0x80040302 0x80048458 0x80045300
        0x80045301 0x80045302 0x80045303 0x80045304 0x80045305 0x80040517 0x80040227 0x80048cea 0x80048ceb 0x80048cec
        0x80048ced 0x80048cee 0x80048cef 0x80048cf0 0x80048cf1 0x80048cf2 0x80048cf3 0x80048cf4 0x80048cf5 0x80048cf6
        0x80048cf7 0x80048cf8 0x80048cf9 0x80048cfa 0x80048cfb 0x80044182""",
    Policy.STOP: "0x80072560 0x80042f09 0x8004a112 0x8004a110 0x80040204",
    Policy.FULL: "0x80072325",
    Policy.MISTAKE: "0x80060890 0x8006088a 0x80060888 0x80048d19",
}

POLICIES: dict[str, Policy] = {code: policy for policy, codes in _TABLE.items() for code in codes.split()}
"""What happens next, by the vendor's error code."""

NO_COLUMN, NO_SEGMENT, OLD_STAMP = "find a property named", "not found for the segment", "version stamp"
NO_PROPERTY = "invalid property"
ROW_RIGHT = "for record with id"

_SAID: tuple[tuple[str, str, Policy], ...] = (
    ("0x0", NO_COLUMN, Policy.MOVED),
    ("0x0", NO_PROPERTY, Policy.MOVED),
    ("0x8006088a", NO_SEGMENT, Policy.OBJECT),
    ("0x80060888", NO_SEGMENT, Policy.OBJECT),
    ("0x80040220", ROW_RIGHT, Policy.RECORD),
)
"""Codes that mean several things, told apart by what is said with them."""

_STATUS: dict[int, Policy] = {
    401: Policy.LOGIN, 403: Policy.PRIVILEGE, 404: Policy.ABSENT, 408: Policy.RETRY, 412: Policy.STALE,
    413: Policy.RECORD, 414: Policy.NARROW, 429: Policy.THROTTLED, 431: Policy.NARROW,
    501: Policy.MISTAKE,
}  # fmt: skip
_SERVER = 500

HINTS = {
    "0x80072560": "Add the app registration as an application user of this environment, and give it a security role.",
    "0x80042f09": "Give the application user a security role.",
    "0x8004a112": "The user is disabled: enable it in the environment.",
    "0x8004a110": "The user may not act for others: give it the role Delegate, or log in as itself.",
    "0x8004a104": "The environment is disabled or in administration mode.",
    "0x80072325": "The environment's storage is full.",
    "0x80040204": "The environment does not take this user: is it an application user with a role?",
}
_COLUMN = re.compile(r"property named '([\w.]+)'|attribute (?:with name |')?'?(\w+)'? ", re.IGNORECASE)
_RIGHT = re.compile(r"missing (prv\w+) privilege")


class Fault(Struct, frozen=True):
    """One error as the vendor tells it; `name` is the platform's own word for it, where it tells."""

    code: str
    message: str
    status: int = 0
    name: str = ""

    @property
    def policy(self) -> Policy:
        """What happens next."""
        lower = self.message.lower()
        for code, said, policy in _SAID:
            if self.code == code and said in lower:
                return policy
        if self.code in POLICIES:
            return POLICIES[self.code]
        if OLD_STAMP in lower and self.status < _SERVER:
            return Policy.EXPIRED
        return _STATUS.get(self.status) or (Policy.RETRY if self.status >= _SERVER else Policy.MISTAKE)

    @property
    def right(self) -> str:
        """The privilege that is missing, as "prvReadLead"; empty where the vendor does not say."""
        found = _RIGHT.search(self.message)
        return found[1] if found else ""


class Faulty(faults.Faulty[Fault]):
    """The vendor answered with an error. Never leaves this package: `translate` turns it into ours."""

    @property
    def policy(self) -> Policy:
        """What happens next."""
        return self.fault.policy


def hexadecimal(code: object) -> str:
    """A code in the one spelling used here; the vendor also gives it as a signed number, or not at all."""
    text = str(code if code is not None else "").strip().lower()
    if text.lstrip("-").isdigit():
        return f"0x{int(text) & 0xFFFFFFFF:08x}" if int(text) else "0x0"
    return text or "0x0"


def translate(error: Faulty, *, obj: str = "", record: str = "") -> CrmError:
    """Our error for the vendor's: what happened, to which object and record, what to do next."""
    said = faults.told(error, shorten(error.fault.message), obj=obj, record=record)
    return _MAKE.get(error.policy, _later)(said, error, obj)


def _denied(said: str, error: Faulty, _: str) -> CrmError:
    hint = HINTS.get(error.fault.code, "Log in anew: are the credentials still good, and is the user enabled?")
    return Denied(said, hint=hint, code=error.fault.code)


def _hidden(said: str, error: Faulty, obj: str) -> CrmError:
    hint = f"Is the app that brings {obj or 'the table'} installed? If not, disable it in objects.disable."
    return RouteStopped(said, hint=hint, code=error.fault.code)


def _unprivileged(said: str, error: Faulty, obj: str) -> CrmError:
    right = error.fault.right or f"read access to {obj or 'the table'}"
    hint = f"Give the user's security role {right} for the whole organisation, or disable it in objects.disable."
    return RouteStopped(said, hint=hint, code=error.fault.code)


def _later(said: str, error: Faulty, _: str) -> CrmError:
    return faults.later(said, error, hint=HINTS.get(error.fault.code, ""))


_MAKE: dict[Policy, Callable[[str, Faulty, str], CrmError]] = {
    Policy.LOGIN: _denied,
    Policy.STOP: _denied,
    Policy.FULL: _denied,
    Policy.MOVED: faults.moved,
    Policy.OBJECT: _hidden,
    Policy.PRIVILEGE: _unprivileged,
    Policy.SECURED: faults.refused,
    Policy.ABSENT: faults.refused,
    Policy.THERE: faults.refused,
    Policy.STALE: faults.refused,
    Policy.UNCONDITIONAL: faults.refused,
    Policy.RECORD: faults.refused,
    Policy.MISTAKE: faults.mistaken,
    Policy.UNTRACKED: faults.mistaken,
}
"""Our error by policy; what is not here may work later."""


def lost_columns(fault: Fault) -> list[str]:
    """Names of the columns an answer says it does not know."""
    return [name for found in _COLUMN.findall(fault.message) for name in found if name]


def shorten(message: str, most: int = 400) -> str:
    """A vendor's message on one line; what it says of the caller's context behind the first sentences is left out."""
    text = " ".join(message.split())
    return text.split(" context.Caller=", 1)[0][:most]
