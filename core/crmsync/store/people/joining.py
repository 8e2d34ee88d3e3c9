"""Persons that become one at a marketer's wish: whose record and values stay, and whose row."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from crmsync.model import Value
from crmsync.store.batch import Batch
from crmsync.store.links import absorb_loser, edited, row_values
from crmsync.store.rows import JOURNAL

RULE = "merged"


class Joined(Struct, frozen=True, kw_only=True):
    """Which rows become one: `kept` is the row that is left, `winner` the one whose record and values stay.

    `in_crm` says whether the CRM has the winner; `values` are what the person is to have instead, by column.
    """

    kept: int
    winner: int
    others: Sequence[int]
    in_crm: bool
    values: Mapping[str, Value] = field(default_factory=dict)


def join(con: sqlite3.Connection, batch: Batch, one: Joined) -> None:
    """Fill the winner's gaps from the others in order, take what was chosen, and let it live on in the row kept.

    Activities and memberships of all belong to it; what the CRM does not know yet is a local edit (R-290 to R-298).
    """
    for loser in one.others:
        if loser != one.winner and row_values(con, "person", loser) is not None:
            con.execute(
                "UPDATE crmsync_link SET role = 'merged' WHERE entity = 'person' AND row_id = ? AND role = 'current'",
                [loser],
            )
            absorb_loser(con, batch, loser, one.winner, ())
    held = row_values(con, "person", one.winner) or {}
    for name, value in one.values.items():
        if held.get(name) != value:
            edited(con, batch, one.winner, name, held.get(name), value)
            note = (batch.run, batch.at, "person", one.winner, name, held.get(name), value, "marketing", RULE)
            con.execute(JOURNAL, note)
    if not one.in_crm:
        con.execute("DELETE FROM crmsync_edit WHERE entity = 'person' AND row_id = ?", [one.winner])
    if one.kept != one.winner:
        _rehome(con, batch, one.winner, one.kept)


_PERSONS = (
    ("person", "id"), ("activity", "person_id"), ("program_member", "person_id"), ("crmsync_member", "person_id"),
    ("crmsync_member_moved", "person_id"), ("crmsync_member_ask", "person_id"),
)  # fmt: skip
_ROWS = ("crmsync_link", "crmsync_edit")


def _rehome(con: sqlite3.Connection, batch: Batch, row_id: int, kept: int) -> None:
    """Let a person live on under another row id, which is free (R-296)."""
    for table, column in _PERSONS:
        con.execute(f"UPDATE OR REPLACE {table} SET {column} = ? WHERE {column} = ?", (kept, row_id))
    for table in _ROWS:
        con.execute(f"UPDATE {table} SET row_id = ? WHERE entity = 'person' AND row_id = ?", (kept, row_id))
    note = (batch.run, batch.at, "person", kept, "id", row_id, kept, "marketing", RULE)
    con.execute(JOURNAL, note)
