"""What became of a change, from what the vendor said of its record: done, refused and what to do, later, or gone."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from crmsync.connectors import concluding
from crmsync.writes import Change, Operation, Outcome, Result
from crmsync_salesforce.errors import HINTS as TO_GRANT
from crmsync_salesforce.errors import Fault, Policy, shorten
from crmsync_salesforce.query import whole_id

_GONE = frozenset({"ENTITY_IS_DELETED", "NOT_FOUND", "CANNOT_UPDATE_CONVERTED_LEAD"})
_DANGLING = "INVALID_CROSS_REFERENCE_KEY"  # of a record that refers to no other, it can only mean the record itself
LOCKED = "UNABLE_TO_LOCK_ROW"
_LATER = frozenset({Policy.RETRY, Policy.QUOTA, Policy.LOGIN, Policy.STOP, Policy.MOVED, Policy.OBJECT})
_AUTOMATION = frozenset({"CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY", "CUSTOM_APEX_ERROR", "CANNOT_EXECUTE_FLOW_TRIGGER"})
_CROWDED = (
    "unable_to_lock_row", "unable to obtain exclusive access", "cpu time limit", "governor", "limitexception",
    "too many soql", "too many dml", "too many query rows", "apex heap size",
)  # fmt: skip

_AUTOMATION_HINT = "A trigger or flow of the org refused the record: its owner has to look at it, or change the value."
_ACCESS = "Give the integration user access to the record or its object: edit rights, sharing, or record types."
_REFERENCE = "The id names no record that the user sees, or one of another object: choose another, or grant access."
_OWNER = "Choose an active user who may own such records; a queue only where the object has queues."
_SHORTEN = "Shorten the value, or have the field made longer in the CRM."
_NUMBER = "Choose a number that fits the field's digits."
_LOCKED = "Wait for the approval in the CRM, or unlock the record there, then retry."
_KNOWN_VALUE = "Choose one of the field's values, or have the value added in the CRM."

HINTS: Mapping[str, str] = MappingProxyType(
    {
        "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY": _AUTOMATION_HINT,
        "CUSTOM_APEX_ERROR": _AUTOMATION_HINT,
        "CANNOT_EXECUTE_FLOW_TRIGGER": _AUTOMATION_HINT,
        "FIELD_CUSTOM_VALIDATION_EXCEPTION": "A validation rule of the org refuses the values: correct them and retry.",
        "FIELD_FILTER_VALIDATION_EXCEPTION": "The look-up's filter in the org excludes this record: choose another.",
        "FIELD_INTEGRITY_EXCEPTION": "The values do not fit together, or an id is of the wrong object: correct them.",
        "INVALID_CROSS_REFERENCE_KEY": _REFERENCE,
        "INVALID_CROSS_REFERENCE_TYPE_FOR_FIELD": _REFERENCE,
        "INVALID_ID_FIELD": _REFERENCE,
        "MALFORMED_ID": _REFERENCE,
        "INSUFFICIENT_ACCESS": _ACCESS,
        "INSUFFICIENT_ACCESS_OR_READONLY": _ACCESS,
        "INSUFFICIENT_ACCESS_ON_CROSS_REFERENCE_ENTITY": (
            "The user may not use the record or owner this one points to: grant access to it, or leave it as it is."
        ),
        "TRANSFER_REQUIRES_READ": "The new owner may not read such records: grant that, or choose another.",
        "INACTIVE_OWNER_OR_USER": _OWNER,
        "INVALID_OWNER": _OWNER,
        "REQUIRED_FIELD_MISSING": "Fill the fields named, or have a default set for them in the CRM.",
        "MISSING_ARGUMENT": "Fill the fields named, or have a default set for them in the CRM.",
        "STRING_TOO_LONG": _SHORTEN,
        "NUMBER_OUTSIDE_VALID_RANGE": _NUMBER,
        "INVALID_EMAIL_ADDRESS": "Correct the e-mail address.",
        "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": _KNOWN_VALUE,
        "INVALID_STATUS": _KNOWN_VALUE,
        "TEXT_DATA_OUTSIDE_SUPPORTED_CHARSET": "Take out the characters that the CRM cannot hold.",
        "JSON_PARSER_ERROR": "A value is not one of its field's type: correct it.",
        "DUPLICATE_VALUE": "Another record has this value already, which must be unique: link or merge the two.",
        "DUPLICATE_EXTERNAL_ID": "Several records share the key: clear it on all but one.",
        "ENTITY_IS_LOCKED": _LOCKED,
        "ENTITY_IS_ARCHIVED": "The record is archived and cannot be changed any more.",
        "INVALID_PERSON_ACCOUNT_OPERATION": "Person accounts are merged in the CRM: merge them there.",
        "INVALID_FIELD": "The field is there, yet the CRM does not take it for this record: check its layout.",
        "INVALID_FIELD_FOR_INSERT_UPDATE": "Grant the user edit rights on the fields named, or block their updates.",
        "DELETE_FAILED": "Something in the CRM still depends on the record: see the message.",
        "MIXED_DML_OPERATION": "A flow or trigger of the org writes setup records along: its owner has to look at it.",
        "value": "Correct the value, then retry.",
    }
)  # fmt: skip
"""What to do next, by the code of a refusal."""

_NEEDS_OWNER = "A lead that belongs to a queue is converted only for a user: name an owner."
_CONVERTING = "The new contact, account or opportunity was refused: fill the lead's fields that the org maps to theirs."
_HINTS_OF: Mapping[tuple[Operation, str], str] = MappingProxyType(
    {
        (Operation.CONVERT, "INVALID_OWNER"): _NEEDS_OWNER,
        (Operation.CONVERT, "REQUIRED_FIELD_MISSING"): _CONVERTING,
        (Operation.CONVERT, "FIELD_CUSTOM_VALIDATION_EXCEPTION"): _CONVERTING,
        (Operation.CONVERT, "INVALID_STATUS"): "Choose a lead status that means converted.",
        (Operation.MERGE, "INVALID_OPERATION"): "Only leads, contacts and accounts are merged, each among themselves.",
    }
)

_REFUSED = "See the message, correct the record on either side, then retry."


def done(crm_id: str | None, **more: Any) -> Outcome:
    """A change that is in the CRM."""
    return Outcome(result=Result.DONE, crm_id=whole_id(crm_id) if crm_id else None, **more)


def refused(code: str, message: str, *, hint: str = "", fields: tuple[str, ...] = ()) -> Outcome:
    """A change that the CRM would never take as it is."""
    return concluding.refused(code, shorten(message), hint or HINTS.get(code, _REFUSED), fields)


def unknown(code: str, message: str) -> Outcome:
    """A change that was sent and has no answer."""
    return concluding.unknown(code, shorten(message))


def of_fault(fault: Fault, change: Change, *, refers: bool = True) -> Outcome:
    """The outcome of a record that the vendor did not write; `refers` is whether its values refer to other records."""
    if fault.code in _GONE or (fault.code == _DANGLING and change.operation is Operation.UPDATE and not refers):
        return concluding.gone(change, fault.code, shorten(fault.message))
    if fault.policy in _LATER or crowded(fault):
        hint = TO_GRANT.get(fault.code, "")
        return Outcome(
            result=Result.RETRY, code=fault.code, message=said(fault.message), hint=hint, fields=fault.fields
        )
    if fault.code == "DUPLICATES_DETECTED":
        return _duplicates(fault)
    hint = _HINTS_OF.get((change.operation, fault.code), "")
    return refused(fault.code, fault.message, hint=hint, fields=fault.fields)


def crowded(fault: Fault) -> bool:
    """Whether a smaller call, or a later one, may succeed: a lock, or a limit that all records of a call share."""
    if fault.code == LOCKED:
        return True
    lower = fault.message.lower()
    return fault.code in _AUTOMATION and any(text in lower for text in _CROWDED)


def said(message: str) -> str:
    """The vendor's words, short enough to be kept, without secrets."""
    return concluding.said(shorten(message))


def _duplicates(fault: Fault) -> Outcome:
    ids = [str(found.get("Id")) for found in _matched(fault.more) if found.get("Id")]
    names = f" The CRM takes it for {', '.join(ids[:5])}." if ids else ""
    if fault.more.get("allowSave") is False:
        hint = "A duplicate rule of the org blocks the record: link it to the one that is there, or merge the two."
    else:
        hint = "A duplicate rule of the org warns: link it to the one that is there, or allow duplicates and retry."
    return refused(fault.code, fault.message + names, hint=hint, fields=fault.fields)


def _matched(detail: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    try:
        return [one["record"] for match in detail.get("matchResults") or () for one in match.get("matchRecords") or ()]
    except (KeyError, TypeError, AttributeError):
        return []
