"""How long a write that was put off waits, and when an object is given up because nearly everything is refused."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from msgspec import Struct, field

from crmsync.errors import RouteStopped
from crmsync.writes import Outcome

FIRST_WAIT = timedelta(seconds=30)
ENOUGH = 400  # outcomes, before most of them being refused stops an object
MOST = 0.9


def pause(tries: int, outcome: Outcome) -> timedelta:
    """How long a write waits that was put off so often before; what the CRM asked for is obeyed."""
    if outcome.retry_after is None:
        return FIRST_WAIT * 2.0**tries
    return timedelta(seconds=max(1.0, outcome.retry_after))


class Breaker(Struct):
    """What was refused of one object's changes, by the code of the refusal, and how many were answered."""

    object: str
    codes: Counter[str] = field(default_factory=Counter)
    told: int = 0

    def refused(self, code: str) -> None:
        """One change was refused."""
        self.codes[code] += 1

    def answered(self, number: int) -> None:
        """So many changes have their answers. Raises RouteStopped once most were refused."""
        self.told += number
        refused = self.codes.total()
        if self.told >= ENOUGH and refused > MOST * self.told:
            code, most = self.codes.most_common(1)[0]
            raise RouteStopped(
                f"{refused:,} of {self.told:,} changes of {self.object} were refused, {most:,} of them with {code}: "
                "the others wait.",
                hint="`crmsync errors` has each; `crmsync retry` sends them again once the cause is gone.",
                code=code,
            )
