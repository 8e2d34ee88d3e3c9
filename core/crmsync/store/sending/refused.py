"""What the CRM would not take: an error with both ids, and an activity of the person it is about."""

from __future__ import annotations

import sqlite3

from msgspec import Struct

from crmsync.model import Value
from crmsync.store.records import Trouble, save_trouble

KIND = "CRM Sync Refused"


class Refusal(Struct, frozen=True, kw_only=True):
    """One record, or some of its columns, that the CRM refused or would refuse."""

    object: str
    operation: str
    entity: str
    row_id: int
    crm_id: str | None
    code: str
    message: str
    hint: str = ""
    columns: tuple[str, ...] = ()
    value: Value = None  # of the column, where it is about one


def save_refusal(con: sqlite3.Connection, one: Refusal, run: int, at: str) -> None:
    """List it, and tell it on the person (R-089, R-332)."""
    save_trouble(
        con,
        Trouble(
            run=run, level="record", object=one.object, operation=one.operation, crm_id=one.crm_id, row_id=one.row_id,
            code=one.code, message=one.message, hint=one.hint,
        ),
        at,
    )  # fmt: skip
    if one.entity == "person":
        con.execute(
            """INSERT INTO activity (person_id, kind, at, field, new_value, object, crm_id, source, reason, run)
               VALUES (?, ?, ?, ?, ?, ?, ?, 'crm', ?, ?)""",
            (
                one.row_id, KIND, at, ", ".join(one.columns) or None, one.value, one.object, one.crm_id,
                f"{one.message} {one.hint}".strip(), run,
            ),
        )  # fmt: skip
