"""What is being made for a new org: rows out of whole columns, and earlier rows for later ones to point at."""

from __future__ import annotations

from itertools import islice, repeat
from typing import Any

from crmsync import simulate
from crmsync.simulate import Columns
from crmsync_salesforce.simulator.schema.picklists import PICKLISTS
from crmsync_salesforce.simulator.state import State


class Plan(simulate.Plan, frozen=True, kw_only=True):
    """How much of what an org has; `records` counts contacts beside those of the big account."""

    person_accounts: int = 0


class Made(simulate.Made[str]):
    """What has been made so far, for later objects to point at."""

    state: State
    plan: Plan

    def add(self, name: str, count: int, columns: Columns) -> list[str]:
        """Make rows of an object out of columns; fields without a column get their default."""
        identities = list(islice(self.state.fresh_ids(name), count))
        self.refs.setdefault(name, []).extend(identities)
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
        created, changed = self.spans(count)
        return {
            "CreatedDate": created,
            "LastModifiedDate": changed,
            "SystemModstamp": changed,
            "CreatedById": repeat(self.state.people.admin),
            "LastModifiedById": repeat(self.state.people.admin),
            "OwnerId": self.draw.choices(self.owners, count) if self.owners else repeat(self.state.people.admin),
        }

    def values(self, name: str, count: int, share: float = 0.8) -> list[str | None]:
        """Values of a picklist, with some left empty."""
        return self.draw.sometimes(self.draw.choices(PICKLISTS[name], count), share)


def _default(kind: str, default: Any) -> Any:
    return False if kind == "boolean" and default is None else default
