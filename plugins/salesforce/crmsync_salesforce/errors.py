"""Every error of the vendor, translated into what happens next. What to do about a refused record is in `outcomes`.

Unknown codes have the policy of their HTTP status: 4xx refuses, 5xx comes back later.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum, auto
from typing import Any

from msgspec import Struct, field

from crmsync.connectors import faults
from crmsync.errors import (
    CrmError,
    Denied,
    QuotaSpent,
    RouteStopped,
)


class Policy(Enum):
    """What happens next. The first five concern reading alone and are handled where the read is."""

    LOGIN = auto()  # renew the session once, then Denied
    CURSOR = auto()  # ask the query again from the last durable place
    NARROW = auto()  # the same with a smaller window or fewer ids
    CLAMP = auto()  # the window reaches behind the feed's memory
    MOVED = auto()  # a field is gone: SchemaMoved
    OBJECT = auto()  # an object is gone: RouteStopped
    ABSENT = auto()  # the resource or record is not there: RouteStopped for reads
    RETRY = auto()  # RetryLater
    RECORD = auto()  # RecordRefused
    STOP = auto()  # Denied, no login cures it
    QUOTA = auto()  # QuotaSpent, or RetryLater when only too many at once
    MISTAKE = auto()  # we asked wrongly: RouteStopped


_TABLE: dict[Policy, str] = {
    Policy.LOGIN: "INVALID_SESSION_ID",
    Policy.CURSOR: "INVALID_QUERY_LOCATOR INVALID_LOCATOR",
    Policy.NARROW: """QUERY_TIMEOUT REQUEST_RUNNING_TOO_LONG OPERATION_TOO_LARGE QUERY_TOO_COMPLICATED
        EXCEEDED_ID_LIMIT""",
    Policy.CLAMP: "INVALID_REPLICATION_DATE",
    Policy.MOVED: "INVALID_FIELD INVALID_FIELD_FOR_INSERT_UPDATE",
    Policy.OBJECT: "INVALID_TYPE INVALID_TYPE_FOR_OPERATION",
    Policy.ABSENT: "NOT_FOUND",
    Policy.RETRY: """SERVER_UNAVAILABLE UNKNOWN_EXCEPTION UNABLE_TO_LOCK_ROW FUNCTIONALITY_TEMPORARILY_UNAVAILABLE
        TOO_MANY_APEX_REQUESTS TOO_MANY_JOBS ALL_OR_NONE_OPERATION_ROLLED_BACK PROCESSING_HALTED
        PLATFORM_EVENT_PUBLISHING_UNAVAILABLE INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE ORG_IN_MAINTENANCE
        JOB_NOT_COMPLETE""",
    Policy.RECORD: """ENTITY_IS_DELETED ENTITY_IS_LOCKED ENTITY_IS_ARCHIVED INSUFFICIENT_ACCESS
        INSUFFICIENT_ACCESS_OR_READONLY INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY
        CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY CUSTOM_APEX_ERROR CANNOT_EXECUTE_FLOW_TRIGGER
        FIELD_CUSTOM_VALIDATION_EXCEPTION FIELD_FILTER_VALIDATION_EXCEPTION FIELD_INTEGRITY_EXCEPTION
        INVALID_CROSS_REFERENCE_KEY INVALID_CROSS_REFERENCE_TYPE_FOR_FIELD INVALID_ID_FIELD MALFORMED_ID
        REQUIRED_FIELD_MISSING MISSING_ARGUMENT STRING_TOO_LONG NUMBER_OUTSIDE_VALID_RANGE INVALID_EMAIL_ADDRESS
        JSON_PARSER_ERROR INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET DUPLICATE_VALUE
        DUPLICATE_EXTERNAL_ID DUPLICATES_DETECTED CANNOT_UPDATE_CONVERTED_LEAD INACTIVE_OWNER_OR_USER INVALID_OWNER
        TRANSFER_REQUIRES_READ INVALID_STATUS INVALID_OPERATION INVALID_PERSON_ACCOUNT_OPERATION DELETE_FAILED
        MIXED_DML_OPERATION""",
    Policy.STOP: """API_DISABLED_FOR_ORG API_CURRENTLY_DISABLED FUNCTIONALITY_NOT_ENABLED ORG_LOCKED
        CLIENT_NOT_ACCESSIBLE_FOR_USER LOGIN_MUST_USE_SECURITY_TOKEN TXN_SECURITY_NO_ACCESS TXN_SECURITY_APEX_ERROR
        TXN_SECURITY_END_A_SESSION TXN_SECURITY_FAIL_CLOSE TXN_SECURITY_METERING_ERROR TXN_SECURITY_RUNTIME_ERROR
        TXN_SECURITY_TWO_FA_REQUIRED STORAGE_LIMIT_EXCEEDED LIMIT_EXCEEDED""",
    Policy.QUOTA: "REQUEST_LIMIT_EXCEEDED",
    Policy.MISTAKE: """MALFORMED_QUERY INVALID_QUERY_FILTER_OPERATOR METHOD_NOT_ALLOWED UNSUPPORTED_MEDIA_TYPE
        NOT_ACCEPTABLE""",
}  # fmt: skip

POLICIES: dict[str, Policy] = {code: policy for policy, codes in _TABLE.items() for code in codes.split()}
"""What happens next, by the vendor's error code."""

