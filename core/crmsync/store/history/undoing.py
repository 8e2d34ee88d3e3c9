"""What a run changed, judged and taken back: values that have not moved since become local edits of what stood before.

A run is read from the journal. Records that came, went, merged or were converted are told, and stay as they are.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from msgspec import Struct

from crmsync.entities import GUARDED
from crmsync.errors import SettingsError
from crmsync.model import Value
from crmsync.store.capture import captured
from crmsync.store.links import row_values
from crmsync.store.people.finding import Record, record
from crmsync.store.rows import JOURNAL

RULE = "undo"
REVERTED, HERE, WAITS, LEFT = "reverted", "reverted here", "waits", "not reverted"
"""What became of one value: both sides have it again; this side alone; the CRM is still to get it; it stays."""

_UNMOVED = frozenset({"marketing-wins", "blocked", "create"})
"""Rules of entries that tell which value won, or went along with a new record: nothing here was changed."""

_JOINED = frozenset({"merged", "converted", "identity"})
_GONE = {
    "deleted": "the record was deleted; it is not made again",
    "undo": "an undo removed it; it is not made again",
    "delete": "it was deleted here on request; it is not made again",
    "program": "the CRM ended the membership",
}
_ONE_WAY = "the field moves one way, or is blocked: the next update of the record in the CRM may overwrite it"
_MERGE = "a merge or conversion cannot be undone (R-300)"


class Reversal(Struct):
    """One value of a run: what the run left, and what stood before. `state` is empty while it may be taken back."""

    of: Record
    field: str
    left: Value
    back: Value
    state: str = ""
    why: str = ""

    def stays(self, why: str) -> None:
        """It is not taken back."""
        self.state, self.why = LEFT, why

    def told(self) -> dict[str, Any]:
        """For a listing."""
        return {
            "object": self.of.object, "crm_id": self.of.crm_id, "entity": self.of.entity, "row_id": self.of.row_id,
            "field": self.field, "left": self.left, "back": self.back, "state": self.state, "why": self.why,
        }  # fmt: skip


def check_run(con: sqlite3.Connection, run: int) -> None:
    """Raise SettingsError for a run that is not there, or has not ended."""
    row = con.execute("SELECT ended_at FROM crmsync_run WHERE id = ?", [run]).fetchone()
    if row is None:
        raise SettingsError(f"There is no run {run}.", hint="`crmsync status --steps --json` names the runs.")
    if row[0] is None:
        raise SettingsError(f"Run {run} has not ended.", hint="Wait until it has, or stop it.")


def reversals(con: sqlite3.Connection, run: int, fields: Sequence[str] = ()) -> list[Reversal]:
    """Every value that a run changed, in these columns where some are named; judged by what stands now."""
    found = con.execute(
        """SELECT entity, row_id, field, old, new, rule FROM crmsync_journal WHERE run = ?
           ORDER BY entity, row_id, id""",
        [run],
    ).fetchall()
    judged = [
        one
        for (entity, row_id), entries in groupby(found, key=itemgetter(0, 1))
        for one in _row(con, record(con, entity, row_id), [entry[2:] for entry in entries])
    ]
    return [one for one in judged if not fields or one.field in fields]


def _row(con: sqlite3.Connection, of: Record, entries: Sequence[tuple[Any, ...]]) -> Iterator[Reversal]:
    """The changes of one row, of several of one field the first old and the last new value."""
    values = row_values(con, of.entity, of.row_id)
    rules: dict[str, list[str]] = {}
    chains: dict[str, Reversal] = {}
    for name, old, new, rule in entries:
        if rule not in _UNMOVED and (rule != "identity" or old is not None):  # a first id comes with a new record
            chains.setdefault(name, Reversal(of, name, new, old)).left = new
            rules.setdefault(name, []).append(rule)
    for name, one in chains.items():
        if one.left != one.back and ("*" not in chains or name == "*"):
            _judge(one, rules[name], values)
            yield one


def _judge(one: Reversal, rules: Sequence[str], values: Mapping[str, Value] | None) -> None:
    if _JOINED.intersection(rules):
        one.stays(_MERGE)
    elif one.field == "*":
        one.stays(_GONE.get(rules[-1], "the row was removed"))
    elif one.field in GUARDED:
        one.stays("the record was deleted in the CRM, or came back there" if "crm_is" in one.field else "the CRM's own")
    elif values is None:
        one.stays("the row is not here any more")
    elif one.field not in values:
        one.stays("the column is not here any more")
    elif values[one.field] != one.left:
        one.stays(f"it has moved since, to {values[one.field]!r}")


def revert(con: sqlite3.Connection, ones: Iterable[Reversal], run: int, at: str) -> int:
    """Write what stood before as local edits, where the value is still the one that the run left; how many were."""
    with captured(con):
        done = [one for one in ones if not one.state and _write(con, one)]
    con.executemany(
        JOURNAL,
        [
            (run, at, one.of.entity, one.of.row_id, one.field, one.left, one.back, "marketing", RULE)
            for one in done
        ],
    )  # fmt: skip
    return len(done)


def _write(con: sqlite3.Connection, one: Reversal) -> bool:
    table, column = f'"{one.of.entity}"', f'"{one.field}"'
    sql = f"UPDATE {table} SET {column} = ? WHERE id = ? AND {column} IS ?"
    try:
        found = con.execute(sql, (one.back, one.of.row_id, one.left)).rowcount
    except sqlite3.IntegrityError as error:  # a rule of somebody else's: a unique index, a trigger
        one.stays(f"the database does not take it: {error}")
        return False
    (now,) = con.execute(f"SELECT {column} FROM {table} WHERE id = ?", [one.of.row_id]).fetchone() or (None,)
    if not found or now != one.back:
        one.stays(f"it has moved since, to {now!r}" if not found else "the database does not take it")
    return not one.state


def outcomes(con: sqlite3.Connection, ones: Iterable[Reversal]) -> None:
    """Tell what became of values that were written back, after they were sent."""
    sql = "SELECT state, reason FROM crmsync_edit WHERE entity = ? AND row_id = ? AND field = ?"
    for one in ones:
        if one.state:
            continue
        values = row_values(con, one.of.entity, one.of.row_id) or {}
        state, reason = con.execute(sql, (one.of.entity, one.of.row_id, one.field)).fetchone() or ("done", "")
        if values.get(one.field) != one.back:
            one.stays(f"the CRM changed it meanwhile, to {values.get(one.field)!r}")
        elif state == "local":
            one.state, one.why = HERE, reason or _ONE_WAY
        elif state == "done":
            one.state = REVERTED
        else:
            one.state, one.why = WAITS, reason or f"its edit is {state}; the next cycle goes on with it"


def to_send(con: sqlite3.Connection, obj: str, ones: Iterable[Reversal]) -> dict[int, str]:
    """The rows of an object with edits that may go to the CRM now, and the ids they stand for."""
    sql = """SELECT 1 FROM crmsync_link l JOIN crmsync_edit e ON e.entity = l.entity AND e.row_id = l.row_id
             WHERE l.object = ? AND l.crm_id = ? AND l.role = 'current' AND e.state = 'pending' LIMIT 1"""
    rows = {one.of.row_id: str(one.of.crm_id) for one in ones if one.of.object == obj and not one.state}
    return {row: crm_id for row, crm_id in rows.items() if con.execute(sql, (obj, crm_id)).fetchone()}
