"""What an administrator has set up: plug-ins that refuse or fail, columns that every save sets, locks, workflows."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar

from msgspec import Struct

from crmsync.simulate import Automation as Planted
from crmsync.simulate import Lock, Trigger, Validation
from crmsync_dynamics.simulator.errors import Refusal
from crmsync_dynamics.simulator.fields import Ref, Row

SYNC_FILTER = "sync_filter"
CRASH = "An unexpected error occurred from ISV code. (ErrorType = ClientError) Unexpected exception from plug-in."


class Workflow(Struct, frozen=True, kw_only=True):
    """A workflow that runs so many seconds after the save; 0 is at once, as part of it."""

    name: str
    delay: float = 0

    def __post_init__(self) -> None:
        """Refuse a workflow that is not known, in time."""
        if self.name != SYNC_FILTER:
            raise ValueError(f"no workflow is named {self.name}; there is {SYNC_FILTER}")


class Automation(Planted):
    """All of it, as the control path plants it, with `workflows` beside what every CRM has.

    `due` are the workflows that wait: when they run, for which row, and that row as it was before its save.
    """

    KINDS: ClassVar[dict[str, type[Any]]] = {**Planted.KINDS, "workflows": Workflow}

    def __init__(self) -> None:
        super().__init__(refuse)
        self.due: list[tuple[datetime, Ref, Row]] = []

    @property
    def sync_filter(self) -> Workflow | None:
        """The workflow that keeps the sync filter by the e-mail address, when there is one."""
        return next(iter(self.planted("workflows")), None)


def refuse(stops: Validation | Trigger | Lock) -> Refusal:
    """The vendor's error for what stands in the way of a save: a business rule, a plug-in's failure, a deadlock."""
    if isinstance(stops, Lock):
        text = f"Generic SQL error. Transaction was deadlocked on lock resources of {stops.id} (Error 1205)."
        return Refusal("0x80044150", text)
    if isinstance(stops, Trigger):
        return Refusal(stops.code or "0x80040224", stops.message or CRASH)
    return Refusal("0x80040265", stops.message)
