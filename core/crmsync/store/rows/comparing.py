"""Rows compared with what is stored: what differs is written, journalled and told, the new ones are inserted."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping, Sequence

from crmsync.model import Kind, Row, Value
from crmsync.store.activity import Trailer
from crmsync.store.batch import WRITES_LIMIT, Applied, Batch, Known
from crmsync.store.edited import Change, Found, edits_of
from crmsync.store.rows.inserting import flush_new, insert
from crmsync.store.rows.work import JOURNAL, Work, entry, note
from crmsync.store.settled import settled


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
    insert(work, trailer, fresh, known)
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
        note(work, stored.row_id, change)
    trailer.changed(stored.row_id, str(row[0]), changes, dict(zip(work.columns, row[work.skip :], strict=True)))


def _flush(work: Work) -> None:
    con, table = work.con, f'"{work.entity}"'
    if work.inserts:
        flush_new(work)
    for changed, values in work.updates.items():
        sets = ", ".join(f'"{name}" = ?' for name in changed)
        con.executemany(f"UPDATE {table} SET {sets} WHERE id = ?", values)
    con.executemany(
        "UPDATE crmsync_link SET modified_at = ?, version = ? WHERE object = ? AND crm_id = ?", work.versions
    )
    work.settling.flush(con)
    work.journal += [entry(work, row_id, change, side="marketing") for row_id, change in work.settling.notes]
    con.executemany(JOURNAL, work.journal)
