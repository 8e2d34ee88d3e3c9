"""What is being made for a new org: how much of what, and earlier records for later ones to point at."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Generic, TypeVar

from msgspec import Struct, field

from crmsync.simulate.records import Draw

R = TypeVar("R")

Columns = dict[str, Iterable[Any]]
YEAR = 365
POOL = 4096


class Plan(Struct, frozen=True, kw_only=True):
    """How much of what; `records` counts contacts beside those of the big account."""

    records: int
    seed: int
    big: int = 0
    duplicates: float = 0.02

    @property
    def accounts(self) -> int:
        """Companies, one for every five contacts."""
        return max(1, self.records // 5)

    @property
    def leads(self) -> int:
        """People nobody deals with yet, one for every two contacts."""
        return self.records // 2

    @property
    def deals(self) -> int:
        """Opportunities; and as many activities."""
        return self.records // 5

    @property
    def campaigns(self) -> int:
        """Campaigns, of hundreds of contacts each."""
        return max(3, self.records // 500)

    @property
    def customs(self) -> int:
        """Records of a custom object."""
        return self.records // 4


class Made(Struct, Generic[R]):
    """What has been made so far: `refs` to it by an object's name, who owns it, and the stamps it draws from."""

    state: Any
    draw: Draw
    plan: Plan
    refs: dict[str, list[R]] = field(default_factory=dict)
    stamps: list[str] = field(default_factory=list)
    owners: list[R] = field(default_factory=list)

    def draw_stamps(self, spell: Callable[[datetime], str]) -> None:
        """Draw moments of the last year, which everything made is stamped with."""
        now = self.state.now().replace(microsecond=0)
        count = max(8, min(POOL, self.plan.records * 4))
        self.stamps = sorted(self.draw.moments(now, YEAR, count, spell))

    def spans(self, count: int) -> tuple[list[str], list[str]]:
        """When each of so many new records was made, and when it was changed last."""
        pairs = list(zip(self.draw.choices(self.stamps, count), self.draw.choices(self.stamps, count), strict=True))
        return [min(pair) for pair in pairs], [max(pair) for pair in pairs]

    def pick(self, name: str, count: int) -> list[R | None]:
        """Existing records of an object, one per new record."""
        pool = self.refs.get(name)
        return list(self.draw.choices(pool, count)) if pool else [None] * count

    def days(self, count: int, low: int = -YEAR, high: int = 180) -> list[str]:
        """Plain dates around the present day."""
        today, step = self.state.now().date(), max(1, (high - low) // 200)
        return self.draw.choices([str(today + timedelta(days=n)) for n in range(low, high, step)], count)


@contextmanager
def without_collecting() -> Iterator[None]:
    """Keep the collector off: nothing made here is garbage, and looking for it takes longer than making it."""
    collecting = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if collecting:
            gc.enable()
