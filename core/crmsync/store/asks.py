"""Memberships that the CRM is asked to make or to end: what waits, and what became of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from crmsync.store.activity import PERSON_OBJECTS
from crmsync.store.memberships import Pair

_KEY = "program_id = ? AND person_id = ?"


@dataclass(frozen=True, slots=True)
class Ask:
    """One membership to be made or ended. `person` and `object` are empty where the CRM does not have the person."""

    program: int
    person_id: int
    own: int
    campaign: str
    member: str
    remove: bool
    status: str
    tries: int
    person: str
    object: str

    @property
    def pair(self) -> Pair:
        """Program and person."""
        return self.program, self.person_id


def any_due(con: sqlite3.Connection, now: str) -> bool:
    """Whether something may be asked now."""
    sql = "SELECT 1 FROM crmsync_member_ask WHERE state = 'waiting' AND (retry_at IS NULL OR retry_at <= ?) LIMIT 1"
    return con.execute(sql, [now]).fetchone() is not None


def due(con: sqlite3.Connection, now: str, after: Pair, most: int) -> list[Ask]:
    """What may be asked now, behind `after`, as program and person are at this moment."""
    sql = f"""SELECT a.program_id, a.person_id, COALESCE(m.id, 0), g.campaign_crm_id, a.member_crm_id, a.remove,
            COALESCE(m.status, ''), a.tries, COALESCE(l.crm_id, ''), COALESCE(l.object, '')
        FROM crmsync_member_ask a CROSS JOIN crmsync_program g ON g.program_id = a.program_id
        CROSS JOIN person p ON p.id = a.person_id
        LEFT JOIN program_member m ON m.program_id = a.program_id AND m.person_id = a.person_id
        LEFT JOIN crmsync_link l ON l.object IN ({PERSON_OBJECTS}) AND l.crm_id = p.crm_id AND l.role = 'current'
        WHERE a.state = 'waiting' AND (a.retry_at IS NULL OR a.retry_at <= ?)
        AND (a.program_id, a.person_id) > (?, ?) AND (a.remove OR m.id IS NOT NULL)
        ORDER BY a.program_id, a.person_id LIMIT ?"""
    return [Ask(*row) for row in con.execute(sql, (now, *after, most))]


def made(con: sqlite3.Connection, one: Ask, crm_id: str) -> None:
    """The person is a member now, under this id; what both sides have is compared once the CRM has told of it."""
    note = "INSERT INTO crmsync_member_moved (program_id, person_id, member_crm_id, field)"
    con.execute(
        """INSERT INTO crmsync_member VALUES (?, ?, ?, NULL, NULL) ON CONFLICT DO UPDATE SET
           member_crm_id = excluded.member_crm_id""",
        (*one.pair, crm_id),
    )
    con.execute(f"{note} VALUES (?, ?, '', '') ON CONFLICT DO NOTHING", one.pair)
    fields = con.execute(f"SELECT fields FROM crmsync_member_ask WHERE {_KEY}", one.pair).fetchone()
    con.executemany(
        f"{note} VALUES (?, ?, '', ?) ON CONFLICT DO NOTHING",
        ((*one.pair, name) for name in (fields[0].split() if fields else ())),
    )
    forget(con, [one.pair])


def forget(con: sqlite3.Connection, pairs: Iterable[Pair]) -> None:
    """There is nothing more to ask for these."""
    con.executemany(f"DELETE FROM crmsync_member_ask WHERE {_KEY}", pairs)


def refuse(con: sqlite3.Connection, one: Ask, code: str, message: str) -> None:
    """The CRM would not; it is asked again when the membership moves."""
    sql = f"UPDATE crmsync_member_ask SET state = 'refused', code = ?, message = ? WHERE {_KEY}"
    con.execute(sql, (code, message, *one.pair))


def put_off(con: sqlite3.Connection, one: Ask, until: str, code: str, message: str) -> None:
    """Ask again from a moment on."""
    sql = f"UPDATE crmsync_member_ask SET tries = tries + 1, retry_at = ?, code = ?, message = ? WHERE {_KEY}"
    con.execute(sql, (until, code, message, *one.pair))
