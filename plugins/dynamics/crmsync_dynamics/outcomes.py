"""What became of a change, from what the vendor said of its record: done, refused and what to do, later, or gone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from crmsync.connectors import concluding
from crmsync.writes import Change, Outcome, Result
from crmsync_dynamics.errors import HINTS as TO_GRANT
from crmsync_dynamics.errors import Fault, Policy, shorten
from crmsync_dynamics.items import Item
from crmsync_dynamics.tables import Table

_LATER = frozenset(
    {
        Policy.THROTTLED, Policy.RETRY, Policy.NARROW, Policy.LOGIN, Policy.STOP, Policy.FULL, Policy.MOVED,
        Policy.OBJECT, Policy.UNCONDITIONAL,
    }
)  # fmt: skip
_SECURED = re.compile(r"permissions for the ([\w, ]+?) secured")
_QUOTED = re.compile(r"'(_?\w+)'")
_ACCESS = "Give the user access to the record: a deeper role, a share, or another owner."
_UNIQUE = "Another record has this value already, which must be unique: link or merge the two."
_COLUMN = "Open the column to the user in a column security profile, or do not sync it."
_SHORTEN = "Shorten the value, or have the column made longer in the CRM."
_NUMBER = "Choose a number that fits the column's limits."
_CLOSED = "The record is closed in the CRM: reopen it there, then retry."
_LIST = "Look at the marketing list in the CRM: its lock, its kind, and whom it takes."
_MERGE = "Merge the records in the CRM, or take two that are active and not each other's parent."
_CURRENCY = "Give the record a currency in the CRM, then retry."
_DEAL = "Look at the opportunity's state in the CRM."
_REQUIRED = "Fill the columns named, or have a default set for them in the CRM."
_RULE = "A plug-in or workflow of the environment refused the record: its owner has to look at it, or change the value."

HINTS: Mapping[str, str] = MappingProxyType(
    {
        "0x80040231": "The new owner lacks a role for such records: give it one, or choose another.",
        "0x80048405": _ACCESS, "0x80048306": _ACCESS, "0x8004020d": _ACCESS, "0x80040256": _ACCESS,
        "0x80040220": _ACCESS,
        **dict.fromkeys(("0x8004f502", "0x8004f504", "0x8004f506", "0x8004f507"), _COLUMN),
        "0x8006089d": "Several records share the key: clear it on all but one.",
        "0x80040333": "The CRM has a record like it: link or merge the two, or allow duplicates and ask again.",
        "0x80060892": _UNIQUE, "0x80040237": _UNIQUE,
        "0x80040265": _RULE, "0x80040224": _RULE, "0x80044171": _RULE, "0x80044172": _RULE, "0x80044173": _RULE,
        "0x80081111": _RULE, "0x80044182": "Plug-ins of the environment call each other in a circle: see their owner.",
        "0x80040216": "The CRM failed on this record twice: see the message, change the value, or ask its vendor.",
        "0x80040200": _REQUIRED, "0x80040203": "Correct the value that the message names.",
        "0x80044331": _SHORTEN,
        "0x8004431a": "Choose one of the column's values, or have the value added in the CRM.",
        "0x8004432f": _NUMBER, "0x80044330": _NUMBER, "0x80040239": "Choose a date from 1753 on.",
        "0x80048408": "Choose a status reason that belongs to the state.",
        "0x80040230": _CLOSED, "0x8004022e": _CLOSED,
        "0x80040519": "The lead is closed: reopen it in the CRM, then ask again.",
        "0x80040518": "The lead is open already.",
        "0x80081018": "Give the user the right to create contacts.",
        "0x80040515": _DEAL, "0x8004051a": _DEAL, "0x80040516": _DEAL,
        "0x80040301": _LIST, "0x80040302": _LIST, "0x80048458": _LIST,
        "0x80045300": _MERGE, "0x80045301": "Give the user the right to merge and to write both records.",
        "0x80045302": _MERGE, "0x80045303": _MERGE, "0x80045304": _MERGE, "0x80045305": _MERGE,
        "0x80040517": "The account or contact that it belongs to is inactive: activate it in the CRM.",
        "0x80040227": "Other records of the CRM depend on it: see the message.",
        "0x80048d19": "A value is not one of its column's type: correct it.",
        "0x80040217": "The record that it refers to is gone: choose another.",
        "value": "Correct the value, then retry.",
        **{f"0x80048c{number:02x}": _CURRENCY for number in range(0xEA, 0xFC)},
    }
)  # fmt: skip
"""What to do next, by the code of a refusal."""

_REFUSED = "See the message, correct the record on either side, then retry."
_MOVED = "It is read again, merged with what is there now, and then sent."


def done(crm_id: str | None, **more: Any) -> Outcome:
    """A change that is in the CRM."""
    return Outcome(result=Result.DONE, crm_id=crm_id, **more)


def refused(code: str, message: str, *, hint: str = "", fields: tuple[str, ...] = ()) -> Outcome:
    """A change that the CRM would never take as it is."""
    return concluding.refused(code, shorten(message), hint or HINTS.get(code, _REFUSED), fields)


def _retry(code: str, message: str, hint: str = "", pause: float | None = None) -> Outcome:
    return Outcome(result=Result.RETRY, code=code, message=said(message), hint=hint, retry_after=pause)


def gone(change: Change, code: str, message: str) -> Outcome:
    """A change of a record that is not there: what was to end has ended."""
    return concluding.gone(change, code, shorten(message))


def of_fault(item: Item, fault: Fault, table: Table) -> Outcome:
    """The outcome of a change that the vendor did not do."""
    policy = fault.policy
    if policy is Policy.ABSENT and (item.id in fault.message.lower() or not fault.code.startswith("0x8")):
        return gone(item.change, fault.code, fault.message)
    if policy is Policy.STALE:
        if item.lost:
            return concluding.unknown(fault.code, f"It was sent, and the answer was lost: {fault.message}")
        return _retry(fault.code, f"The record was changed in the CRM meanwhile: {fault.message}", _MOVED)
    if policy in _LATER or (policy is Policy.PRIVILEGE and is_own(fault, table)):
        return _retry(fault.code, fault.message, TO_GRANT.get(fault.code, ""), item.retry_after)
    hint = f"Give the user's security role {fault.right}." if policy is Policy.PRIVILEGE and fault.right else ""
    return refused(fault.code, fault.message, hint=hint, fields=fields_of(item, fault, table))


def is_own(fault: Fault, table: Table) -> bool:
    """Whether a missing right is one on the table itself, so that it concerns all its records."""
    return fault.right.endswith(table.schema) and not fault.right.startswith("prvAppend")


def fields_of(item: Item, fault: Fault, table: Table) -> tuple[str, ...]:
    """The fields that a refusal is about, where it names their columns or what they refer to."""
    named = set(_QUOTED.findall(fault.message))
    for found in _SECURED.findall(fault.message):
        named |= {one.strip() for one in found.split(",")}
    lower = fault.message.lower()
    columns = {name: table.columns[name] for name in item.values if name in table.columns}
    return tuple(
        name
        for name, one in columns.items()
        if named & {one.attribute, one.wire, *one.navigation.values()}
        or (one.navigation and str(item.values[name]).lower() in lower)
    )


def said(message: str) -> str:
    """The vendor's words, short enough to be kept, without secrets."""
    return concluding.said(shorten(message))
