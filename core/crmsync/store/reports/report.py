"""What happened, for a person or a program: plain functions that only read the engine's tables.

Every function takes a connection to the database and answers with dicts. Times are canonical UTC text.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from msgspec import Struct

from crmsync.clock import moment, stamp
from crmsync.store.lease import is_dead
from crmsync.store.memory import recalled
from crmsync.store.reports import throughput

LAST_SYNCED, IN_PROGRESS, FAILED = "last synced", "sync in progress", "failed"

COUNTED = ("new", "updated", "deleted", "skipped", "failed", "calls")

_WINDOW = timedelta(days=5)
_COUNTS = ", ".join(f"SUM({name}) AS {name}" for name in COUNTED)


def _all(con: sqlite3.Connection, sql: str, values: Sequence[Any] = ()) -> list[dict[str, Any]]:
    cursor = con.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _where(tests: Iterable[tuple[str, Any]]) -> tuple[str, list[Any]]:
    """The tests whose value was given, as a WHERE clause with its values."""
    given = [(sql, value) for sql, value in tests if value not in (None, "")]
    return " AND ".join(sql for sql, _ in given) or "true", [value for _, value in given]


class Filter(Struct, frozen=True, kw_only=True):
    """Which rows of a list are wanted; empty is all. `since` and `until` are canonical moments."""

    since: str | None = None
    until: str | None = None
    object: str | None = None
    operation: str | None = None
    status: str | None = None
    level: str | None = None


ALL = Filter()


def steps(
    con: sqlite3.Connection, wanted: Filter = ALL, *, now: datetime, by_end: bool = False, oldest_first: bool = False
) -> list[dict[str, Any]]:
    """The steps of the last five days: start, end, object, operation, status, counts, message.

    Newest start first, or newest end; a step that runs has no end and counts as the newest.
    """
    where, values = _where(
        [
            ("started_at >= ?", wanted.since or stamp(now - _WINDOW)),
            ("started_at <= ?", wanted.until),
            ("lower(object) = lower(?)", wanted.object),
            ("lower(operation) = lower(?)", wanted.operation),
            ("lower(status) = lower(?)", wanted.status),
        ]
    )
    by = "COALESCE(ended_at, '9999')" if by_end else "started_at"
    way = "ASC" if oldest_first else "DESC"
    return _all(
        con,
        f"""SELECT id, run, started_at, ended_at, object, operation, status, new, updated, deleted, failed, skipped,
            pages, calls, bytes, COALESCE(message, '') AS message
            FROM crmsync_step WHERE {where} ORDER BY {by} {way}, id {way}""",
        values,
    )


def errors(con: sqlite3.Connection, wanted: Filter = ALL, *, now: datetime) -> list[dict[str, Any]]:
    """The errors of the last five days, newest first: of a record, with its ids on both sides, or of a job."""
    where, values = _where(
        [
            ("at >= ?", wanted.since or stamp(now - _WINDOW)),
            ("at <= ?", wanted.until),
            ("level = ?", wanted.level),
            ("lower(object) = lower(?)", wanted.object),
        ]
    )
    return _all(
        con,
        f"""SELECT at, level, object, operation, crm_id, row_id, code, message, hint, run
            FROM crmsync_error WHERE {where} ORDER BY at DESC, id DESC""",
        values,
    )


def failed_since(con: sqlite3.Connection, at: str) -> list[dict[str, Any]]:
    """The records that failed after `at`, each with its last message, the latest first."""
    return _all(
        con,
        """SELECT object, crm_id, row_id, message, MAX(id) AS last FROM crmsync_error WHERE level = 'record' AND at > ?
           GROUP BY object, crm_id, row_id ORDER BY last DESC""",
        [at],
    )


def quarantine(con: sqlite3.Connection) -> list[dict[str, Any]]:
    """The records set aside, with the reason, newest first."""
    return _all(
        con,
        """SELECT object, crm_id, entity, row_id, reason, tries, first_at, last_at
           FROM crmsync_quarantine ORDER BY last_at DESC, object, crm_id""",
    )


def notices(con: sqlite3.Connection, wanted: Filter = ALL) -> list[dict[str, Any]]:
    """What a person should know, newest first."""
    where, values = _where([("at >= ?", wanted.since), ("at <= ?", wanted.until)])
    return _all(con, f"SELECT at, kind, message FROM crmsync_notice WHERE {where} ORDER BY at DESC, id DESC", values)


def objects(con: sqlite3.Connection, *, now: datetime) -> list[dict[str, Any]]:
    """Every object that was ever synced: records on both sides, the counts of the last cycle, and how far behind.

    `lag_seconds` counts from the start of the last read of changes that went through: what the CRM saved before
    is here. It is null before the first. `push_lag_seconds` counts from the oldest edit of the `waiting_here`
    records that wait for the CRM; it is 0 where none does.
    """
    last = _all(
        con,
        f"""SELECT s.object, {_COUNTS} FROM crmsync_step s JOIN (
                SELECT object, MAX(run) AS run FROM crmsync_step WHERE operation LIKE 'pull %' GROUP BY object
            ) latest USING (object, run)
            GROUP BY s.object""",
    )
    counts = {row["object"]: row for row in last}
    crm = {row["object"]: row for row in _all(con, "SELECT object, crm_records, counted_at FROM crmsync_count")}
    here = dict(con.execute("SELECT object, COUNT(*) FROM crmsync_link WHERE role = 'current' GROUP BY object"))
    read = throughput.read_since(con)
    waiting = throughput.waiting_since(con)
    names = dict.fromkeys([*_in_order(con), *crm, *here, *counts])
    return [
        {
            "object": name,
            "crm_records": crm.get(name, {}).get("crm_records"),
            "crm_counted_at": crm.get(name, {}).get("counted_at"),
            "db_records": here.get(name, 0),
            **{column: counts.get(name, {}).get(column, 0) for column in COUNTED},
            "lag_seconds": _seconds_since(now, read.get(name)),
            "waiting_here": waiting[name][0] if name in waiting else 0,
            "push_lag_seconds": _seconds_since(now, waiting[name][1]) if name in waiting else 0,
        }
        for name in names
    ]


def _in_order(con: sqlite3.Connection) -> list[str]:
    """Objects in the order in which they were first mapped, which is the order of a cycle."""
    rows = con.execute("SELECT object FROM crmsync_field GROUP BY object ORDER BY MIN(rowid)")
    return [row[0] for row in rows]


def _seconds_since(now: datetime, at: str | None) -> int | None:
    return max(0, round((now - moment(at)).total_seconds())) if at else None


def state(con: sqlite3.Connection, *, now: datetime) -> dict[str, Any]:
    """The whole connection: `state` is "last synced", "sync in progress" or "failed".

    A run that stands open without a live lease behind it was cut off: failed, until the next one.
    """
    run = next(iter(_all(con, "SELECT * FROM crmsync_run ORDER BY id DESC LIMIT 1")), None)
    done = con.execute("SELECT MAX(ended_at) FROM crmsync_run WHERE status = 'succeeded' AND kind = 'cycle'").fetchone()
    holder = lease(con, now=now)
    return {
        "state": _state(run, running=holder is not None),
        "last_synced_at": done[0],
        "run": run["id"] if run else None,
        "run_started_at": run["started_at"] if run else None,
        "message": (run["message"] or "") if run else "",
        "lease": holder,
        "local_edits": local_edits(con),
        "quarantined": con.execute("SELECT COUNT(*) FROM crmsync_quarantine").fetchone()[0],
    }


def _state(run: dict[str, Any] | None, *, running: bool) -> str:
    if run is None:
        return LAST_SYNCED
    if run["ended_at"] is None:
        return IN_PROGRESS if running else FAILED
    return FAILED if run["status"] in ("failed", "cleaned up") else LAST_SYNCED


def lease(con: sqlite3.Connection, *, now: datetime) -> dict[str, str] | None:
    """Who runs cycles on this database, and until when nobody else may; None where nobody does."""
    row = con.execute("SELECT holder, expires_at FROM crmsync_lease WHERE name = 'cycles'").fetchone()
    if row is None or row[1] <= stamp(now) or is_dead(row[0]):
        return None
    return {"holder": row[0], "expires_at": row[1]}


def local_edits(con: sqlite3.Connection) -> dict[str, int]:
    """Local edits by state: "local" ones stay here, the others wait for the CRM. Those that it has are not counted."""
    sql = "SELECT state, COUNT(*) FROM crmsync_edit WHERE state <> 'done' GROUP BY state ORDER BY state"
    return dict(con.execute(sql))


def quota(con: sqlite3.Connection) -> dict[str, Any] | None:
    """The CRM's daily API calls as of the last answer that told: used, limit, left; None where none did."""
    told = json.loads(recalled(con, "quota") or "{}")
    if not told.get("limit"):
        return None
    return {**told, "left": max(0, told["limit"] - (told["used"] or 0))}


def enabled(con: sqlite3.Connection) -> bool:
    """Whether nobody has switched the sync off."""
    return recalled(con, "disabled") is None


def known_objects(con: sqlite3.Connection) -> list[str]:
    """The objects that were ever mapped, in the order of a cycle."""
    return _in_order(con)


def activities(con: sqlite3.Connection, *, run: int) -> list[dict[str, Any]]:
    """How many activities of each kind a run wrote, most first."""
    return _all(
        con,
        """SELECT kind, COALESCE(object, '') AS object, COUNT(*) AS records FROM activity
           WHERE run = ? GROUP BY kind, object ORDER BY records DESC, kind""",
        [run],
    )
