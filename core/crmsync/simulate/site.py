"""What the HTTP side of any simulator keeps beside its data: counts, planted faults, and what is switched off."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import Struct, field

from crmsync.simulate.faults import FaultPlan
from crmsync.simulate.statistics import Statistics


class Site(Struct):
    """One running simulator; `dispatch` answers a call inside another one, refusals included.

    `org` is the data and what can happen in it: it has a `clock`, `settings` (a dataclass), the `automation` of its
    `state`, and `create`, `get`, `records` and `count`, all by an object's name.
    """

    org: Any
    dispatch: Callable[..., Any]
    faults: FaultPlan = field(default_factory=FaultPlan)
    statistics: Statistics = field(default_factory=Statistics)
    disabled: set[str] = field(default_factory=set)

    def mend(self) -> None:
        """Take all faults away, and switch everything on again."""
        self.faults.clear()
        self.disabled.clear()
