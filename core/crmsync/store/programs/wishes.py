"""Campaigns that programs want made: each wish keeps its key until the program is linked to what came of it."""

from __future__ import annotations

import sqlite3
from uuid import uuid4

from msgspec import Struct

from crmsync.model import Value

REFUSED = "refused"
_STATUS = ("label", "sort_order", "is_default", "has_responded")


class Wish(Struct, frozen=True):
    """One campaign to be made for a program. `campaign` is its CRM id once it is there."""

    program: int
    program_name: str
    name: str
    key: str
    campaign: str | None
    tries: int
    channel: str | None
    period_cost: Value


class Statuses(Struct, frozen=True):
    """How the statuses of a campaign have to change to be those of the program; rows of `campaign_status`."""

    missing: tuple[tuple[int, dict[str, Value]], ...]  # of the program's rows, with their values
    surplus: tuple[tuple[int, str], ...]  # rows and CRM ids


def ask(con: sqlite3.Connection, program: int, name: str) -> None:
    """Want a campaign of this name; one that was asked for before, and may be under way, is the same."""
    con.execute(
        """INSERT INTO crmsync_program_wish (program_id, name, key) VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET
           name = excluded.name, state = 'waiting', tries = 0, retry_at = NULL, code = NULL, message = NULL""",
        (program, name, uuid4().hex),
    )


_DUE = "state = 'waiting' AND (retry_at IS NULL OR retry_at <= ?)"


def any_due(con: sqlite3.Connection, now: str) -> bool:
    """Whether a campaign may be made now."""
    return con.execute(f"SELECT 1 FROM crmsync_program_wish WHERE {_DUE} LIMIT 1", [now]).fetchone() is not None


def due(con: sqlite3.Connection, now: str) -> list[Wish]:
    """The campaigns to be made now."""
    sql = f"""SELECT w.program_id, p.name, w.name, w.key, w.campaign_crm_id, w.tries, p.channel, p.period_cost
              FROM crmsync_program_wish w JOIN program p ON p.id = w.program_id WHERE {_DUE} ORDER BY w.program_id"""
    return [Wish(*row) for row in con.execute(sql, [now])]


def made(con: sqlite3.Connection, program: int, campaign: str) -> None:
    """The campaign is there; its statuses and the link are still to come."""
    con.execute("UPDATE crmsync_program_wish SET campaign_crm_id = ? WHERE program_id = ?", (campaign, program))


def forget(con: sqlite3.Connection, program: int) -> None:
    """The wish is granted, or not wanted any more."""
    con.execute("DELETE FROM crmsync_program_wish WHERE program_id = ?", [program])


def again(con: sqlite3.Connection, program: int) -> None:
    """Want once more what could not be, from where it stopped."""
    con.execute(
        """UPDATE crmsync_program_wish SET state = 'waiting', tries = 0, retry_at = NULL, code = NULL, message = NULL
           WHERE program_id = ? AND state = 'refused'""",
        [program],
    )


def refuse(con: sqlite3.Connection, program: int, code: str, message: str) -> None:
    """It cannot be; asked for again it goes on where it stopped."""
    sql = "UPDATE crmsync_program_wish SET state = 'refused', code = ?, message = ? WHERE program_id = ?"
    con.execute(sql, (code, message, program))


def put_off(con: sqlite3.Connection, program: int, until: str, code: str, message: str) -> None:
    """Try again from a moment on."""
    con.execute(
        """UPDATE crmsync_program_wish SET tries = tries + 1, retry_at = ?, code = ?, message = ?
           WHERE program_id = ?""",
        (until, code, message, program),
    )


def standing(con: sqlite3.Connection, program: int) -> tuple[str, str]:
    """State and message of a wish; empty where there is none."""
    sql = "SELECT state, COALESCE(message, '') FROM crmsync_program_wish WHERE program_id = ?"
    row = con.execute(sql, [program]).fetchone()
    return (str(row[0]), str(row[1])) if row else ("", "")


def statuses(con: sqlite3.Connection, program: int, campaign: str) -> Statuses:
    """Hold the statuses of a campaign against the program's. New ones are sorted behind those that are there."""
    rows = con.execute(
        "SELECT id, label, has_responded FROM program_status WHERE program_id = ? ORDER BY step, id", [program]
    ).fetchall()
    first = _default(con, program)
    sql = "SELECT id, crm_id, label, sort_order FROM campaign_status WHERE campaign_crm_id = ? AND crm_id IS NOT NULL"
    have = {label: (row, crm_id, order) for row, crm_id, label, order in con.execute(sql, [campaign])}
    last = max((order or 0 for _, _, order in have.values()), default=0)
    missing = [
        (number, dict(zip(_STATUS, (label, last + at, number == first, bool(responded)), strict=True)))
        for at, (number, label, responded) in enumerate((row for row in rows if row[1] not in have), 1)
    ]
    labels = {row[1] for row in rows}
    surplus = [(row, crm_id) for label, (row, crm_id, _) in have.items() if label not in labels]
    return Statuses(tuple(missing), tuple(surplus))


def _default(con: sqlite3.Connection, program: int) -> int:
    sql = "SELECT id FROM program_status WHERE program_id = ? ORDER BY is_default DESC, step, id LIMIT 1"
    return int(con.execute(sql, [program]).fetchone()[0])


def alike(con: sqlite3.Connection, program: int, campaign: str) -> None:
    """Let the statuses that both have be the default, and count as a response, where the program's do: a local edit."""
    con.execute(
        """UPDATE campaign_status SET has_responded = s.has_responded, is_default = s.id = ?3 FROM program_status s
           WHERE s.program_id = ?1 AND campaign_status.campaign_crm_id = ?2 AND campaign_status.label = s.label""",
        (program, campaign, _default(con, program)),
    )
