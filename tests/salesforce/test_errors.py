"""Vendor's errors: each has its policy, ours say what to do, and none repeats a query with its values."""

import pytest

from crmsync.errors import ConnectionStopped, CrmError, Denied, QuotaSpent, RetryLater, RouteStopped, SchemaMoved
from crmsync.http import Response
from crmsync_salesforce import errors
from crmsync_salesforce.errors import POLICIES, Fault, Faulty, Policy
from crmsync_salesforce.faults import faulty

CODES = [
    "INVALID_SESSION_ID",
    "REQUEST_LIMIT_EXCEEDED",
    "SERVER_UNAVAILABLE",
    "UNKNOWN_EXCEPTION",
    "UNABLE_TO_LOCK_ROW",
    "QUERY_TIMEOUT",
    "REQUEST_RUNNING_TOO_LONG",
    "OPERATION_TOO_LARGE",
    "QUERY_TOO_COMPLICATED",
    "INVALID_QUERY_LOCATOR",
    "INVALID_LOCATOR",
    "MALFORMED_QUERY",
    "INVALID_QUERY_FILTER_OPERATOR",
    "INVALID_FIELD",
    "INVALID_TYPE",
    "NOT_FOUND",
    "ENTITY_IS_DELETED",
    "ENTITY_IS_LOCKED",
    "ENTITY_IS_ARCHIVED",
    "INSUFFICIENT_ACCESS",
    "INSUFFICIENT_ACCESS_OR_READONLY",
    "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY",
    "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY",
    "CUSTOM_APEX_ERROR",
    "CANNOT_EXECUTE_FLOW_TRIGGER",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION",
    "FIELD_FILTER_VALIDATION_EXCEPTION",
    "FIELD_INTEGRITY_EXCEPTION",
    "INVALID_CROSS_REFERENCE_KEY",
    "INVALID_CROSS_REFERENCE_TYPE_FOR_FIELD",
    "INVALID_ID_FIELD",
    "MALFORMED_ID",
    "REQUIRED_FIELD_MISSING",
    "MISSING_ARGUMENT",
    "STRING_TOO_LONG",
    "NUMBER_OUTSIDE_VALID_RANGE",
    "INVALID_EMAIL_ADDRESS",
    "JSON_PARSER_ERROR",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST",
    "TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET",
    "DUPLICATE_VALUE",
    "DUPLICATE_EXTERNAL_ID",
    "DUPLICATES_DETECTED",
    "CANNOT_UPDATE_CONVERTED_LEAD",
    "INACTIVE_OWNER_OR_USER",
    "INVALID_OWNER",
    "TRANSFER_REQUIRES_READ",
    "INVALID_FIELD_FOR_INSERT_UPDATE",
    "LIMIT_EXCEEDED",
    "STORAGE_LIMIT_EXCEEDED",
    "EXCEEDED_ID_LIMIT",
    "INVALID_REPLICATION_DATE",
    "TXN_SECURITY_NO_ACCESS",
    "TXN_SECURITY_APEX_ERROR",
    "TXN_SECURITY_END_A_SESSION",
    "TXN_SECURITY_FAIL_CLOSE",
    "TXN_SECURITY_METERING_ERROR",
    "TXN_SECURITY_RUNTIME_ERROR",
    "TXN_SECURITY_TWO_FA_REQUIRED",
    "API_DISABLED_FOR_ORG",
    "API_CURRENTLY_DISABLED",
    "FUNCTIONALITY_NOT_ENABLED",
    "FUNCTIONALITY_TEMPORARILY_UNAVAILABLE",
    "INSERT_UPDATE_DELETE_NOT_ALLOWED_DURING_MAINTENANCE",
    "ORG_IN_MAINTENANCE",
    "ORG_LOCKED",
    "TOO_MANY_APEX_REQUESTS",
    "TOO_MANY_JOBS",
    "METHOD_NOT_ALLOWED",
    "UNSUPPORTED_MEDIA_TYPE",
    "NOT_ACCEPTABLE",
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "PROCESSING_HALTED",
    "PLATFORM_EVENT_PUBLISHING_UNAVAILABLE",
    "CLIENT_NOT_ACCESSIBLE_FOR_USER",
    "LOGIN_MUST_USE_SECURITY_TOKEN",
]
"""Every code of the vendor's that a client of this kind can meet."""


