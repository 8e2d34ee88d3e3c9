"""What is being made for a new org: rows out of whole columns, and earlier rows for later ones to point at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import islice, repeat
from typing import Any

from crmsync.simulate.records import Draw
from crmsync_salesforce.simulator import moments
from crmsync_salesforce.simulator.schema.picklists import PICKLISTS
from crmsync_salesforce.simulator.state import State

Columns = dict[str, Iterable[Any]]
YEAR = 365
POOL = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of what; `records` counts contacts beside those of the big account."""

    records: int
    seed: int
    big: int = 0
    person_accounts: int = 0
    duplicates: float = 0.02


@dataclass(slots=True)
class Made:
    """What has been made so far, for later objects to point at."""

    state: State
    draw: Draw
    plan: Plan
    ids: dict[str, list[str]] = field(default_factory=dict)
    stamps: list[str] = field(default_factory=list)
    owners: list[str] = field(default_factory=list)

    def add(self, name: str, count: int, columns: Columns) -> list[str]:
        """Make rows of an object out of columns; fields without a column get their default."""
        identities = list(islice(self.state.fresh_ids(name), count))
        self.ids.setdefault(name, []).extend(identities)
        table = self.state.tables[name]
        whole = {"Id": identities, **self._audit(count), **columns}
        ordered = [
            whole[key]
            if key in whole
            else repeat(_default(table.kind.fields[key].type, table.kind.fields[key].default))
            for key in table.columns
        ]
        table.load(map(list, zip(*ordered))) if count else None  # noqa: B905 - repeated defaults have no end
        return identities

    def _audit(self, count: int) -> Columns:
        created = self.draw.choices(self.stamps, count)
        changed = self.draw.choices(self.stamps, count)
        latest = [max(pair) for pair in zip(created, changed, strict=True)]
        return {
            "CreatedDate": [min(pair) for pair in zip(created, changed, strict=True)],
            "LastModifiedDate": latest,
            "SystemModstamp": latest,
            "CreatedById": repeat(self.state.people.admin),
            "LastModifiedById": repeat(self.state.people.admin),
            "OwnerId": self.draw.choices(self.owners, count) if self.owners else repeat(self.state.people.admin),
        }

    def pick(self, name: str, count: int) -> list[str | None]:
        """Existing ids of an object, one per new record."""
        pool = self.ids.get(name)
        return list(self.draw.choices(pool, count)) if pool else [None] * count

    def values(self, name: str, count: int, share: float = 0.8) -> list[str | None]:
        """Values of a picklist, with some left empty."""
        return self.draw.sometimes(self.draw.choices(PICKLISTS[name], count), share)

    def days(self, count: int, low: int = -YEAR, high: int = 180) -> list[str]:
        """Dates around the present day."""
        today = moments.day(self.state.now())
        pool = [f"{today + moments.days(n):%Y-%m-%d}" for n in range(low, high, max(1, (high - low) // 200))]
        return self.draw.choices(pool, count)


def _default(kind: str, default: Any) -> Any:
    return False if kind == "boolean" and default is None else default
