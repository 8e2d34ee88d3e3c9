"""The seeded draw behind every simulator's data: whole columns at a time, because that is what makes it fast."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

from crmsync.simulate.names import COMPANY_WORDS, CULTURES, Culture
from crmsync.simulate.texts import PARAGRAPHS

T = TypeVar("T")

_SECONDS_A_DAY = 86_400


class Draw:
    """Columns of fictional values, the same for the same seed and the same order of calls."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def choices(self, pool: Sequence[T], count: int) -> list[T]:
        """One value of the pool per record."""
        return self._random.choices(pool, k=count) if count else []

    def sometimes(self, values: Sequence[T], share: float) -> list[T | None]:
        """The values, with all but a share of them left out."""
        draw = self._random.random
        return [value if draw() < share else None for value in values]

    def chances(self, share: float, count: int) -> list[bool]:
        """True for about a share of the records."""
        draw = self._random.random
        return [draw() < share for _ in range(count)]

    def whole(self, low: int, high: int, count: int) -> list[int]:
        """Whole numbers from low to high inclusive."""
        draw, width = self._random.random, high - low + 1
        return [low + int(draw() * width) for _ in range(count)]

    def money(self, low: float, high: float, count: int, places: int = 2) -> list[float]:
        """Amounts between low and high."""
        draw, width = self._random.random, high - low
        return [round(low + draw() * width, places) for _ in range(count)]

    def seconds(self, days: int, count: int) -> list[int]:
        """Ages in whole seconds, from one hour up to some days."""
        return self.whole(3600, days * _SECONDS_A_DAY, count)

    def moments(self, before: datetime, days: int, count: int, spell: Callable[[datetime], str]) -> list[str]:
        """Moments within some days before another one, each spelled by the caller."""
        return [spell(before - timedelta(seconds=age)) for age in self.seconds(days, count)]

    def people(self, count: int) -> list[tuple[Culture, str, str]]:
        """A culture with a given and a family name of it, per person."""
        draw = self._random.random
        cultures = self.choices(CULTURES, count)
        return [
            (one, one.given[int(draw() * len(one.given))], one.family[int(draw() * len(one.family))])
            for one in cultures
        ]

    def companies(self, count: int) -> list[tuple[Culture, str]]:
        """A culture with a company name in its manner, numbered so that names differ."""
        cultures = self.choices(CULTURES, count)
        words = self.choices(COMPANY_WORDS, count)
        draw = self._random.random
        return [
            (one, f"{word} {one.family[int(draw() * len(one.family))]} {one.suffixes[int(draw() * len(one.suffixes))]}")
            for one, word in zip(cultures, words, strict=True)
        ]

    def texts(self, count: int) -> list[str]:
        """A paragraph or two, some with line breaks, quotes, commas and emoji."""
        return self.choices(PARAGRAPHS, count)

    def shuffled(self, values: Sequence[T]) -> list[T]:
        """The values in another order."""
        return self._random.sample(values, len(values))
