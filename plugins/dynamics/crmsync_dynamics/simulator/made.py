"""What is being made for a new environment: rows out of whole columns, and earlier rows for later ones to point at."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import islice, repeat
from typing import Any

from crmsync.simulate.records import Draw
from crmsync_dynamics.simulator.fields import Column, Ref, Row
from crmsync_dynamics.simulator.schema.picklists import CHOICES
from crmsync_dynamics.simulator.state import State

Columns = dict[str, Iterable[Any]]
YEAR = 365
POOL = 4096


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """How much of what; `records` counts contacts beside those of the big account."""

    records: int
    seed: int
    big: int = 0
    duplicates: float = 0.02


@dataclass(slots=True)
class Made:
    """What has been made so far, for later tables to point at."""

    state: State
    draw: Draw
    plan: Plan
    refs: dict[str, list[Ref]] = field(default_factory=dict)
    stamps: list[str] = field(default_factory=list)
    owners: list[Ref] = field(default_factory=list)

    def add(self, name: str, count: int, columns: Columns) -> list[Ref]:
        """Make rows of a table out of columns; columns that are not given get their default."""
        table = self.state.tables[name]
        entity = table.entity
        identities = list(islice(self.state.ids, count))
        refs = [Ref(name, one) for one in identities]
        self.refs.setdefault(name, []).extend(refs)
        first = self.state.version + 1
        self.state.version += count
        whole: Columns = {entity.key: identities, "versionnumber": range(first, first + count)}
        whole |= {column: repeat(value, count) for column, value in self._defaults(entity.columns).items()}
        whole |= {key: one for key, one in self._audit(count).items() if key in entity.columns}
        whole |= columns
        names = tuple(whole)
        table.load(dict(zip(names, values, strict=True)) for values in zip(*whole.values(), strict=False))
        return refs

    def _defaults(self, columns: dict[str, Column]) -> Row:
        row = {name: one.default for name, one in columns.items() if one.default is not None and one.stored}
        if "statecode" in columns:
            row |= {"statecode": 0, "statuscode": columns["statecode"].options[0].status}
        return row

    def _audit(self, count: int) -> Columns:
        created = self.draw.choices(self.stamps, count)
        changed = self.draw.choices(self.stamps, count)
        admin = Ref("systemuser", self.state.people.admin)
        return {
            "createdon": [min(pair) for pair in zip(created, changed, strict=True)],
            "modifiedon": [max(pair) for pair in zip(created, changed, strict=True)],
            "createdby": repeat(admin, count),
            "modifiedby": repeat(admin, count),
            "ownerid": self.draw.choices(self.owners, count) if self.owners else repeat(admin, count),
        }

    def pick(self, name: str, count: int) -> list[Ref | None]:
        """Existing rows of a table, one per new row."""
        pool = self.refs.get(name)
        return list(self.draw.choices(pool, count)) if pool else [None] * count

    def values(self, choice: str, count: int, share: float = 0.8) -> list[int | None]:
        """Values of a choice, with some left empty."""
        return self.draw.sometimes(self.draw.choices([one.value for one in CHOICES[choice]], count), share)

    def days(self, count: int, low: int = -YEAR, high: int = 180) -> list[str]:
        """Plain dates around the present day."""
        today = self.state.now().date()
        step = max(1, (high - low) // 200)
        return self.draw.choices([str(today + timedelta(days=n)) for n in range(low, high, step)], count)
