"""Planned edits on their way to the CRM: these columns alone, where both sides have what the plan began with."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from crmsync.push import Leaving, Push
from crmsync.store.history.attempt import another, edit_of, here_now, tentatively
from crmsync.store.history.planned import Item
from crmsync.store.history.stage import Refused, Stage, page_of
from crmsync.store.rows import apply_rows
from crmsync.store.sending import edits
from crmsync.store.sending.edits import Waiting

Items = Mapping[int, Sequence[Item]]
"""Planned changes by the row that they are of."""


@dataclass(slots=True)
class PlannedPush(Push):
    """The planned edits of one object. `seen` is what the CRM has of their records now."""

    stage: Stage = field(kw_only=True)
    items: Items = field(kw_only=True)
    refused: list[Refused] = field(default_factory=list, kw_only=True)

    async def _ready(self, ids: Mapping[int, str]) -> Leaving:
        return await self._leaving(await self.pull.store.write(self._as_planned, ids))

    def _as_planned(self, con: sqlite3.Connection, ids: Mapping[int, str]) -> list[Waiting]:
        ready = []
        for row_id, crm_id in ids.items():
            stand = [one for one in self.items[row_id] if self._stands(con, one, (self.route.object, crm_id))]
            if stand and (row := self._merged(con, crm_id, row_id, stand)) is not None:
                ready.append(row)
        return ready

    def _stands(self, con: sqlite3.Connection, item: Item, key: tuple[str, str]) -> bool:
        """Whether both sides still have what the plan began with; refuses the change where not."""
        here, crm = here_now(con, item), self.stage.seen.value(key, item.field)
        why = another(con, self.stage.seen, item, key)
        if not why and crm != item.old:
            why = "it has moved in the CRM"
        elif not why and here != item.new:
            moved = here != item.old
            why = "it has moved here" if moved else "this side does not have it: it is left to the next cycle"
        if why:
            self.refused.append(Refused(item, why, here, crm))
        return not why

    def _merged(self, con: sqlite3.Connection, crm_id: str, row_id: int, items: Sequence[Item]) -> Waiting | None:
        """The row after the merge with what the CRM has; None, with nothing merged, where that is not the plan."""
        row = tentatively(con, lambda: self._tried(con, crm_id, row_id, items))
        if row is None:
            self.refused += [Refused(one, _why(con, one), one.new, one.old) for one in items]
        return row

    def _tried(self, con: sqlite3.Connection, crm_id: str, row_id: int, items: Sequence[Item]) -> Waiting | None:
        names = [one.field for one in items]
        page = page_of(self.stage.seen, self.route, [crm_id], names)
        apply_rows(con, self.stage.batch(self.route, page, partial=True))
        found = edits.open_edits(con, self.route, [row_id], names)
        good = self._values(con, found[0], list(found[0].edits)) if found else {}
        same = all(one.field in good and good[one.field].base == one.old for one in items)
        return found[0]._replace(edits=good, version=self._version(crm_id)) if same else None

    def _version(self, crm_id: str) -> str:
        """That of the record that was compared, which may be newer than the stored one."""
        key, seen = (self.route.object, crm_id), self.stage.seen
        return str(seen.value(key, "version") or seen.value(key, "modified_at"))

    def unsent(self, con: sqlite3.Connection) -> None:
        """Refuse what the CRM did not take, with its reason."""
        known = {id(one.item) for one in self.refused}
        for item in (one for some in self.items.values() for one in some if id(one) not in known):
            edit = edit_of(con, item)
            if edit is not None and edit[0] != "done":
                self.refused.append(Refused(item, _why(con, item), item.new, item.old))


def _why(con: sqlite3.Connection, item: Item) -> str:
    state, reason = edit_of(con, item) or ("not there", None)
    return f"its local edit is {state}" + (f": {reason}" if reason else "")
