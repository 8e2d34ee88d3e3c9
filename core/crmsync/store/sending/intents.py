"""Writes to the CRM that may not be repeated blindly: stored before they leave, and ended by what became of them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from uuid import uuid4

import msgspec
from msgspec import Struct, field

from crmsync.model import Value
from crmsync.writes import Change, Operation, Outcome

SENT, DONE, REFUSED, LOST, AMBIGUOUS = "sent", "done", "refused", "lost", "ambiguous"
AGAIN = "again"
OPEN = (SENT, AMBIGUOUS)
"""States in which nobody knows, or nobody can know, what the CRM made of it: nothing like it is sent again."""

_ONCE = (Operation.CREATE, Operation.CONVERT, Operation.MERGE, Operation.DELETE)
"""Operations that a row knows at most one of at a time, whoever asks. A person may well get two tasks."""


class Asked(Struct, frozen=True, kw_only=True):
    """One change that somebody asks for, and the row here that it is about.

    `sent` are the row's values that the change carries, by column, empty ones among them: what differs from them when
    the answer comes was edited meanwhile. Without `link` a new record is not what the row stands for from then on.
    """

    change: Change
    entity: str
    row_id: int
    action: int | None = None
    sent: Mapping[str, Value] = field(default_factory=dict)
    link: bool = True


class Intent(Struct, frozen=True, kw_only=True):
    """One stored write as it stands."""

    asked: Asked
    state: str
    sent_at: str
    crm_id: str | None = None
    code: str = ""
    message: str = ""
    ended_at: str | None = None

    @property
    def again(self) -> bool:
        """Whether a person has looked at what was found, and wants it looked for again."""
        return self.code == AGAIN

    @property
    def key(self) -> str:
        """What it is known by, here and where the CRM keeps keys of others."""
        return self.asked.change.key


_READ = """SELECT payload, state, sent_at, crm_id, COALESCE(code, ''), COALESCE(message, ''), ended_at
    FROM crmsync_intent"""


def _intents(rows: Iterable[sqlite3.Row | tuple[str, ...]]) -> list[Intent]:
    return [
        Intent(
            asked=msgspec.json.decode(payload, type=Asked),
            state=state, sent_at=at, crm_id=crm_id, code=code, message=message, ended_at=ended_at,
        )
        for payload, state, at, crm_id, code, message, ended_at in rows
    ]  # fmt: skip


def key_of(con: sqlite3.Connection, operation: Operation, entity: str, row_id: int, action: int | None = None) -> str:
    """The key for a write: the one that the same wish was sent under before, else a new one."""
    if action is not None:
        mine = "SELECT key FROM crmsync_intent WHERE action = ? AND operation = ? AND entity = ? AND row_id = ?"
        if row := con.execute(f"{mine} ORDER BY id DESC", (action, operation, entity, row_id)).fetchone():
            return str(row[0])
    if operation in _ONCE:
        same = "SELECT key FROM crmsync_intent WHERE entity = ? AND row_id = ? AND operation = ? AND state IN (?, ?)"
        if row := con.execute(f"{same} ORDER BY id DESC", (entity, row_id, operation, *OPEN)).fetchone():
            return str(row[0])
    return uuid4().hex


def by_key(con: sqlite3.Connection, keys: Sequence[str]) -> dict[str, Intent]:
    """The intents that are stored under these keys."""
    sql = f"{_READ} WHERE key IN (SELECT value FROM json_each(?))"
    return {one.key: one for one in _intents(con.execute(sql, [json.dumps(list(keys))]))}


def unsettled(con: sqlite3.Connection) -> list[Intent]:
    """Everything that was sent and has no answer, in the order in which it left."""
    return standing(con, SENT)


def standing(con: sqlite3.Connection, state: str) -> list[Intent]:
    """Everything in one state, in the order in which it left first."""
    return _intents(con.execute(f"{_READ} WHERE state = '{state}' ORDER BY id"))  # to the letter as the index has it


def reopen(con: sqlite3.Connection, key: str, *, sent: bool) -> None:
    """Have what is in doubt looked for again; without `sent` it counts as never made, and may leave again."""
    sql = "UPDATE crmsync_intent SET state = ?, code = ?, message = NULL, ended_at = NULL WHERE key = ?"
    con.execute(sql, (SENT if sent else LOST, AGAIN, key))


def begin(con: sqlite3.Connection, asked: Iterable[Asked], run: int, at: str) -> None:
    """Note what is about to leave. What was certainly not made may leave again under its key."""
    con.executemany(
        """INSERT INTO crmsync_intent (key, run, action, operation, object, entity, row_id, crm_id, payload, state,
           sent_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, 'sent', ?) ON CONFLICT (key) DO UPDATE SET run = excluded.run,
           crm_id = excluded.crm_id, payload = excluded.payload, state = 'sent', sent_at = excluded.sent_at,
           ended_at = NULL, code = NULL, message = NULL""",
        [
            (
                one.change.key, run, one.action, one.change.operation, one.change.object, one.entity, one.row_id,
                one.change.crm_id, msgspec.json.encode(one).decode(), at,
            )
            for one in asked
        ],
    )  # fmt: skip


def end(con: sqlite3.Connection, key: str, state: str, at: str, outcome: Outcome) -> None:
    """What became of it."""
    con.execute(
        """UPDATE crmsync_intent SET state = ?, ended_at = ?, crm_id = COALESCE(?, crm_id), code = ?, message = ?
           WHERE key = ?""",
        (state, at, outcome.crm_id, outcome.code or None, outcome.message or None, key),
    )


def merging(con: sqlite3.Connection, obj: str, loser: str) -> bool:
    """Whether we asked the CRM to merge this record away and have no answer yet."""
    found = con.execute(f"{_READ} WHERE state = 'sent' AND operation = 'merge' AND object = ?", [obj])
    return any(loser in one.asked.change.wish.losers for one in _intents(found))


def of_others(con: sqlite3.Connection, one: Intent, ids: Iterable[str]) -> dict[str, int]:
    """Those of some records that stand for other rows, which were here before the create left, with those rows."""
    asked = one.asked
    if not asked.link:
        return {}
    sql = f"""SELECT l.crm_id, l.row_id FROM json_each(?) j JOIN crmsync_link l ON l.object = ? AND l.crm_id = j.value
        JOIN "{asked.entity}" t ON t.id = l.row_id
        WHERE l.entity = ? AND l.role = 'current' AND l.row_id <> ? AND t.created_at < ?"""
    found = (json.dumps(sorted(ids)), asked.change.object, asked.entity, asked.row_id, one.sent_at)
    return dict(con.execute(sql, found).fetchall())


def unclaimed(con: sqlite3.Connection, obj: str, ids: Sequence[str]) -> list[str]:
    """Those of some records that none of our other writes is known to have made."""
    sql = """SELECT value FROM json_each(?) WHERE value NOT IN (SELECT crm_id FROM crmsync_intent
             WHERE object = ? AND state = 'done' AND operation IN ('create', 'task'))"""
    return [str(row[0]) for row in con.execute(sql, (json.dumps(list(ids)), obj))]
