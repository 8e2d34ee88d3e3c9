"""Where the values of a record come from: told from the journal, the local edits and the links."""

from __future__ import annotations

import sqlite3
from typing import Any

from crmsync.entities import ENGINE_COLUMNS
from crmsync.model import Value
from crmsync.store.links import row_values
from crmsync.store.names import columns_of
from crmsync.store.people.finding import OBJECTS, Record, check_column, find
from crmsync.store.sending.conflicts import BY_HAND

Told = dict[str, Any]

FIRST_READ, MADE_HERE, LOCAL_EDIT, UNRECORDED = "first-read", "made-here", "local-edit", "unrecorded"
"""Rules of values that the journal does not know: they came with the record, or a program wrote them here."""

_JOURNAL = """SELECT j.at, j.run, r.kind, j.side, j.rule, j.old, j.new FROM crmsync_journal j
    LEFT JOIN crmsync_run r ON r.id = j.run WHERE j.entity = ? AND j.row_id = ? AND j.field = ? ORDER BY j.id"""
_EDIT = ("state", "base", "edited_at", "sent", "tries", "retry_at", "code", "reason", "crm", "since")
_WHY = {
    "local": "it stays here: the field moves one way, or is blocked",
    "pending": "it goes to the CRM with the next cycle",
    "sent": "it was sent and its answer was lost; the next cycle settles it",
    "held": "it is held",
    "conflict": "both sides changed it; `crmsync conflicts settle` decides",
    "quarantined": "the CRM does not take it; correct it, or `crmsync retry` once the cause is gone",
}


def explain(con: sqlite3.Connection, entity: str, who: str, name: str | None = None) -> Told:
    """Everything that is known of a record, or of one column of it, which then comes with its history.

    `fields` has for each value: when, from which side, by which run and rule it came, and `beat`, the value that it
    replaced. `waits` says what keeps a local edit here. Raises SettingsError where no record, or no column, is meant.
    """
    of = find(con, entity, who)
    if name is not None:
        check_column(con, entity, name)
    values = row_values(con, entity, of.row_id)
    ids = _ids(con, of)
    came = _came(con, of, values, ids)
    told: Told = {
        "entity": entity, "row_id": of.row_id, "object": of.object, "crm_id": of.crm_id, "came": came,
        "gone": _gone(con, of) if values is None else None, "ids": ids, "set_aside": _set_aside(con, ids),
        "asked": _asked(con, of),
        "fields": [] if values is None else _fields(con, of, values, came, name),
    }  # fmt: skip
    if name is not None:
        told["history"] = _history(con, of, name)
    return told


