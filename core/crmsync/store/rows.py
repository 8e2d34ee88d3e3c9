"""The rows of one page against what is stored: insert the new, write what differs, journal it, renew versions.

A plain function on the database's thread, because binding rows is what a load costs: one executemany a kind of
statement, never a statement a row.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain

from crmsync.entities import IDENTITY
from crmsync.model import Kind, Row, Value
from crmsync.store.activity import Trailer
from crmsync.store.batch import WRITES_LIMIT, Applied, Batch, Known
from crmsync.store.capture import without_insert_triggers
from crmsync.store.edited import Change, Edits, Found, Settling, edits_of
from crmsync.store.settled import settled

ROWS_AT_ONCE = 40
"""Of one insert. Longer ones are no faster, since what they bind does not fit the processor's caches any more."""
VARIABLES = 30_000
"""Of one statement; SQLite allows 32,766."""


@dataclass(slots=True)
class Work:
    """One page being applied: the statements to come, collected by kind."""

    con: sqlite3.Connection
    batch: Batch
    columns: tuple[str, ...] = field(init=False)
    skip: int = field(init=False)
    edits: Edits = field(init=False, default_factory=dict)
    applied: Applied = field(default_factory=Applied)
    inserts: list[tuple[Value, ...]] = field(default_factory=list)
    links: list[tuple[Value, ...]] = field(default_factory=list)
    versions: list[tuple[Value, ...]] = field(default_factory=list)
    updates: dict[tuple[str, ...], list[tuple[Value, ...]]] = field(default_factory=lambda: defaultdict(list))
    journal: list[tuple[Value, ...]] = field(default_factory=list)
    settling: Settling = field(init=False)
    returning: bool = False  # whether records are among the new ones whose ids are linked already

    def __post_init__(self) -> None:
        self.settling = Settling(self.batch)
        self.skip = sum(name in IDENTITY for name in self.batch.page.columns)
        self.columns = self.batch.page.columns[self.skip :]

    @property
    def entity(self) -> str:
        """The table's name."""
        return self.batch.route.entity


def apply_rows(con: sqlite3.Connection, batch: Batch, start: int = 0) -> tuple[Applied, int]:
    """Apply the rows from `start` on; returns what was done and the row to go on with in a further transaction.

    Rows are counted new, updated or skipped; one that has neither moved nor changed is a mere re-read and counts as
    nothing, one older than what is stored is left alone.
    """
    work = Work(con, batch)
    whole = latest(batch.page.rows)
    rows = whole[start:] if start else whole
    ids = [str(row[0]) for row in rows]
    same, known = _stored(work, ids, rows) if any_of(con, batch.route.object, ids) else ({}, {})
    work.edits = edits_of(con, work.entity, known.values())
    trailer = Trailer(con, batch)
    old_only = batch.refresh or batch.partial
    fresh: list[Row] = [] if same or known or old_only else rows
    done = 0 if same or known or old_only else len(rows)
    for row in rows[done:]:
        stored = known.get(str(row[0]))
        if same and same.get(row[0]) == row[1]:
            pass
        elif stored is None:
            if not old_only:
                fresh.append(row)
        elif not _take(work, trailer, row, stored, fresh):
            break
        done += 1
        if trailer.writes > WRITES_LIMIT:
            break
    _insert(work, trailer, fresh, known)
    _flush(work)
    trailer.flush(work.applied)
    end = start + done
    return work.applied, end if end < len(whole) else -1


def latest(rows: Sequence[Row]) -> list[Row]:
    """The rows without repetitions of an id, the newest version of each, in order of arrival."""
    if len({row[0] for row in rows}) == len(rows):
        return list(rows)
    found: dict[Value, Row] = {}
    for row in rows:
        old = found.get(row[0])
        if old is None or str(row[1] or "") >= str(old[1] or ""):
            found[row[0]] = row
    return list(found.values())


def any_of(con: sqlite3.Connection, obj: str, ids: Sequence[str]) -> bool:
    """Whether anything is stored between the least and the greatest of these ids: not so in most of a first load."""
    sql = "SELECT 1 FROM crmsync_link WHERE object = ? AND crm_id BETWEEN ? AND ? LIMIT 1"
    return bool(ids) and con.execute(sql, (obj, min(ids), max(ids))).fetchone() is not None


def _stored(work: Work, ids: Sequence[str], rows: Sequence[Row]) -> tuple[Mapping[Value, str], dict[str, Known]]:
    """What is stored of these ids: the versions that need no comparing, and the others as they are."""
    same = settled(work.con, work.batch, ids)
    if not same:
        return same, _lookup(work, ids)
    return same, _lookup(work, [str(row[0]) for row in rows if same.get(row[0]) != row[1]])


