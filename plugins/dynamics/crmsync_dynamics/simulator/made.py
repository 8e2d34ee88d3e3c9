"""What is being made for a new environment: rows out of whole columns, and earlier rows for later ones to point at."""

from __future__ import annotations

from itertools import islice, repeat

from crmsync import simulate
from crmsync.simulate import Columns
from crmsync_dynamics.simulator.fields import Column, Ref, Row
from crmsync_dynamics.simulator.schema.picklists import CHOICES
from crmsync_dynamics.simulator.state import State


class Made(simulate.Made[Ref]):
    """What has been made so far, for later tables to point at."""

    state: State

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
        created, changed = self.spans(count)
        admin = Ref("systemuser", self.state.people.admin)
        return {
            "createdon": created,
            "modifiedon": changed,
            "createdby": repeat(admin, count),
            "modifiedby": repeat(admin, count),
            "ownerid": self.draw.choices(self.owners, count) if self.owners else repeat(admin, count),
        }

    def values(self, choice: str, count: int, share: float = 0.8) -> list[int | None]:
        """Values of a choice, with some left empty."""
        return self.draw.sometimes(self.draw.choices([one.value for one in CHOICES[choice]], count), share)
