"""Conflicts: fields that both sides changed apart and that a person has to decide (winner `manual`)."""

from __future__ import annotations

import sqlite3
from typing import Any

from msgspec import Struct

from crmsync.clock import Clock, stamp
from crmsync.errors import SettingsError
from crmsync.model import Kind, Page, Route, Type, Value
from crmsync.store.activity import Trailer
from crmsync.store.batch import Applied, Batch
from crmsync.store.links import row_values
from crmsync.store.people.finding import Record, find, record
from crmsync.store.rows import JOURNAL
from crmsync.values import from_json

BY_HAND = 0
"""The run of what a person decided outside any run."""

RULE = "settled"
CRM, MARKETING = "crm", "marketing"


class Choice(Struct, frozen=True):
    """How a conflict ends: with the value of a side ("crm", "marketing"), or with a new one where `take` is empty."""

    take: str = ""
    value: Value = None


class _Conflict(Struct, frozen=True):
    """One as it stands."""

    of: Record
    field: str
    local: Value
    theirs: Value


def conflicts(con: sqlite3.Connection) -> list[dict[str, Any]]:
    """Every open conflict, oldest first: both ids, the field, base, local and CRM value, and since when."""
    found = con.execute(
        """SELECT entity, row_id, field, base, theirs, edited_at, disputed_at FROM crmsync_edit
           WHERE state = 'conflict' ORDER BY disputed_at, entity, row_id, field"""
    )
    return [_told(con, *row) for row in found.fetchall()]


def _told(con: sqlite3.Connection, entity: str, row_id: int, *rest: Any) -> dict[str, Any]:
    name, base, theirs, edited_at, since = rest
    of, local = record(con, entity, row_id), (row_values(con, entity, row_id) or {}).get(name)
    return {
        "entity": entity, "row_id": row_id, "object": of.object, "crm_id": of.crm_id, "field": name, "base": base,
        "local": local, "crm": theirs, "edited_at": edited_at, "since": since,
    }  # fmt: skip


def settle(con: sqlite3.Connection, named: tuple[str, str, str], choice: Choice, clock: Clock) -> dict[str, Any]:
    """End one conflict, of (entity, record, field), as a person decided; the value that lost goes into the journal.

    The CRM's value is taken here; any other waits for the CRM from then on. Raises SettingsError where there is no
    such conflict, or the value is none of the column's type.
    """
    entity, who, name = named
    one = _open(con, find(con, entity, who), name)
    value = {CRM: one.theirs, MARKETING: one.local}.get(choice.take) if choice.take else _typed(con, one, choice.value)
    at = stamp(clock.now())
    if value == one.theirs:
        _take(con, one, at)
    else:
        _send(con, one, value, at)
    lost = [old for old in (one.local, one.theirs) if old != value]
    return {
        "entity": entity, "row_id": one.of.row_id, "object": one.of.object, "crm_id": one.of.crm_id, "field": name,
        "value": value, "lost": lost, "state": "settled" if value == one.theirs else "pending",
    }  # fmt: skip


def _open(con: sqlite3.Connection, of: Record, name: str) -> _Conflict:
    sql = "SELECT theirs FROM crmsync_edit WHERE entity = ? AND row_id = ? AND field = ? AND state = 'conflict'"
    row = con.execute(sql, (of.entity, of.row_id, name)).fetchone()
    if row is None:
        raise SettingsError(f"{name} of {of} is in no conflict.", hint="`crmsync conflicts` lists those that are.")
    return _Conflict(of, name, (row_values(con, of.entity, of.row_id) or {}).get(name), row[0])


def _typed(con: sqlite3.Connection, one: _Conflict, value: Value) -> Value:
    sql = "SELECT type FROM crmsync_field WHERE object = ? AND column_name = ?"
    (kind,) = con.execute(sql, (one.of.object, one.field)).fetchone() or ("text",)
    try:
        return from_json(value, Type(kind))
    except ValueError as error:
        raise SettingsError(f"{one.field} of {one.of} takes no such value: {error}.") from None


def _take(con: sqlite3.Connection, one: _Conflict, at: str) -> None:
    """The CRM's value, as if it had been pulled."""
    of = one.of
    con.execute(f'UPDATE "{of.entity}" SET "{one.field}" = ? WHERE id = ?', (one.theirs, of.row_id))
    con.execute("DELETE FROM crmsync_edit WHERE entity = ? AND row_id = ? AND field = ?", _key(one))
    _note(con, one, (one.local, one.theirs, CRM), at)
    route = Route(object=str(of.object), entity=of.entity)
    trailer = Trailer(con, Batch(route=route, page=Page(), kind=Kind.IDS, run=BY_HAND, at=at))
    change = (one.field, one.local, one.theirs, RULE)
    trailer.changed(of.row_id, str(of.crm_id), [change], row_values(con, of.entity, of.row_id) or {})
    trailer.flush(Applied())


def _send(con: sqlite3.Connection, one: _Conflict, value: Value, at: str) -> None:
    """The local or a new value: a local edit on what the CRM has now."""
    con.execute(f'UPDATE "{one.of.entity}" SET "{one.field}" = ? WHERE id = ?', (value, one.of.row_id))
    con.execute(
        """UPDATE crmsync_edit SET state = 'pending', base = theirs, theirs = NULL, disputed_at = NULL, tries = 0,
           retry_at = NULL, code = NULL, reason = NULL, seq = seq + ?, edited_at = ?
           WHERE entity = ? AND row_id = ? AND field = ?""",
        (int(value != one.local), at, *_key(one)),
    )
    _note(con, one, (one.theirs if value == one.local else one.local, value, MARKETING), at)


def _note(con: sqlite3.Connection, one: _Conflict, change: tuple[Value, Value, str], at: str) -> None:
    old, new, side = change
    con.execute(JOURNAL, (BY_HAND, at, *_key(one), old, new, side, RULE))


def _key(one: _Conflict) -> tuple[str, int, str]:
    return one.of.entity, one.of.row_id, one.field
