"""The activities that a page leaves on persons, and the fan-out of account changes.

Kinds and attributes are documented in docs/operate.md: field, old and new value, the CRM record behind it, `source`
"crm" and the `reason` (which object and operation brought it).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crmsync.entities import Trail, entity_of
from crmsync.model import Row, Value
from crmsync.store.batch import FAN_OUT_LIMIT, WRITES_LIMIT, Applied, Batch
from crmsync.store.records import notice
from crmsync.store.sending import outgoing

CHANGED = "Change Data Value"
CREATED = "New Person"

_COLUMNS = "person_id, kind, at, field, old_value, new_value, object, crm_id, source, reason, run"
_CRM_ID = 6  # its place behind the person
PERSON_OBJECTS = "SELECT DISTINCT object FROM crmsync_field WHERE entity = 'person'"
_TO_PERSON = f"""INSERT INTO activity ({_COLUMNS})
    SELECT row_id, ?, ?, ?, ?, ?, ?, ?, 'crm', ?, ? FROM crmsync_link
    WHERE object IN ({PERSON_OBJECTS}) AND crm_id = ? AND row_id IS NOT NULL"""
_LIVE = """FROM crmsync_link la JOIN person p ON p.account_crm_id = la.crm_id
    WHERE la.entity = 'account' AND la.row_id = %s AND p.crm_type = 'contact' AND p.crm_is_deleted = 0"""
_DIRECT = f"""INSERT INTO activity ({_COLUMNS})
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'crm', ?, ?)"""


@dataclass(slots=True)
class Trailer:
    """Collects the activities of one page; `flush` writes them with set-based statements."""

    con: sqlite3.Connection
    batch: Batch
    writes: int = 0
    trail: Trail = field(init=False)
    direct: list[tuple[Value, ...]] = field(default_factory=list)
    through: list[tuple[Value, ...]] = field(default_factory=list)
    roles: list[tuple[Value, ...]] = field(default_factory=list)
    fans: list[tuple[Value, ...]] = field(default_factory=list)
    sizes: dict[int, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.trail = entity_of(self.batch.route.entity).trail

    @property
    def reason(self) -> str:
        """What brought the change, for a person's eyes."""
        return f"pulled from {self.batch.route.object}"

    def room(self, row_id: int | None, changes: int) -> int:
        """How many of a row's changes still fit into this transaction (accounts fan out to their contacts)."""
        if self.batch.route.entity != "account" or not changes or row_id is None:
            return changes
        size = self.size(row_id)
        if size > FAN_OUT_LIMIT or not size:
            return changes
        fits = (WRITES_LIMIT - self.writes) // size
        return max(fits, 0 if self.writes else 1) if fits < changes else changes

    def size(self, row_id: int) -> int:
        """Live contacts of an account."""
        if row_id not in self.sizes:
            self.sizes[row_id] = self.con.execute(f"SELECT COUNT(*) {_LIVE % '?'}", [row_id]).fetchone()[0]
        return self.sizes[row_id]

    def added(self, row_id: int, crm_id: str, values: Mapping[str, Value]) -> None:
        """A row was created."""
        if self.batch.route.entity == "person":
            self.direct.append(self._direct(row_id, CREATED, None, None, None, crm_id))
        elif self.trail.added:
            self._through(self.trail.added, crm_id, values, (None, None, None))

    def changed(
        self, row_id: int | None, crm_id: str, changes: Sequence[tuple[str, Any, Any, str]], values: Mapping[str, Value]
    ) -> None:
        """Columns of a row were changed by the CRM."""
        for name, old, new, _rule in changes:
            if self.batch.route.entity == "person":
                self.direct.append(self._direct(row_id, CHANGED, name, old, new, crm_id))
            elif self.batch.route.entity == "account":
                self._fan(row_id or 0, name, old, new, crm_id)
            elif self.trail.changed and (not self.trail.watch or name in self.trail.watch):
                self._through(self.trail.changed, crm_id, values, (name, old, new))

    def removed(self, crm_id: str, values: Mapping[str, Value]) -> None:
        """A row was removed."""
        if self.trail.removed:
            self._through(self.trail.removed, crm_id, values, (None, None, None))

    def _direct(self, row_id: int | None, kind: str, *rest: Any) -> tuple[Value, ...]:
        name, old, new, crm_id = rest
        route = self.batch.route
        return (row_id, kind, self.batch.at, name, old, new, route.object, crm_id, self.reason, self.batch.run)

    def _fan(self, row_id: int, name: str, old: Value, new: Value, crm_id: str) -> None:
        if (size := self.size(row_id)) <= FAN_OUT_LIMIT:
            self.writes += size
        self.fans.append((*self._direct(None, CHANGED, name, old, new, crm_id)[1:], row_id))

    def _through(self, kind: str, crm_id: str, values: Mapping[str, Value], change: tuple[Value, Value, Value]) -> None:
        attributes = self._direct(None, kind, *change, crm_id)[1:]
        if self.trail.roles:
            self.roles.append((*attributes, crm_id))
        person = next((values[name] for name in self.trail.through if values.get(name)), None)
        if person is not None:
            self.through.append((*attributes, person))

    def flush(self, applied: Applied) -> None:
        """Write what was collected; accounts too big to be logged are named in `applied.notes`."""
        self.con.executemany(_DIRECT, self.direct)
        self.con.executemany(_TO_PERSON, self._news())
        if self.roles and self.trail.roles and self._stands(self.trail.roles[0]):
            entity, mine, person = self.trail.roles
            self.con.executemany(_by_roles(entity, mine, person), self.roles)
        quiet = {row_id for row_id, size in self.sizes.items() if size > FAN_OUT_LIMIT}
        fan = f"""INSERT INTO activity ({_COLUMNS})
            SELECT p.id, ?, ?, ?, ?, ?, ?, ?, 'crm', ?, ? {_LIVE % "?"}"""
        self.con.executemany(fan, [values for values in self.fans if values[-1] not in quiet])
        for values in {values[-1]: values for values in self.fans if values[-1] in quiet}.values():
            applied.notes.append(
                f"account {values[6]} has {self.sizes[int(values[-1] or 0)]} contacts, more than {FAN_OUT_LIMIT}: "
                "changed without an activity on each"
            )

    def _news(self) -> list[tuple[Value, ...]]:
        """What was found on persons, without activities of ours that the CRM has made records of."""
        came = {str(values[_CRM_ID]) for values in self.through if values[0] == outgoing.LOGGED}
        echoes = outgoing.own(self.con, self.batch.route.object, came) if came else set()
        return [values for values in self.through if values[0] != outgoing.LOGGED or values[_CRM_ID] not in echoes]

    def _stands(self, table: str) -> bool:
        sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?"
        return self.con.execute(sql, [table]).fetchone() is not None

    def adopt(self, rows: Sequence[Row], work: Any) -> Sequence[Row]:
        """New records take over a marketing-only person of the same e-mail (`match = ["email"]`); returns the rest."""
        if "email" not in self.batch.match or "email" not in work.columns:
            return rows
        at = work.columns.index("email") + work.skip
        rest = []
        for row in rows:
            found = self._only_match(row[at])
            if found is None:
                rest.append(row)
                continue
            self._settle(work, row, found)
            sets = ", ".join(f'"{name}" = COALESCE(?, "{name}")' for name in work.columns)
            self.con.execute(
                f"UPDATE person SET crm_id = ?, crm_type = ?, {sets} WHERE id = ?",
                (row[0], self.batch.route.role, *row[work.skip :], found),
            )
            version = row[2] if work.skip > 2 else None  # noqa: PLR2004
            self.con.execute(
                "INSERT INTO crmsync_link (object, crm_id, entity, row_id, role, modified_at, version, run) "
                "VALUES (?, ?, 'person', ?, 'current', ?, ?, ?)",
                (self.batch.route.object, row[0], found, row[1] or "", version, self.batch.run),
            )
            work.applied.add(updated=1)
        return rest

    def _settle(self, work: Any, row: Row, found: int) -> None:
        """Journal what the CRM's values replace; what only this side has is an edit like any other."""
        names = ", ".join(f'"{name}"' for name in work.columns)
        here = self.con.execute(f"SELECT {names} FROM person WHERE id = ?", [found]).fetchone()
        both = {m.column for m in self.batch.route.maps if len(m.directions) > 1}
        for name, old, new in zip(work.columns, here, row[work.skip :], strict=True):
            if new is not None and old is not None and old != new:
                work.journal.append((self.batch.run, self.batch.at, "person", found, name, old, new, "crm", "match"))
            elif new is None and old is not None:
                self.con.execute(
                    "INSERT INTO crmsync_edit (entity, row_id, field, base, seq, state, edited_at) "
                    "VALUES ('person', ?, ?, NULL, 1, ?, ?)",
                    (found, name, "pending" if name in both else "local", self.batch.at),
                )

    def _only_match(self, email: Value) -> int | None:
        if not email:
            return None
        sql = "SELECT id FROM person WHERE crm_id IS NULL AND lower(email) = lower(?) LIMIT 2"
        found = self.con.execute(sql, [email]).fetchall()
        if len(found) > 1:
            said = (
                f"{self.batch.route.object}: several persons have the address {email}; none was taken for its record."
            )
            notice(self.con, "match", said, self.batch.at)
        return int(found[0][0]) if len(found) == 1 else None


def _by_roles(entity: str, mine: str, person: str) -> str:
    return f"""INSERT INTO activity ({_COLUMNS})
        SELECT DISTINCT l.row_id, ?, ?, ?, ?, ?, ?, ?, 'crm', ?, ? FROM "{entity}" r
        JOIN crmsync_link l ON l.object IN ({PERSON_OBJECTS}) AND l.crm_id = r."{person}"
        WHERE r."{mine}" = ? AND l.row_id IS NOT NULL"""