def _lookup(work: Work, ids: Sequence[str]) -> dict[str, Known]:
    columns = "".join(f', t."{name}"' for name in work.columns)
    # The row of a deleted record may stand for another one by now: should it come back, it gets a row of its own.
    another = f"""l.role = 'deleted' AND t.id IS NULL
        AND EXISTS (SELECT 1 FROM "{work.entity}" o WHERE o.id = l.row_id)"""
    sql = f"""SELECT l.crm_id, l.role, iif({another}, NULL, l.row_id), l.modified_at, l.version, t.id{columns}
        FROM json_each(?2) j CROSS JOIN crmsync_link l LEFT JOIN "{work.entity}" t
        ON t.id = l.row_id AND (l.role <> 'deleted' OR t.crm_id = l.crm_id)
        WHERE l.object = ?1 AND l.crm_id = j.value"""
    found = work.con.execute(sql, (work.batch.route.object, json.dumps(ids)))
    return {r[0]: Known(r[1], r[2], r[3], r[4], r[5] is not None, r[6:]) for r in found}


def _take(work: Work, trailer: Trailer, row: Row, stored: Known, fresh: list[Row]) -> bool:
    """Deal with a row whose id is known; False where it has to be finished in a further transaction."""
    moment = str(row[1] or "")
    if stored.role in ("converted", "merged") or moment < stored.modified_at:
        return True
    dead = stored.role == "deleted"
    if dead and moment == stored.modified_at and work.batch.kind is not Kind.IDS:  # a read by id has the last word
        work.applied.unclear.append(str(row[0]))
        return True
    if not stored.present:
        if not work.batch.partial and (dead or (moment > stored.modified_at and not work.batch.refresh)):
            fresh.append(row)  # deleted here alone, then updated in the CRM: it comes back
        return True
    if dead:
        _undelete(work, trailer, row, stored)
    return _compare(work, trailer, row, stored)


def _compare(work: Work, trailer: Trailer, row: Row, stored: Known) -> bool:
    """Write what differs of a row that is here; False where its changes did not all fit into this transaction."""
    moved = _version(work, row) != (stored.version or stored.modified_at)
    same = row[work.skip :] == stored.values and stored.row_id not in work.edits
    changes = [] if same else _changes(work, row, stored, moved=moved)
    if work.batch.one_way and (moved or work.batch.refresh):
        work.settling.end(stored.row_id or 0, set(work.edits.get(stored.row_id or 0, {})) & set(work.columns))
    part = trailer.room(stored.row_id, len(changes))
    _write(work, trailer, row, stored, changes[:part])
    if part < len(changes):
        return False
    if moved and not (work.batch.refresh or work.batch.partial):
        work.versions.append((row[1], (work.skip > 2 and row[2]) or None, work.batch.route.object, row[0]))  # noqa: PLR2004
        work.applied.add(**({"updated": 1} if changes else {"skipped": 1}))
    elif changes:
        work.applied.add(updated=1)
    return True


def _version(work: Work, row: Row) -> Value:
    return row[2] if work.skip > 2 and row[2] is not None else row[1]  # noqa: PLR2004 - id, moment, version


def _undelete(work: Work, trailer: Trailer, row: Row, stored: Known) -> None:
    """A flagged row lives again (R-319): the flag goes, and the row is compared like any other."""
    sql = "UPDATE crmsync_link SET role = 'current' WHERE object = ? AND crm_id = ?"
    work.con.execute(sql, (work.batch.route.object, row[0]))
    _write(work, trailer, row, stored, [("crm_is_deleted", 1, 0, "undeleted")])


def _changes(work: Work, row: Row, stored: Known, *, moved: bool) -> list[Change]:
    edits = work.edits.get(stored.row_id or 0, {})
    found: list[Change] = []
    for name, old, new in zip(work.columns, stored.values, row[work.skip :], strict=True):
        if name in edits:
            change: Found = (name, old, new)  # type: ignore[assignment]
            found += work.settling.settle(stored.row_id or 0, edits[name], change, str(row[1] or ""), moved=moved)
        elif old != new and not work.settling.keeps(name, old):  # type: ignore[arg-type]
            found.append((name, old, new, "pull"))  # type: ignore[arg-type]
    return found


def _write(work: Work, trailer: Trailer, row: Row, stored: Known, changes: Sequence[Change]) -> None:
    if not changes:
        return
    work.updates[tuple(change[0] for change in changes)].append((*(change[2] for change in changes), stored.row_id))
    for change in changes:
        _note(work, stored.row_id, change)
    trailer.changed(stored.row_id, str(row[0]), changes, dict(zip(work.columns, row[work.skip :], strict=True)))


