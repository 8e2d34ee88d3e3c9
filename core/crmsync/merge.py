"""Three-way merge of one field: the base both sides last agreed on, the local value, the CRM's value."""

from __future__ import annotations

from enum import Enum

from crmsync.model import Value, Winner


class Decision(Enum):
    """What becomes of a field that has a local edit when the CRM's value is read."""

    KEEP = "local-edit"  # the CRM did not move: the local value stays, the edit too
    SETTLED = "both-same"  # both moved to one value: the edit ends
    TAKE = "crm-wins"  # both moved apart, or a rule says so: the CRM's value is taken, the edit ends
    REBASE = "marketing-wins"  # both moved apart: the local value stays, on the CRM's value as new base
    CONFLICT = "manual"  # both moved apart, and a person has to decide: neither moves until then


def decide(base: Value, local: Value, crm: Value, winner: Winner, *, local_is_newer: bool = False) -> Decision:
    """Settle one field. Losing values are the caller's to journal."""
    if crm == local:
        return Decision.SETTLED
    if crm == base:
        return Decision.KEEP
    if winner is Winner.MANUAL:
        return Decision.CONFLICT
    ours = winner is Winner.MARKETING or (winner is Winner.NEWEST and local_is_newer)
    return Decision.REBASE if ours else Decision.TAKE
