"""Persons, owners and campaigns as the actions of a marketer need to know them."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from difflib import get_close_matches

from msgspec import Struct

from crmsync.model import Value
from crmsync.store.programs.links import stands


class Person(Struct, frozen=True, kw_only=True):
    """One person, and the record of the CRM that it stands for, or stood for until that was deleted there."""

    row_id: int
    type: str = ""  # lead or contact; empty for a person of this side alone
    object: str = ""
    crm_id: str = ""
    deleted: bool = False  # in the CRM
    owner: str = ""
    is_account_too: bool = False

    @property
    def in_crm(self) -> bool:
        """Whether the CRM has the person."""
        return bool(self.crm_id) and not self.deleted

    def __str__(self) -> str:
        return f"person {self.row_id}" + (f" ({self.object} {self.crm_id})" if self.crm_id else "")


def people(con: sqlite3.Connection, roles: Mapping[str, str], ids: Sequence[int]) -> dict[int, Person]:
    """The persons that are here, by their rows; `roles` names the person role of each object."""
    if not stands(con, "person"):
        return {}
    sql = """SELECT id, COALESCE(crm_type, ''), COALESCE(crm_id, ''), crm_is_deleted, COALESCE(owner_crm_id, ''),
             COALESCE(is_person_account, 0) FROM person WHERE id IN (SELECT value FROM json_each(?))"""
    objects = {role: obj for obj, role in roles.items() if role}
    return {
        row[0]: Person(
            row_id=row[0], type=row[1], object=objects.get(row[1], ""), crm_id=row[2], deleted=bool(row[3]),
            owner=row[4], is_account_too=bool(row[5]),
        )
        for row in con.execute(sql, [json.dumps(list(ids))])
    }  # fmt: skip


def standing_for(con: sqlite3.Connection, roles: Mapping[str, str], obj: str, crm_id: str) -> Person | None:
    """The person that stands for a record of the CRM."""
    row = con.execute("SELECT row_id FROM crmsync_link WHERE object = ? AND crm_id = ?", (obj, crm_id)).fetchone()
    return people(con, roles, [row[0]]).get(row[0]) if row and row[0] is not None else None


class Owner(Struct, frozen=True):
    """A user, a queue or a team of the CRM."""

    crm_id: str
    name: str
    kind: str = "user"

    @property
    def is_queue(self) -> bool:
        """Whether it may own leads and no contacts."""
        return self.kind == "queue"

    def __str__(self) -> str:
        return f"{self.kind} {self.name} ({self.crm_id})"


def active_users(con: sqlite3.Connection, ids: Iterable[str]) -> set[str]:
    """Those of these ids that are users who may own something."""
    if not stands(con, "crm_user"):
        return set()
    sql = "SELECT crm_id FROM crm_user WHERE is_active AND crm_id IN (SELECT value FROM json_each(?))"
    return {row[0] for row in con.execute(sql, [json.dumps(sorted(set(ids)))])}


_USERS = """SELECT crm_id, COALESCE(name, username, email, ''), 'user' FROM crm_user WHERE crm_id = ?1
    OR lower(?1) IN (lower(username), lower(email), lower(name))"""
_QUEUES = """SELECT crm_id, COALESCE(name, developer_name, ''), 'queue' FROM queue WHERE crm_id = ?1
    OR lower(?1) IN (lower(name), lower(developer_name))"""
_TEAMS = """SELECT crm_id, COALESCE(name, ''), 'team' FROM team WHERE crm_id = ?1 OR lower(?1) = lower(name)"""


def owner(con: sqlite3.Connection, text: str) -> Owner:
    """The user, queue or team that a person means: by id, username, e-mail or name. Raises LookupError, saying why."""
    asked = (_USERS, _QUEUES, _TEAMS) if stands(con, "team") else (_USERS, _QUEUES)
    found = [Owner(*row) for sql in asked for row in con.execute(sql, [text])]
    if len(found) == 1:
        return found[0]
    if found:
        raise LookupError(f"{text!r} may be any of these: {'; '.join(map(str, found[:10]))}. Name it by its id.")
    names = [row[0] for row in con.execute("SELECT username FROM crm_user UNION SELECT name FROM queue") if row[0]]
    near = get_close_matches(text, names, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else "The tables crm_user and queue have those that are known."
    raise LookupError(f"No user and no queue of the CRM is called {text!r}. {hint}")


def campaign(con: sqlite3.Connection, text: str) -> tuple[str, str]:
    """The campaign that a person means, by id, name or row: id and name. Raises LookupError that says why not."""
    if not stands(con, "campaign"):
        raise LookupError("Campaigns are not synced: select them in the settings, and run a sync.")
    sql = "SELECT crm_id, COALESCE(name, '') FROM campaign WHERE crm_id = ?1 OR name = ?1 OR CAST(id AS TEXT) = ?1"
    found = con.execute(sql, [text]).fetchall()
    exact = [row for row in found if row[0] == text] or found
    if len(exact) == 1:
        return str(exact[0][0]), str(exact[0][1])
    if exact:
        fits = "; ".join(f"{name} ({crm_id})" for crm_id, name in exact[:10])
        raise LookupError(f"{text!r} may be any of these: {fits}. Name it by its id.")
    names = [row[0] for row in con.execute("SELECT name FROM campaign WHERE name IS NOT NULL")]
    near = get_close_matches(text, names, n=3)
    hint = f"Did you mean {' or '.join(near)}?" if near else "The table campaign has those that are known."
    raise LookupError(f"There is no campaign {text!r}. {hint}")


def member(con: sqlite3.Connection, campaign_id: str, person: Person) -> str | None:
    """The membership of a person in a campaign, by its id in the CRM, where it is known here."""
    if not stands(con, "campaign_member"):
        return None
    sql = f"SELECT crm_id FROM campaign_member WHERE campaign_crm_id = ? AND {person.type}_crm_id = ?"
    row = con.execute(sql, (campaign_id, person.crm_id)).fetchone()
    return str(row[0]) if row else None


def open_edits(con: sqlite3.Connection, rows: Sequence[int]) -> dict[int, dict[str, tuple[str, str]]]:
    """Edits of persons that are meant for the CRM and did not reach it: by row and column, state and reason."""
    sql = """SELECT row_id, field, state, COALESCE(reason, '') FROM crmsync_edit WHERE entity = 'person'
             AND row_id IN (SELECT value FROM json_each(?)) AND state <> 'local' ORDER BY field"""
    found: dict[int, dict[str, tuple[str, str]]] = {row: {} for row in rows}
    for row_id, name, state, reason in con.execute(sql, [json.dumps(list(rows))]):
        found[row_id][name] = (state, reason)
    return found


def try_again(con: sqlite3.Connection, rows: Sequence[int]) -> None:
    """What was set aside or put off of these persons may go at once: somebody asks for it."""
    con.executemany(
        """UPDATE crmsync_edit SET state = 'pending', tries = 0, retry_at = NULL, code = NULL, reason = NULL
           WHERE entity = 'person' AND row_id = ? AND state IN ('pending', 'quarantined')""",
        ((row,) for row in rows),
    )


def values_of(con: sqlite3.Connection, rows: Sequence[int], table: str = "person") -> dict[int, dict[str, Value]]:
    """Persons as they stand, whole, by their rows; in `person_full` with the columns of their accounts."""
    cursor = con.execute(f'SELECT * FROM "{table}" WHERE id IN (SELECT value FROM json_each(?))', [json.dumps(rows)])
    names = [column[0] for column in cursor.description]
    found = [dict(zip(names, row, strict=True)) for row in cursor]
    return {int(row["id"]): row for row in found}