def _note(work: Work, row_id: int | None, change: Change) -> None:
    work.journal.append(_entry(work, row_id, change, side="crm"))


def _entry(work: Work, row_id: int | None, change: Change, *, side: str) -> tuple[Value, ...]:
    name, old, new, rule = change
    return (work.batch.run, work.batch.at, work.entity, row_id, name, old, new, side, rule)


def _insert(work: Work, trailer: Trailer, rows: Sequence[Row], known: dict[str, Known]) -> None:
    if not rows:
        return
    rows = trailer.adopt(rows, work) if work.batch.match and work.entity == "person" else rows
    top = work.con.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", [work.entity]).fetchone()
    row_id = int(top[0]) if top else 0
    skip = work.skip
    owns: list[int] = list(range(row_id + 1, row_id + 1 + len(rows)))
    for at, row in enumerate(rows) if known else ():
        stored = known.get(str(row[0]))
        if stored is not None and stored.role == "deleted" and stored.row_id:
            owns[at] = stored.row_id
    work.inserts = [(own, row[0], *row[skip:]) for own, row in zip(owns, rows, strict=True)]
    work.returning = bool(known)
    finer = skip > 2  # noqa: PLR2004 - id, moment, and a finer version
    work.links = [
        (row[0], own, row[1] or "", row[2]) if finer else (row[0], own, row[1] or "")
        for own, row in zip(owns, rows, strict=True)
    ]
    work.applied.add(new=len(rows))
    if not work.batch.silent:
        for row, values in zip(rows, work.inserts, strict=True):
            trailer.added(int(values[0] or 0), str(row[0]), dict(zip(work.columns, row[skip:], strict=True)))


def _insert_many(
    con: sqlite3.Connection, head: str, marks: str, rows: Sequence[tuple[Value, ...]], tail: str = ""
) -> None:
    """Insert rows, some dozens a statement: a statement a row costs a third more (measured at 27 columns)."""
    size = max(1, min(ROWS_AT_ONCE, VARIABLES // len(rows[0])))
    whole = len(rows) // size * size
    if whole:
        many = ", ".join([marks] * size)
        groups = (tuple(chain.from_iterable(rows[at : at + size])) for at in range(0, whole, size))
        con.executemany(f"{head} VALUES {many} {tail}", groups)
    con.executemany(f"{head} VALUES {marks} {tail}", rows[whole:])


def literal(text: str) -> str:
    """A text as SQL spells it."""
    return "'" + text.replace("'", "''") + "'"


def _flush(work: Work) -> None:
    con, table = work.con, f'"{work.entity}"'
    if work.inserts:
        _flush_new(work)
    for changed, values in work.updates.items():
        sets = ", ".join(f'"{name}" = ?' for name in changed)
        con.executemany(f"UPDATE {table} SET {sets} WHERE id = ?", values)
    con.executemany(
        "UPDATE crmsync_link SET modified_at = ?, version = ? WHERE object = ? AND crm_id = ?", work.versions
    )
    work.settling.flush(con)
    work.journal += [_entry(work, row_id, change, side="marketing") for row_id, change in work.settling.notes]
    con.executemany(JOURNAL, work.journal)


def _flush_new(work: Work) -> None:
    """Write the new rows and their links."""
    con, batch = work.con, work.batch
    kind = ("crm_type, ", f"'{batch.route.role}', ") if work.entity == "person" else ("", "")
    names = "".join(f', "{name}"' for name in work.columns)
    marks = ", ?" * len(work.columns)
    with without_insert_triggers(con, work.entity, len(work.inserts)):
        head = f'INSERT INTO "{work.entity}" ({kind[0]}id, crm_id, created_at{names})'
        _insert_many(con, head, f"({kind[1]}?, ?, '{batch.at}'{marks})", work.inserts)
    version = "?" if len(work.links[0]) > 3 else "NULL"  # noqa: PLR2004 - id, row, moment, and a finer version
    _insert_many(
        con,
        "INSERT INTO crmsync_link (object, crm_id, entity, row_id, role, modified_at, version, run)",
        f"({literal(batch.route.object)}, ?, '{work.entity}', ?, 'current', ?, {version}, {batch.run:d})",
        work.links,
        """ON CONFLICT (object, crm_id) DO UPDATE SET row_id = excluded.row_id, role = 'current',
           modified_at = excluded.modified_at, version = excluded.version"""
        if work.returning
        else "",
    )


JOURNAL = """INSERT INTO crmsync_journal (run, at, entity, row_id, field, old, new, side, rule)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"""