def fault(code: str, message: str = "why", status: int = 400) -> Faulty:
    return Faulty(Fault(code, message, (), status))


def answer(status: int, body: bytes = b"") -> Response:
    return Response(status, {}, body, "https://acme.my.salesforce.com/services?q=SECRET", 0.0, 0.0)


@pytest.mark.parametrize("code", CODES)
def test_the_table_is_complete(code: str) -> None:
    """Every known code has a policy, and becomes one of our errors with the code and the object's name."""
    assert code in POLICIES
    found = errors.translate(fault(code), obj="Lead", record="00Q1")
    assert isinstance(found, CrmError)
    assert found.code == code
    assert "Lead" in found.message
    assert "00Q1" in found.message


def test_unknown_codes_go_by_their_status() -> None:
    """A code nobody has seen stops the object for a 4xx, and comes back later for a 5xx."""
    assert isinstance(errors.translate(fault("BRAND_NEW", status=400)), RouteStopped)
    assert isinstance(errors.translate(fault("BRAND_NEW", status=500)), RetryLater)
    assert isinstance(errors.translate(fault("TXN_SECURITY_NEW", status=400)), Denied)


def test_two_kinds_of_limit() -> None:
    """Rows 31 and 32 of the sheet: the day's limit ends the cycle, too many at once only slows it down."""
    daily = errors.translate(fault("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.", 403))
    assert isinstance(daily, QuotaSpent)
    many = errors.translate(fault("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded.", 403))
    assert isinstance(many, RetryLater)
    assert isinstance(errors.translate(fault("REQUEST_LIMIT_EXCEEDED", "who knows", 403)), QuotaSpent)


def test_fields_and_objects() -> None:
    """A lost field has the schema read again; a lost object says what to grant."""
    assert isinstance(errors.translate(fault("INVALID_FIELD"), obj="Lead"), SchemaMoved)
    lost = errors.translate(fault("INVALID_TYPE"), obj="Lead")
    assert isinstance(lost, RouteStopped)
    assert "Read" in lost.hint
    assert "Lead" in lost.hint


@pytest.mark.parametrize(
    "message", ["This session is not valid for use with the REST API", "The app is not attached to it"]
)
def test_sessions_that_no_login_cures(message: str) -> None:
    """Row 27 of the sheet: some refused sessions stay refused, and are not renewed."""
    assert errors.never_cured(Fault("INVALID_SESSION_ID", message))
    found = errors.translate(fault("INVALID_SESSION_ID", message, 401))
    assert isinstance(found, Denied)
    assert "scope" in found.hint


@pytest.mark.parametrize(
    ("status", "body", "policy"),
    [
        (503, b"<html><body>We are down for maintenance</body></html>", Policy.RETRY),
        (200, b"<!DOCTYPE html><p>Proxy log-in", Policy.RETRY),
        (414, b"<html>URI Too Long</html>", Policy.NARROW),
        (431, b"", Policy.NARROW),
        (406, b'[{"errorCode":"CustomNotAcceptable","message":"x"}]', Policy.RETRY),
        (420, b"", Policy.RETRY),
        (500, b"[]", Policy.RETRY),
        (401, b"", Policy.LOGIN),
        (400, b'{"exceptionCode":"InvalidSessionId","exceptionMessage":"Invalid session id"}', Policy.LOGIN),
        (404, b'{"errorCode":"NOT_FOUND","message":"gone"}', Policy.ABSENT),
    ],
)
def test_bodies_of_all_kinds(status: int, body: bytes, policy: Policy) -> None:
    """Rows 7, 8, 29 and 43 of the sheet: pages, bare objects and empty bodies are understood as well as arrays."""
    assert faulty(answer(status, body)).policy is policy


def test_messages_do_not_repeat_the_query() -> None:
    """The vendor echoes the query, whose values are nobody's business in a log; only the explanation stays."""
    query = "\nName FROM Lead WHERE Email = 'a@b.c'\n        ^\n"
    echo = f"{query}ERROR at Row:1:Column:8\nNo such column 'Nme' on entity 'Lead'."
    found = errors.translate(fault("INVALID_FIELD", echo), obj="Lead")
    assert "a@b.c" not in str(found)
    assert "No such column 'Nme'" in str(found)
    assert errors.lost_columns(Fault("INVALID_FIELD", echo)) == ["Nme"]
    assert isinstance(errors.translate(fault("ORG_LOCKED")), ConnectionStopped)
