"""How this vendor words what an administrator has set up to stop a save: rules, triggers and locked rows."""

from __future__ import annotations

from crmsync.simulate import Automation, Lock, Trigger, Validation
from crmsync_salesforce.simulator.errors import Refusal

CPU_LIMIT = "LeadTrigger: System.LimitException: Apex CPU time limit exceeded"


def refuse(stops: Validation | Trigger | Lock) -> Refusal:
    """The vendor's error for what stands in the way of a save."""
    if isinstance(stops, Lock):
        text = f"unable to obtain exclusive access to this record or 1 records: {stops.id}"
        return Refusal("UNABLE_TO_LOCK_ROW", text, fields=[])
    if isinstance(stops, Trigger):
        code = stops.code or "CANNOT_INSERT_UPDATE_ACTIVATE_ENTITY"
        return Refusal(code, stops.message or CPU_LIMIT, fields=[])
    return Refusal("FIELD_CUSTOM_VALIDATION_EXCEPTION", stops.message, fields=[])


def nothing_set_up() -> Automation:
    """An org without any of it, yet."""
    return Automation(refuse)
