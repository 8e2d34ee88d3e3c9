"""Memberships that the CRM is asked to make or to end: what waits, and what became of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from crmsync.store.activity import PERSON_OBJECTS
from crmsync.store.programs.memberships import Pair
from crmsync.store.programs.watched import watch_people

_KEY = "program_id = ? AND person_id = ?"


class Ask(Struct, frozen=True):
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
    rows = con.execute(sql, (now, *after, most))
    return [
        Ask(program, person, own, campaign, member, bool(remove), *rest)
        for program, person, own, campaign, member, remove, *rest in rows
    ]


def made(con: sqlite3.Connection, one: Ask, crm_id: str) -> None:
    """The person is a member now, under this id; what both sides have is compared once the CRM has told of it."""
    linked = "SELECT 1 FROM crmsync_program WHERE program_id = ? AND campaign_crm_id = ?"
    if con.execute(linked, (one.program, one.campaign)).fetchone() is None:
        return  # parted meanwhile
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


def refuse(con: sqlite3.Connection, one: Ask, at: str, code: str, message: str) -> None:
    """The CRM would not. It is asked again when the membership moves or, where it lacks the person, the person does."""
    sql = f"UPDATE crmsync_member_ask SET state = ?, failed_at = ?, code = ?, message = ? WHERE {_KEY}"
    con.execute(sql, ("refused" if one.person else "lacking", at, code, message, *one.pair))
    watch_people(con)


def put_off(con: sqlite3.Connection, one: Ask, at: str, until: str, reason: tuple[str, str]) -> None:
    """Ask again from a moment on; `reason` is code and message."""
    con.execute(
        f"""UPDATE crmsync_member_ask SET tries = tries + 1, failed_at = ?, retry_at = ?, code = ?, message = ?
            WHERE {_KEY}""",
        (at, until, *reason, *one.pair),
    )


def set_aside(con: sqlite3.Connection) -> Iterator[dict[str, Any]]:
    """What was refused or put off, as it is listed when it is to be tried again; `field` is the program's name."""
    sql = """SELECT (SELECT object FROM crmsync_field WHERE entity = 'campaign_member' LIMIT 1), p.crm_id, a.person_id,
            g.name, iif(a.state = 'waiting', 'put off', a.state), a.code, a.message, COALESCE(a.failed_at, '')
        FROM crmsync_member_ask a JOIN person p ON p.id = a.person_id JOIN program g ON g.id = a.program_id
        WHERE a.state <> 'waiting' OR a.tries > 0 ORDER BY a.program_id, a.person_id"""
    names = ("object", "crm_id", "row_id", "field", "was", "cause", "reason", "at")
    for row in con.execute(sql).fetchall():
        yield {"way": "member", "entity": "person", **dict(zip(names, row, strict=True))}


def free(con: sqlite3.Connection, memberships: Iterable[tuple[int, str]]) -> None:
    """Ask again for these persons in these programs, by name, with the next cycle."""
    con.executemany(
        """UPDATE crmsync_member_ask SET state = 'waiting', tries = 0, retry_at = NULL, code = NULL, message = NULL
           WHERE person_id = ? AND program_id = (SELECT id FROM program WHERE name = ?)""",
        memberships,
    )
    watch_people(con)
