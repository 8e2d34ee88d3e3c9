"""Columns with a local edit, when the CRM's values come: three-way, or the rule of one-way objects."""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from crmsync.clock import moment
from crmsync.errors import CrmsyncError
from crmsync.merge import Decision, decide
from crmsync.model import Direction, FieldMap, Value, Winner
from crmsync.store.batch import Batch, Known
from crmsync.store.records import notice

Change = tuple[str, Value, Value, str]  # column, old, new, rule
Found = tuple[str, Value, Value]  # column, what is here, what the CRM has
Key = tuple[str, int, str]  # entity, row, column

SENT, DONE, PENDING, CONFLICT, LOCAL = "sent", "done", "pending", "conflict", "local"
BLOCKED = "blocked"
"""Rule of a collision in which the CRM's value wins and may not be taken: each side keeps its own (R-242)."""

WAITS = frozenset({"quarantined", "held", CONFLICT})
"""States of edits that go on once the CRM's record has moved."""


class Edit(NamedTuple):
    """One local edit as it stands."""

    base: Value
    state: str
    sent: Value
    was_sent: bool
    edited_at: str


Edits = Mapping[int, Mapping[str, Edit]]
"""Local edits by row and column."""


def edits_of(con: sqlite3.Connection, entity: str, known: Iterable[Known]) -> Edits:
    """The edits of the rows that a page is about."""
    if not con.execute("SELECT 1 FROM crmsync_edit WHERE entity = ? LIMIT 1", [entity]).fetchone():
        return {}
    found: dict[int, dict[str, Edit]] = defaultdict(dict)
    ids = [stored.row_id for stored in known if stored.row_id is not None]
    sql = """SELECT e.row_id, e.field, e.base, e.state, e.sent, e.sent_seq IS NOT NULL, e.edited_at FROM json_each(?) j
             CROSS JOIN crmsync_edit e ON e.entity = ? AND e.row_id = j.value"""
    for row_id, name, *rest in con.execute(sql, (json.dumps(ids), entity)):
        found[row_id][name] = Edit(*rest)
    return found


@dataclass(slots=True)
class Settling:
    """What becomes of the edits of one page: statements to come, collected by kind."""

    batch: Batch
    maps: Mapping[str, FieldMap] = field(init=False)
    blocked: frozenset[str] = field(init=False)  # columns that take a first value of the CRM and no further one
    ended: list[Key] = field(default_factory=list)
    rebased: list[tuple[Value, ...]] = field(default_factory=list)
    disputed: list[tuple[Value, ...]] = field(default_factory=list)
    reopened: list[Key] = field(default_factory=list)
    apart: list[tuple[Value, ...]] = field(default_factory=list)
    notes: list[tuple[int, Change]] = field(default_factory=list)  # of the marketing side, for the journal

    def __post_init__(self) -> None:
        self.maps = {one.column: one for one in self.batch.route.maps}
        self.blocked = frozenset(name for name, one in self.maps.items() if Direction.PULL in one.blocked)

    def keeps(self, name: str, value: Value) -> bool:
        """Whether a column does not take the CRM's value: it is blocked for the CRM and has one (R-239)."""
        return value is not None and name in self.blocked

    def settle(self, row_id: int, edit: Edit, change: Found, at: str, *, moved: bool) -> list[Change]:
        """The change that the row takes, if any; `change` is column, local and CRM value, `at` the CRM's stamp."""
        name, old, new = change
        key = (self.batch.route.entity, row_id, name)
        if self.batch.one_way:
            return self._one_way(change, moved=moved)
        if edit.state == DONE:
            if not moved and new == edit.base and new != old:
                return []  # read before our own write was
            self.ended.append(key)
            return [] if old == new or self.keeps(name, old) else [(name, old, new, "pull")]
        if edit.was_sent and new == edit.sent != edit.base:  # its answer was lost: it was written after all
            self.notes.append((row_id, (name, edit.base, edit.sent, "push")))
            edit = edit._replace(base=edit.sent, was_sent=False)
            self.rebased.append((new, *key))
        return self._three_way(key, edit, change, at, moved=moved)

    def _one_way(self, change: Found, *, moved: bool) -> list[Change]:
        """One-way columns: any move of the record ends its local edits (R-095 to R-098)."""
        name, old, new = change
        if not (moved or self.batch.refresh) or old == new or self.keeps(name, old):
            return []
        return [(*change, "refresh" if self.batch.refresh else "crm-overwrites")]

    def _three_way(self, key: Key, edit: Edit, change: Found, at: str, *, moved: bool) -> list[Change]:
        name, old, new = change
        decision = decide(edit.base, old, new, self._winner(name), local_is_newer=_newer(edit.edited_at, at))
        if decision is Decision.KEEP:
            if (moved and edit.state in WAITS) or edit.state == CONFLICT:
                self.reopened.append(key)
        elif decision is Decision.CONFLICT:
            self.disputed.append((new, self.batch.at, *key))
        elif decision is Decision.TAKE and self.keeps(name, old):
            self.apart.append((new, *key))
            if edit.state != LOCAL or edit.base != new:
                self.notes.append((key[1], (name, new, old, BLOCKED)))
        elif decision is Decision.REBASE:
            self.rebased.append((new, *key))
            self.notes.append((key[1], (name, new, old, decision.value)))
        else:
            self.ended.append(key)
            return [(name, old, new, decision.value)] if decision is Decision.TAKE else []
        return []

    def _winner(self, name: str) -> Winner:
        found = self.maps.get(name)
        if found is None or len(found.directions) < 2:  # noqa: PLR2004 - the two directions
            return Winner.CRM
        return found.winner or self.batch.route.winner

    def end(self, row_id: int, names: Iterable[str]) -> None:
        """All these edits end: the record was overwritten."""
        self.ended += [(self.batch.route.entity, row_id, name) for name in names]

    def flush(self, con: sqlite3.Connection) -> None:
        """Write what was collected."""
        where = "WHERE entity = ? AND row_id = ? AND field = ?"
        again = """sent = NULL, sent_seq = NULL, state = 'pending', tries = 0, retry_at = NULL, code = NULL,
                   reason = NULL, theirs = NULL, disputed_at = NULL"""
        con.executemany(f"DELETE FROM crmsync_edit {where}", self.ended)
        con.executemany(f"UPDATE crmsync_edit SET base = ?, {again} {where}", self.rebased)
        con.executemany(
            f"""UPDATE crmsync_edit SET state = 'conflict', theirs = ?, sent = NULL, sent_seq = NULL,
                disputed_at = COALESCE(disputed_at, ?) {where}""",
            self.disputed,
        )
        con.executemany(f"UPDATE crmsync_edit SET {again} {where}", self.reopened)
        con.executemany(f"UPDATE crmsync_edit SET base = ?, {again.replace('pending', LOCAL)} {where}", self.apart)
        self._tell(con)

    def _tell(self, con: sqlite3.Connection) -> None:
        """Say once a day which blocked columns were changed on both sides."""
        for name in sorted({str(key[-1]) for key in self.apart}):
            said = (
                f"{self.batch.route.object}.{self.maps[name].field.name} was changed on both sides and is "
                "blocked for values of the CRM: each side keeps its own (R-242); `crmsync explain` tells of a record."
            )
            notice(con, BLOCKED, said, self.batch.at)


def _newer(edited_at: str, crm: str) -> bool:
    try:
        return moment(edited_at) > moment(crm)
    except (ValueError, CrmsyncError):
        return False
