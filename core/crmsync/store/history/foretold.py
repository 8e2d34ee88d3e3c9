"""What a rehearsal leaves besides changes here: what would be sent, told and go wrong."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from typing import Any

from crmsync.store.history.planned import CRM, Item, Mark


def sending(con: sqlite3.Connection, obj: str, crm_id: str | None, row_id: int, since: int) -> Iterator[Item]:
    """The edits of a record that are about to leave, each with the value that the CRM has and the new one."""
    entity = con.execute("SELECT entity FROM crmsync_field WHERE object = ? LIMIT 1", [obj]).fetchone()[0]
    won = """SELECT 1 FROM crmsync_journal WHERE entity = ? AND row_id = ? AND field = ? AND id > ?
             AND rule = 'marketing-wins'"""
    sql = """SELECT field, base, sent FROM crmsync_edit WHERE entity = ? AND row_id = ? AND state = 'sent'
             ORDER BY field"""
    for name, base, sent in con.execute(sql, (entity, row_id)).fetchall():
        rule = "marketing-wins" if con.execute(won, (entity, row_id, name, since)).fetchone() else "push"
        yield Item(
            side=CRM, operation="update", object=obj, crm_id=crm_id, entity=entity, row_id=row_id, field=name,
            old=base, new=sent, rule=rule,
        )  # fmt: skip


def intended(con: sqlite3.Connection, key: str) -> str:
    """The entity of a write that may not be repeated blindly, by its key; "" of any other."""
    row = con.execute("SELECT entity FROM crmsync_intent WHERE key = ?", [key]).fetchone()
    return str(row[0]) if row else ""


def activities(con: sqlite3.Connection, mark: Mark) -> list[dict[str, Any]]:
    """How many activities of each kind were written since the mark."""
    sql = """SELECT kind, COALESCE(object, '') AS object, COUNT(*) FROM activity WHERE id > ? GROUP BY kind, object
             ORDER BY kind, object"""
    return [{"kind": kind, "object": obj, "records": number} for kind, obj, number in con.execute(sql, [mark.activity])]


def asked(con: sqlite3.Connection) -> list[dict[str, Any]]:
    """What was asked of the CRM and waits: whoever holds the lease does it beside a cycle."""
    names = ("id", "kind", "person_id", "arguments", "asked_at")
    sql = f"SELECT {', '.join(names)} FROM crm_action WHERE state IN ('waiting', 'running') ORDER BY id"
    return [dict(zip(names, row, strict=True)) for row in con.execute(sql)]


def troubles(con: sqlite3.Connection, mark: Mark, run: int) -> list[dict[str, Any]]:
    """What went wrong in a run: steps that failed, then records that could not be stored or sent, with both ids."""
    names = ("object", "operation", "crm_id", "row_id", "code", "message")
    failed = """SELECT object, operation, NULL, NULL, status, COALESCE(message, '') FROM crmsync_step
                WHERE run = ? AND status IN ('failed', 'incomplete') ORDER BY id"""
    refused = """SELECT object, operation, crm_id, row_id, code, message FROM crmsync_error
                 WHERE id > ? AND level = 'record' ORDER BY id"""
    rows = [*con.execute(failed, [run]), *con.execute(refused, [mark.error])]
    return [dict(zip(names, row, strict=True)) for row in rows]