_NEVER_CURED = (
    "not valid for use with the rest api", "not attached to", "api access not allowed", "api is not enabled",
)  # fmt: skip
_COLUMN = re.compile(r"No such column '([\w.]+)'|duplicate field selected: ([\w.]+)")

HINTS = {
    "API_DISABLED_FOR_ORG": "The org's edition, or the user's profile, has no API access: grant \"API Enabled\".",
    "API_CURRENTLY_DISABLED": 'Grant the user "API Enabled".',
    "CLIENT_NOT_ACCESSIBLE_FOR_USER": "Let the user use the connected app (its policy, or a permission set).",
    "LOGIN_MUST_USE_SECURITY_TOKEN": "Set security_token, or trust this machine's address in the org.",
    "ORG_LOCKED": "The org is locked; ask the vendor's support.",
    "STORAGE_LIMIT_EXCEEDED": "The org's data storage is full.",
}


class Fault(Struct, frozen=True):
    """One error as the vendor tells it."""

    code: str
    message: str
    fields: tuple[str, ...] = ()
    status: int = 0
    more: Mapping[str, Any] = field(default_factory=dict)  # what a duplicate rule found

    @property
    def policy(self) -> Policy:
        """What happens next."""
        if self.code in POLICIES:
            return POLICIES[self.code]
        if self.code.startswith("TXN_SECURITY_"):
            return Policy.STOP
        return Policy.RETRY if self.status >= 500 or self.status in (406, 420, 429) else Policy.MISTAKE  # noqa: PLR2004


class Faulty(faults.Faulty[Fault]):
    """The vendor answered with an error. Never leaves this package: `translate` turns it into ours."""

    @property
    def policy(self) -> Policy:
        """What happens next."""
        return self.fault.policy


def never_cured(fault: Fault) -> bool:
    """Whether a refused session is one that no new login would change."""
    lower = fault.message.lower()
    return any(text in lower for text in _NEVER_CURED)


def daily_limit(fault: Fault) -> bool:
    """Whether the day's calls are used up, rather than too many made at once."""
    lower = fault.message.lower()
    return "totalrequests" in lower or not ("concurrent" in lower or "burst" in lower)


_Make = Callable[[str, Faulty, str], CrmError]


def translate(error: Faulty, *, obj: str = "", record: str = "") -> CrmError:
    """Our error for the vendor's: what happened, to which object and record, what to do next."""
    said = faults.told(error, shorten(error.fault.message), obj=obj, record=record)
    make: _Make = _MAKE.get(error.policy, faults.later)
    return make(said, error, obj)


def _denied(said: str, error: Faulty, _: str) -> CrmError:
    return Denied(said, hint=_denied_hint(error.fault), code=error.fault.code)


def _quota(said: str, error: Faulty, _: str) -> CrmError:
    if daily_limit(error.fault):
        hint = "The org's API calls of the last 24 hours are used up; the sync goes on when there are calls again."
        return QuotaSpent(said, hint=hint, code=error.fault.code)
    return faults.later(said, error, hint="Lower `concurrency`.")


def _hidden(said: str, error: Faulty, obj: str) -> CrmError:
    hint = f'Grant the user "Read" on {obj or "the object"} (in a permission set), or disable it in objects.disable.'
    return RouteStopped(said, hint=hint, code=error.fault.code)


_MAKE: dict[Policy, _Make] = {
    Policy.LOGIN: _denied,
    Policy.STOP: _denied,
    Policy.QUOTA: _quota,
    Policy.MOVED: faults.moved,
    Policy.OBJECT: _hidden,
    Policy.ABSENT: _hidden,
    Policy.RECORD: faults.refused,
    Policy.MISTAKE: faults.mistaken,
}
"""Our error by policy; what is not here may work later."""


def _denied_hint(fault: Fault) -> str:
    if fault.code in HINTS:
        return HINTS[fault.code]
    if fault.code.startswith("TXN_SECURITY"):
        return "A transaction security policy of the org forbids this; exempt the integration user from it."
    if never_cured(fault):
        return "Give the connected app the `api` scope and the user API access; logging in again does not help."
    return "Log in anew: are the credentials still good, and is the user active?"


def lost_columns(fault: Fault) -> Sequence[str]:
    """Names of the columns an answer says it does not know."""
    return [name for found in _COLUMN.findall(fault.message) for name in found if name]


def shorten(message: str, most: int = 400) -> str:
    """A vendor's message without the query it echoes (which may hold values) and without its caret line."""
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    at = next((n for n, line in enumerate(lines) if line.startswith("ERROR at Row")), None)
    kept = lines[at + 1 :] if at is not None else [line for line in lines if line != "^"]
    return " ".join(kept or lines)[:most]