def _dicts(con: sqlite3.Connection, sql: str, *values: Value) -> list[Told]:
    cursor = con.execute(sql, values)
    names = [column[0] for column in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _ids(con: sqlite3.Connection, of: Record) -> list[Told]:
    """Every id of the CRM that leads to the row, in the order in which they became known."""
    return _dicts(
        con,
        f"""SELECT l.object, l.crm_id, l.role, l.modified_at, l.run, r.kind, r.started_at AS at FROM crmsync_link l
            LEFT JOIN crmsync_run r ON r.id = l.run
            WHERE (l.object = ?1 AND l.crm_id = ?2) OR (l.entity = ?3 AND l.row_id = ?4 AND l.role <> 'current')
            OR (?2 IS NULL AND l.object IN ({OBJECTS % "?3"}) AND l.row_id = ?4) ORDER BY l.id""",
        of.object, of.crm_id, of.entity, of.row_id,
    )  # fmt: skip


def _came(con: sqlite3.Connection, of: Record, values: dict[str, Value] | None, ids: list[Told]) -> Told:
    """How the row came to be: read by a run, or made here (and sent to the CRM, or adopted, by one)."""
    first = ids[0] if ids else {"run": None, "kind": None, "at": None}
    created_at = str((values or {}).get("created_at") or "") or None
    sql = "SELECT 1 FROM crmsync_intent WHERE entity = ? AND row_id = ? AND operation = 'create' AND state = 'done'"
    made = con.execute(sql, (of.entity, of.row_id)).fetchone() is not None
    before = bool(created_at and first["at"] and created_at < first["at"])
    here = made or before or first["run"] is None
    return {
        "rule": MADE_HERE if here else FIRST_READ, "side": "marketing" if here else "crm",
        "at": created_at if here else first["at"], "run": first["run"], "kind": first["kind"],
    }  # fmt: skip


def _gone(con: sqlite3.Connection, of: Record) -> Told:
    """What is known of a row that is not here any more."""
    found = _dicts(con, _JOURNAL, of.entity, of.row_id, "*")
    sql = "SELECT deleted_at AS at FROM crmsync_deleted WHERE entity = ? AND row_id = ? ORDER BY id"
    here = [{**row, "side": "marketing", "rule": "deleted-here"} for row in _dicts(con, sql, of.entity, of.row_id)]
    return max((*found, *here), key=lambda row: str(row["at"]), default={"rule": UNRECORDED})


def _set_aside(con: sqlite3.Connection, ids: list[Told]) -> list[Told]:
    sql = """SELECT object, crm_id, reason, tries, first_at, last_at FROM crmsync_quarantine
             WHERE object = ? AND crm_id = ?"""
    return [row for one in ids for row in _dicts(con, sql, one["object"], one["crm_id"])]


def _asked(con: sqlite3.Connection, of: Record) -> list[Told]:
    """Writes to the CRM other than edits: what was asked for, and what became of it."""
    sql = """SELECT i.operation, i.object, i.crm_id, i.state, i.sent_at AS at, i.run, r.kind, i.code, i.message
             FROM crmsync_intent i LEFT JOIN crmsync_run r ON r.id = i.run WHERE i.entity = ? AND i.row_id = ?
             ORDER BY i.id"""
    return _dicts(con, sql, of.entity, of.row_id)


def _fields(con: sqlite3.Connection, of: Record, values: dict[str, Value], came: Told, name: str | None) -> list[Told]:
    names = [name] if name else [one for one in columns_of(con, of.entity) if one not in ENGINE_COLUMNS]
    told = [_field(con, of, (one, values[one]), came) for one in names]
    return [one for one in told if name or one["value"] is not None or one["beat"] is not None or one["waits"]]


def _field(con: sqlite3.Connection, of: Record, held: tuple[str, Value], came: Told) -> Told:
    name, value = held
    edit, history = _edit(con, of, name), _history(con, of, name)
    last = history[-1] if history else None
    if last is not None and last["new"] == value:
        origin = {**{key: last[key] for key in ("at", "side", "run", "kind", "rule")}, "beat": last["old"]}
    elif edit is not None:
        origin = {**_NOBODY, "at": edit["edited_at"], "rule": LOCAL_EDIT, "beat": edit["base"]}
    elif last is None:
        origin = {**came, "beat": None}
    else:
        origin = {**_NOBODY, "at": None, "rule": UNRECORDED, "beat": last["new"]}
    return {"field": name, "value": value, **origin, "waits": edit if edit and edit["state"] != "done" else None}


_NOBODY: Told = {"side": "marketing", "run": None, "kind": None}


def _edit(con: sqlite3.Connection, of: Record, name: str) -> Told | None:
    sql = """SELECT state, base, edited_at, sent, tries, retry_at, code, reason, theirs, disputed_at FROM crmsync_edit
             WHERE entity = ? AND row_id = ? AND field = ?"""
    row = con.execute(sql, (of.entity, of.row_id, name)).fetchone()
    if row is None:
        return None
    edit = dict(zip(_EDIT, row, strict=True))
    why = _WHY.get(edit["state"], "")
    if edit["state"] == "pending" and edit["retry_at"]:
        why = f"it is tried again after {edit['retry_at']}"
    return {**edit, "why": f"{why}: {edit['reason']}" if edit["reason"] else why}


def _history(con: sqlite3.Connection, of: Record, name: str) -> list[Told]:
    found = _dicts(con, _JOURNAL, of.entity, of.row_id, name)
    return [{**row, "kind": "by hand"} if row["run"] == BY_HAND else row for row in found]
