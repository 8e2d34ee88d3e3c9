"""How far a step is, told after every page."""

from __future__ import annotations

import time
from collections.abc import Callable

from msgspec import Struct

from crmsync.store.batch import Step


class Progress(Struct, frozen=True, kw_only=True):
    """How far a step is. `total` and `seconds_left` are None where nobody can tell."""

    object: str
    operation: str
    done: int
    total: int | None = None
    seconds_left: float | None = None


Tell = Callable[[Progress], None]


class Teller:
    """Turns pages into progress with a time left."""

    def __init__(self, tell: Tell | None) -> None:
        self._tell = tell
        self._began: dict[tuple[str, str], float] = {}
        self._totals: dict[tuple[str, str], int] = {}

    def __call__(self, step: Step, total_: int | None) -> None:
        """A page of this step was stored."""
        if self._tell is None:
            return
        key = (step.object, step.operation)
        began = self._began.setdefault(key, time.monotonic())
        if total_ is not None:
            self._totals.setdefault(key, total_)
        done, whole = step.counts.touched + step.counts.skipped + step.counts.failed, self._totals.get(key)
        spent = time.monotonic() - began
        left = spent * (whole - done) / done if whole and done and spent else None
        self._tell(Progress(object=key[0], operation=key[1], done=done, total=whole, seconds_left=left))
