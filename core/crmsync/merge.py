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


def decide(base: Value, local: Value, crm: Value, winner: Winner) -> Decision:
    """Settle one field. Losing values are the caller's to journal."""
    if crm == local:
        return Decision.SETTLED
    if crm == base:
        return Decision.KEEP
    return Decision.TAKE if winner is Winner.CRM else Decision.REBASE
