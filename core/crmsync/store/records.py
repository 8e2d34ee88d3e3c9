"""The engine's own records: lease, runs, steps, cursors, quarantine, errors, notices, memory."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path

from crmsync.clock import stamp
from crmsync.errors import CrmsyncError, LeaseHeld, LeaseLost
from crmsync.model import Cursor, Kind, Skipped
from crmsync.store.batch import Move, Step

LEASE_SECONDS = 60
STEPS_KEPT = timedelta(days=5)
NOTICES_KEPT = timedelta(days=30)


def holder_name() -> str:
    """This process, as a lease names it: host, process id and the moment the process started."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def is_dead(holder: str) -> bool:
    """Whether a holder was a process of this host that is not running any more. Others may be alive."""
    host, _, rest = holder.partition(":")
    pid, _, started = rest.partition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return bool(started) and _started(int(pid)) not in ("", started)


def _started(pid: int) -> str:
    """Kernel ticks at the start of a process, where the system tells: a process id may be used again."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError, ValueError):
        return ""


def take_lease(con: sqlite3.Connection, holder: str, now: datetime, dead: Callable[[str], bool] = is_dead) -> int:
    """Become the one process that runs cycles here; returns the fencing token.

    Raises LeaseHeld, naming the holder, while another one's lease has not expired.
    """
    row = con.execute("SELECT holder, token, expires_at FROM crmsync_lease WHERE name = 'cycles'").fetchone()
    if row and row[0] != holder and row[2] > stamp(now) and not dead(row[0]):
        who, pid, _ = f"{row[0]}::".split(":", 2)
        raise LeaseHeld(
            f"Process {pid} on {who} runs the cycles of this database (lease until {row[2]}).",
            hint="Stop it, or wait until its lease has expired; commands that only read work all the while.",
        )
    token = int(row[1]) + 1 if row else 1
    con.execute(
        "INSERT INTO crmsync_lease VALUES ('cycles', ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
        "holder = excluded.holder, token = excluded.token, expires_at = excluded.expires_at",
        (holder, token, _until(now)),
    )
    at = stamp(now)
    con.execute("UPDATE crmsync_step SET status = 'cleaned up', ended_at = ? WHERE status = 'in process'", [at])
    con.execute("UPDATE crmsync_run SET status = 'cleaned up', ended_at = ? WHERE status = 'in process'", [at])
    return token


def _until(now: datetime) -> str:
    return stamp(now + timedelta(seconds=LEASE_SECONDS))


def check_lease(con: sqlite3.Connection, token: int) -> None:
    """Raise LeaseLost unless `token` is still the newest."""
    row = con.execute("SELECT token, holder FROM crmsync_lease WHERE name = 'cycles'").fetchone()
    if not row or row[0] != token:
        raise LeaseLost(
            f"{row[1] if row else 'Another process'} took over the cycles of this database; nothing more was written."
        )


def renew_lease(con: sqlite3.Connection, token: int, now: datetime) -> None:
    """Hold the lease for another while."""
    check_lease(con, token)
    con.execute("UPDATE crmsync_lease SET expires_at = ? WHERE name = 'cycles'", [_until(now)])


def release_lease(con: sqlite3.Connection, token: int, now: datetime) -> None:
    """Give the lease up at once, if it is still ours."""
    con.execute("UPDATE crmsync_lease SET expires_at = ? WHERE name = 'cycles' AND token = ?", (stamp(now), token))


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


def quarantine(con: sqlite3.Connection, obj: str, entity: str, skipped: Iterable[Skipped], at: str) -> None:
    """Set records aside with the reason."""
    for one in skipped:
        row = con.execute("SELECT row_id FROM crmsync_link WHERE object = ? AND crm_id = ?", (obj, one.id)).fetchone()
        data = json.dumps(dict(one.row), ensure_ascii=True, default=str)
        con.execute(
            """INSERT INTO crmsync_quarantine VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)
               ON CONFLICT (object, crm_id) DO UPDATE SET reason = excluded.reason, data = excluded.data,
               tries = tries + 1, last_at = excluded.last_at""",
            (obj, one.id, entity, row[0] if row else None, one.reason, data, at, at),
        )


def leave_quarantine(con: sqlite3.Connection, obj: str, ids: Iterable[str]) -> None:
    """Records that could be stored leave by themselves."""
    if con.execute("SELECT 1 FROM crmsync_quarantine WHERE object = ? LIMIT 1", [obj]).fetchone():
        sql = "DELETE FROM crmsync_quarantine WHERE object = ? AND crm_id = ?"
        con.executemany(sql, ((obj, one) for one in ids))


def tried(con: sqlite3.Connection, obj: str, ids: Iterable[str], since: str, at: str) -> None:
    """Count a try of records in quarantine that were read again and did not come."""
    sql = "UPDATE crmsync_quarantine SET tries = tries + 1, last_at = ? WHERE object = ? AND crm_id = ? AND last_at < ?"
    con.executemany(sql, ((at, obj, one, since) for one in ids))


@dataclass(frozen=True, slots=True, kw_only=True)
class Trouble:
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


def memory(con: sqlite3.Connection) -> dict[str, str]:
    """Everything that was remembered, by key."""
    return dict(con.execute("SELECT key, value FROM crmsync_meta").fetchall())


def forget_unless(con: sqlite3.Connection, key: str, other: str) -> None:
    """Forget what is remembered under `key`, unless something is remembered under `other`."""
    con.execute(
        "DELETE FROM crmsync_meta WHERE key = ? AND NOT EXISTS (SELECT 1 FROM crmsync_meta WHERE key = ?)", [key, other]
    )


def remember(con: sqlite3.Connection, values: dict[str, str]) -> None:
    """Keep values under their keys."""
    sql = "INSERT INTO crmsync_meta VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value"
    con.executemany(sql, values.items())


def save_count(con: sqlite3.Connection, obj: str, records: int, at: str) -> None:
    """Keep how many records the CRM had."""
    sql = """INSERT INTO crmsync_count VALUES (?, ?, ?)
             ON CONFLICT (object) DO UPDATE SET crm_records = ?2, counted_at = ?3"""
    con.execute(sql, (obj, records, at))
