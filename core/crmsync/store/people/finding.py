"""A record that a person names: by its row, by any id that it has or had in the CRM, or by its e-mail address."""

from __future__ import annotations

import sqlite3
from difflib import get_close_matches

from msgspec import Struct

from crmsync.errors import SettingsError
from crmsync.store.names import columns_of

OBJECTS = "SELECT DISTINCT object FROM crmsync_field WHERE entity = %s"
"""The objects that fill a table."""


class Record(Struct, frozen=True):
    """One row with the record of the CRM that it stands for, where the CRM knows it."""

    entity: str
    row_id: int
    object: str | None = None
    crm_id: str | None = None

    def __str__(self) -> str:
        return f"{self.entity} {self.row_id}" + (f" ({self.object} {self.crm_id})" if self.crm_id else "")


def find(con: sqlite3.Connection, entity: str, who: str) -> Record:
    """The record that a person means; its row may be gone. Raises SettingsError where none, or several, fit."""
    _known(con, entity)
    rows = _linked(con, entity, who) | _numbered(con, entity, who) | _addressed(con, entity, who)
    if len(rows) == 1:
        return record(con, entity, rows.pop())
    if not rows:
        raise SettingsError(
            f"There is no {entity} {who!r}.", hint="Name it by its row id, by its id in the CRM, or by its e-mail."
        )
    fits = "; ".join(str(record(con, entity, row)) for row in sorted(rows)[:10])
    raise SettingsError(f"{who!r} may be any of these: {fits}.", hint="Name it by its id in the CRM.")


def record(con: sqlite3.Connection, entity: str, row_id: int) -> Record:
    """What a row stands for now."""
    if "crm_id" not in columns_of(con, entity):
        return Record(entity, row_id)
    sql = f"""SELECT l.object, l.crm_id FROM "{entity}" t JOIN crmsync_link l
              ON l.object IN ({OBJECTS % "?1"}) AND l.crm_id = t.crm_id WHERE t.id = ?2"""
    return Record(entity, row_id, *(con.execute(sql, (entity, row_id)).fetchone() or (None, None)))


def check_column(con: sqlite3.Connection, entity: str, name: str) -> None:
    """Raise SettingsError, with what is near, for a column that a table does not have."""
    columns = columns_of(con, entity)
    if name in columns:
        return
    near = get_close_matches(name, columns, n=3)
    elsewhere = "account" if entity == "person" and name in columns_of(con, "account") else ""
    hint = f"It is a column of {elsewhere}: --entity {elsewhere}." if elsewhere else ""
    raise SettingsError(
        f"{entity} has no column {name!r}.", hint=f"Did you mean {' or '.join(near)}?" if near else hint
    )


def _known(con: sqlite3.Connection, entity: str) -> None:
    tables = [row[0] for row in con.execute("SELECT DISTINCT entity FROM crmsync_field")]
    if entity not in tables:
        near = get_close_matches(entity, tables, n=2)
        hint = f"Did you mean {' or '.join(near)}?" if near else f"Synced are: {', '.join(sorted(tables)) or 'none'}."
        raise SettingsError(f"{entity!r} is not a synced table.", hint=hint)


def _linked(con: sqlite3.Connection, entity: str, who: str) -> set[int]:
    sql = f"SELECT row_id FROM crmsync_link WHERE object IN ({OBJECTS % '?1'}) AND crm_id = ?2 AND row_id IS NOT NULL"
    return {row[0] for row in con.execute(sql, (entity, who))}


def _numbered(con: sqlite3.Connection, entity: str, who: str) -> set[int]:
    if not (who.isascii() and who.isdigit()) or str(int(who)) != who:  # 007 is somebody's id, not a row
        return set()
    return {row[0] for row in con.execute(f'SELECT id FROM "{entity}" WHERE id = ?', [int(who)])}


def _addressed(con: sqlite3.Connection, entity: str, who: str) -> set[int]:
    if "@" not in who or "email" not in columns_of(con, entity):
        return set()
    return {row[0] for row in con.execute(f'SELECT id FROM "{entity}" WHERE lower(email) = lower(?)', [who])}
