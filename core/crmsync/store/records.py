"""The engine's own records: runs, steps, cursors and counts, errors and notices."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from crmsync.clock import stamp
from crmsync.errors import CrmsyncError
from crmsync.model import Cursor, Kind
from crmsync.store.batch import Move, Step

STEPS_KEPT = timedelta(days=5)
NOTICES_KEPT = timedelta(days=30)


def begin_run(con: sqlite3.Connection, run: int, kind: str, at: str) -> None:
    """Open a run under its number."""
    con.execute(
        "INSERT INTO crmsync_run (id, kind, started_at, status) VALUES (?, ?, ?, 'in process')", (run, kind, at)
    )


def end_run(con: sqlite3.Connection, run: int, at: str, status: str, message: str = "", calls: int = 0) -> None:
    """Close a run, with what it cost."""
    sql = "UPDATE crmsync_run SET ended_at = ?, status = ?, message = ?, calls = ? WHERE id = ?"
    con.execute(sql, (at, status, message or None, calls, run))


def save_step(con: sqlite3.Connection, step: Step) -> Step:
    """Store a step as it stands; returns it with its id."""
    c = step.counts
    values = (
        step.run, step.object, step.operation, step.started_at, step.ended_at, step.status, c.new, c.updated,
        c.deleted, c.failed, c.skipped, c.pages, c.calls, c.bytes, step.message or None,
    )  # fmt: skip
    if step.id is None:
        cursor = con.execute(
            """INSERT INTO crmsync_step (run, object, operation, started_at, ended_at, status, new, updated, deleted,
               failed, skipped, pages, calls, bytes, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
            values,
        )
        return replace(step, id=int(cursor.lastrowid or 0))
    con.execute(
        """UPDATE crmsync_step SET run = ?, object = ?, operation = ?, started_at = ?, ended_at = ?, status = ?,
           new = ?, updated = ?, deleted = ?, failed = ?, skipped = ?, pages = ?, calls = ?, bytes = ?, message = ?
           WHERE id = ?""",
        (*values, step.id),
    )
    return step


def prune(con: sqlite3.Connection, now: datetime) -> None:
    """Forget steps and errors older than five days, and notices older than thirty.

    The last step of each object that read all its changes stays: it tells since when the CRM has not been read.
    """
    read = "operation = 'pull updates' AND status = 'succeeded'"
    last = f"SELECT MAX(id) FROM crmsync_step WHERE {read} GROUP BY object"
    con.execute(
        f"DELETE FROM crmsync_step WHERE started_at < ?1 AND (NOT ({read}) OR id NOT IN ({last}))",
        [stamp(now - STEPS_KEPT)],
    )
    con.execute("DELETE FROM crmsync_error WHERE at < ?", [stamp(now - STEPS_KEPT)])
    con.execute("DELETE FROM crmsync_notice WHERE at < ?", [stamp(now - NOTICES_KEPT)])
    # Written long ago: no older answer of the CRM can come any more.
    con.execute("DELETE FROM crmsync_edit WHERE state = 'done' AND edited_at < ?", [stamp(now - STEPS_KEPT)])


def save_cursor(con: sqlite3.Connection, move: Move, at: str) -> None:
    """Move a cursor: `mark` only where the move has one."""
    con.execute(
        """INSERT INTO crmsync_cursor VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (object, kind, partition) DO UPDATE SET
           mark = COALESCE(excluded.mark, mark), resume = excluded.resume, made_with = excluded.made_with,
           moved_at = excluded.moved_at""",
        (move.object, move.kind, move.partition, move.cursor.mark, move.cursor.resume, move.cursor.made_with, at),
    )


def cursors(con: sqlite3.Connection) -> dict[tuple[str, Kind], Cursor]:
    """Every cursor by object and kind."""
    rows = con.execute("SELECT object, kind, mark, resume, made_with FROM crmsync_cursor WHERE partition = ''")
    return {(row[0], Kind(row[1])): Cursor(mark=row[2], resume=row[3], made_with=row[4]) for row in rows}


class Trouble(Struct, frozen=True, kw_only=True):
    """One error as it is listed: at record level (with both ids) or at job level."""

    run: int
    level: str
    object: str = ""
    operation: str = ""
    crm_id: str | None = None
    row_id: int | None = None
    code: str = ""
    message: str = ""
    hint: str = ""


def trouble(error: BaseException, *, run: int, obj: str = "", operation: str = "") -> Trouble:
    """An exception as an error of job level."""
    known = error if isinstance(error, CrmsyncError) else None
    return Trouble(
        run=run,
        level="job",
        object=obj,
        operation=operation,
        code=(known.code if known else "") or type(error).__name__,
        message=known.message if known else f"{type(error).__name__}: {error}",
        hint=known.hint if known else "",
    )


def save_trouble(con: sqlite3.Connection, one: Trouble, at: str) -> None:
    """List an error; a record's row here is looked up where it has one."""
    row_id = one.row_id
    if row_id is None and one.crm_id:
        sql = "SELECT row_id FROM crmsync_link WHERE object = ? AND crm_id = ?"
        row = con.execute(sql, (one.object, one.crm_id)).fetchone()
        row_id = row[0] if row else None
    con.execute(
        """INSERT INTO crmsync_error (at, run, level, object, operation, crm_id, row_id, code, message, hint)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)""",
        (at, one.run, one.level, one.object, one.operation, one.crm_id, row_id, one.code, one.message, one.hint),
    )


def notice(con: sqlite3.Connection, kind: str, message: str, at: str) -> None:
    """Something a person should know, once: the same text within a day is not repeated."""
    day = at[:10]
    sql = "SELECT 1 FROM crmsync_notice WHERE kind = ? AND message = ? AND at >= ?"
    if not con.execute(sql, (kind, message, day)).fetchone():
        con.execute("INSERT INTO crmsync_notice (at, kind, message) VALUES (?, ?, ?)", (at, kind, message))


def last_notice(con: sqlite3.Connection) -> int:
    """The number of the newest notice; 0 where there is none."""
    return int(con.execute("SELECT COALESCE(MAX(id), 0) FROM crmsync_notice").fetchone()[0])


def notices_after(con: sqlite3.Connection, number: int) -> list[tuple[int, str, str]]:
    """The notices after that one, oldest first: number, moment, text."""
    return con.execute("SELECT id, at, message FROM crmsync_notice WHERE id > ? ORDER BY id", [number]).fetchall()


def save_count(con: sqlite3.Connection, obj: str, records: int, at: str) -> None:
    """Keep how many records the CRM had."""
    sql = """INSERT INTO crmsync_count VALUES (?, ?, ?)
             ON CONFLICT (object) DO UPDATE SET crm_records = ?2, counted_at = ?3"""
    con.execute(sql, (obj, records, at))
