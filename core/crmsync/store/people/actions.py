"""What marketers ask of the CRM, row by row of `crm_action`: what waits, what is being done, and how it ended."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

WAITING, RUNNING, DONE, REFUSED, FAILED = "waiting", "running", "done", "refused", "failed"
OPEN = "state IN ('waiting', 'running')"  # to the letter as the index has it
_DUE = f"{OPEN} AND (retry_at IS NULL OR retry_at <= ?)"


class Row(Struct, frozen=True):
    """One action that is to be done now."""

    id: int
    kind: str
    person_id: int | None
    arguments: str
    tries: int


class Ended(Struct, frozen=True, kw_only=True):
    """How an action stands after it was tried; `retry_at` where it is not over."""

    id: int
    state: str
    outcome: str
    code: str = ""
    crm_id: str | None = None
    retry_at: str | None = None


def ask(con: sqlite3.Connection, kind: str, persons: Iterable[int], arguments: Mapping[str, Any]) -> list[int]:
    """Ask for the same for each of these persons; returns the numbers of the actions."""
    sql = "INSERT INTO crm_action (kind, person_id, arguments) VALUES (?, ?, ?) RETURNING id"
    text = json.dumps(dict(arguments), default=str)
    return [int(con.execute(sql, (kind, person, text)).fetchone()[0]) for person in persons]


def any_due(con: sqlite3.Connection, now: str) -> bool:
    """Whether an action may be done now."""
    return con.execute(f"SELECT 1 FROM crm_action WHERE {_DUE} LIMIT 1", [now]).fetchone() is not None


def take(con: sqlite3.Connection, now: str, most: int, run: int) -> list[Row]:
    """The actions to be done now, in the order in which they were asked for; of one person only the first."""
    found = con.execute(
        f"""SELECT id, kind, person_id, arguments, tries FROM crm_action a WHERE {_DUE} AND NOT EXISTS
            (SELECT 1 FROM crm_action b WHERE b.{OPEN} AND b.person_id = a.person_id AND b.id < a.id)
            ORDER BY id LIMIT ?""",
        (now, most),
    ).fetchall()
    rows = [Row(*row) for row in found]
    sql = "UPDATE crm_action SET state = 'running', run = ?, retry_at = NULL WHERE id = ?"
    con.executemany(sql, ((run, row.id) for row in rows))
    return rows


def end(con: sqlite3.Connection, ended: Iterable[Ended], at: str) -> None:
    """Store how actions stand."""
    con.executemany(
        """UPDATE crm_action SET state = ?, outcome = ?, code = ?, crm_id = ?, retry_at = ?,
           tries = tries + 1, ended_at = iif(? IN ('waiting', 'running'), NULL, ?) WHERE id = ?""",
        [(one.state, one.outcome, one.code or None, one.crm_id, one.retry_at, one.state, at, one.id) for one in ended],
    )


def note(con: sqlite3.Connection, person: int, kind: str, one: Ended, at: str, run: int) -> None:
    """What was done for a person is an activity of this kind (R-333)."""
    con.execute(
        """INSERT INTO activity (person_id, kind, at, crm_id, source, reason, run)
           VALUES (?, ?, ?, ?, 'marketing', ?, ?)""",
        (person, kind, at, one.crm_id, one.outcome, run),
    )


def again(con: sqlite3.Connection, number: int) -> None:
    """Do an action that failed once more, from where it stopped."""
    con.execute(
        """UPDATE crm_action SET state = 'waiting', tries = 0, retry_at = NULL, ended_at = NULL
           WHERE id = ? AND state IN ('refused', 'failed')""",
        [number],
    )


def found(con: sqlite3.Connection, ids: Sequence[int]) -> list[dict[str, Any]]:
    """How these actions stand, in the order of their numbers."""
    names = ("id", "kind", "person_id", "state", "outcome", "code", "crm_id", "asked_at", "retry_at", "ended_at", "run")
    sql = f"SELECT {', '.join(names)} FROM crm_action WHERE id IN (SELECT value FROM json_each(?)) ORDER BY id"
    return [dict(zip(names, row, strict=True)) for row in con.execute(sql, [json.dumps(list(ids))])]


def made_before(con: sqlite3.Connection, ids: Sequence[int]) -> list[tuple[int, str, str, str]]:
    """What these actions are known to have done in earlier tries: action, operation, object and record."""
    sql = """SELECT action, operation, object, crm_id FROM crmsync_intent WHERE state = 'done' AND crm_id IS NOT NULL
             AND action IN (SELECT value FROM json_each(?)) ORDER BY id"""
    return con.execute(sql, [json.dumps(list(ids))]).fetchall()


def lost(con: sqlite3.Connection, ids: Sequence[int]) -> set[int]:
    """Those of some actions of which a write has no answer yet."""
    sql = """SELECT DISTINCT action FROM crmsync_intent WHERE state = 'sent'
             AND action IN (SELECT value FROM json_each(?))"""
    return {row[0] for row in con.execute(sql, [json.dumps(list(ids))])}
