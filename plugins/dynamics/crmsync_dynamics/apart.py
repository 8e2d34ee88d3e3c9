"""The rows of one page told apart: records, and what was merged, qualified or is none of the object any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from crmsync.model import Field, Gone, Merged, Row, Type, Value
from crmsync_dynamics.behind import Behind
from crmsync_dynamics.decode import SLICE, Decoded, Values
from crmsync_dynamics.filters import failing
from crmsync_dynamics.routes import NEEDED, STAMP, STATE
from crmsync_dynamics.tables import Column

if TYPE_CHECKING:
    from crmsync_dynamics.reading import Reader

QUALIFIED = 1
MASTER, MERGED, LEAD = "masterid", "merged", "lead"
NUMBERED = Column(field=Field(name="statecode#", type=Type.INTEGER), wire=STATE)
"""The state of a lead as a number, since its label is anybody's choice."""

BECAME = ("contactid", "parentcontactid")
"""Where a qualified lead tells the contact that it became."""

_CUSTOMERS = ("customerid_account", "customerid_contact")


class Apart:
    """One page while it is looked through. Each step leaves rows out; `rows` has what stays."""

    def __init__(self, reader: Reader, found: Decoded) -> None:
        self._reader, self._found = reader, found
        self._behind = Behind(reader.session, reader.meter)
        self._out: set[int] = set()

    def _values(self, name: str) -> Values:
        return self._found.columns[self._reader.at(name)]

    @property
    def ids(self) -> Values:
        """The ids of all rows of the page."""
        return self._values(self._reader.key.field.name)

    def leave_out(self) -> None:
        """Leave out what fails the conditions of the read, also where a plain server does not test them."""
        if self._reader.client.features.plain and self._reader.query.ids:
            wanted = set(self._reader.query.ids)
            self._out |= {at for at, one in enumerate(self.ids) if one not in wanted}
        if self._found.count:
            for one in self._reader.query.where:
                self._out |= failing(one, self._values(one.field))

    async def merged(self) -> list[Merged]:
        """Losers of merges, which stay and name their master. A master that is not synced ends nothing here (R-306)."""
        if not self._reader.has(MASTER) or not self._found.count:
            return []
        masters = self._values(MASTER)
        ours = [at for at, master in enumerate(masters) if master is not None and at not in self._out]
        synced = {str(masters[at]) for at in ours}
        if synced and self._reader.query.where:
            synced = await self._behind.synced(self._reader.known.table, synced)
        self._out.update(ours)
        return [self._ended(at, str(masters[at]), self._reader.object) for at in ours if str(masters[at]) in synced]

    def unneeded(self) -> list[Gone]:
        """Rows that are no such thing (any more).

        A customer that is an account is no role, and who was merged into a record that is deleted since is nobody.
        """
        needed = [self._values(one) for one in NEEDED.get(self._reader.object, ())] if self._found.count else []
        ours = {at for values in needed for at, value in enumerate(values) if value is None}
        if self._found.count and self._reader.has(MERGED):
            ours |= {at for at, value in enumerate(self._values(MERGED)) if value}
        ours -= self._out
        self._out |= ours
        ids, stamps = self.ids, self._values(STAMP)
        return [Gone(str(ids[at]), _text(stamps[at])) for at in sorted(ours)]

    async def qualified(self) -> list[Merged]:
        """Leads that became contacts which are synced themselves; others stay leads with their last values."""
        if self._reader.object != LEAD or not self._reader.has(NUMBERED.field.name) or not self._found.count:
            return []
        states = self._values(NUMBERED.field.name)
        ours = [at for at, state in enumerate(states) if state == QUALIFIED and at not in self._out]
        told = {str(self.ids[at]): self._told(at) for at in ours}
        became = await self._behind.contacts_of(told) if told else {}
        ended = [at for at in ours if str(self.ids[at]) in became]
        self._out.update(ended)
        return [self._ended(at, became[str(self.ids[at])], "contact", "converted") for at in ended]

    def _told(self, at: int) -> str | None:
        """The contact that a lead says it became."""
        values = (self._values(one)[at] for one in BECAME if self._reader.has(one))
        return next((str(value) for value in values if value is not None), None)

    async def fill_accounts(self) -> None:
        """Give opportunities whose customer is a contact that contact's account (R-134, R-135)."""
        if self._reader.object != "opportunity" or not all(map(self._reader.has, _CUSTOMERS)):
            return
        accounts, contacts = map(self._values, _CUSTOMERS)
        ids = {str(one) for one in contacts if one is not None}
        if ids:
            known: Mapping[str, str] = await self._behind.accounts_of(ids)
            filled = [mine or known.get(str(one)) for mine, one in zip(accounts, contacts, strict=True)]
            self._found.columns[self._reader.at(_CUSTOMERS[0])] = filled

    def rows(self, width: int) -> list[Row]:
        """What stays, the first columns of it."""
        columns, count = self._found.columns[:width], self._found.count
        rows: list[Row] = []
        for start in range(0, count, SLICE):
            rows += zip(*(one[start : start + SLICE] for one in columns), strict=True)
        return [row for at, row in enumerate(rows) if at not in self._out] if self._out else rows

    async def deleted(self, seen: set[str]) -> list[str]:
        """Ids that are deleted; one that the read has also shown is asked for, since it may have come back."""
        stays = (str(one) for at, one in enumerate(self.ids) if at not in self._out)
        seen.update(stays)
        doubtful = [one for one in self._found.gone if one in seen]
        there = await self._behind.there(self._reader.known.table, doubtful) if doubtful else set()
        return [one for one in self._found.gone if one not in there]

    def _ended(self, at: int, into: str, into_object: str, reason: str = "merged") -> Merged:
        return Merged(str(self.ids[at]), into, into_object, _text(self._values(STAMP)[at]), reason)


def _text(value: Value) -> str | None:
    return None if value is None else str(value)
