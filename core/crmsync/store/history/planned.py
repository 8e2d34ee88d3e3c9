"""What a run changed, as the items of a plan: from the journal, the links and the rows since a mark.

The same function tells what a rehearsal would do and what was really done, so that both can be compared.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from crmsync.entities import ENGINE_COLUMNS
from crmsync.model import Value
from crmsync.store.links import row_values
from crmsync.store.people.finding import OBJECTS, Record, record

MARKETING, CRM = "marketing", "crm"
JOINED = frozenset({"merged", "converted"})

_QUIET = frozenset({"marketing-wins", "blocked", "create"})
"""Rules of journal entries that tell which value won, or what a new record of the CRM was given: nothing moved here."""

_OPERATIONS = {"deleted": "delete", "merged": "merge", "converted": "convert"}


class Item(Struct, frozen=True, kw_only=True):
    """One change of one side. `field` is the column; "*" stands for a whole record, whose values are then a table.

    `side` is the one that is written. Operations are create, link (a record is joined to a row that was here), update,
    delete, merge and convert, and of the CRM further ones. `row_id` of a record that is new here is a guess.
    """

    side: str
    operation: str
    object: str
    crm_id: str | None
    entity: str
    row_id: int | None
    field: str
    old: Any = None
    new: Any = None
    rule: str = ""


class Mark(Struct, frozen=True):
    """Where a database stood: the last number of each table that grows."""

    journal: int
    link: int
    activity: int
    error: int
    rows: Mapping[str, int] = field(default_factory=dict)

    def is_new(self, entity: str, row_id: int | None) -> bool:
        """Whether a row was made after the mark."""
        return row_id is not None and row_id > self.rows.get(entity, 0)


_WATCH = (
    """CREATE TEMP TABLE IF NOT EXISTS planned_link
       (object TEXT, crm_id TEXT, was TEXT, now TEXT, row_was INTEGER, row_now INTEGER)""",
    """CREATE TEMP TRIGGER IF NOT EXISTS planned_link_moved AFTER UPDATE OF role, row_id ON main.crmsync_link
       WHEN OLD.role IS NOT NEW.role OR OLD.row_id IS NOT NEW.row_id BEGIN
       INSERT INTO planned_link VALUES (NEW.object, NEW.crm_id, OLD.role, NEW.role, OLD.row_id, NEW.row_id); END""",
    "DELETE FROM temp.planned_link",
)


def watch(con: sqlite3.Connection) -> Mark:
    """Begin to note what moves, on this connection alone."""
    for statement in _WATCH:
        con.execute(statement)
    tables = ("crmsync_journal", "crmsync_link", "activity", "crmsync_error")
    journal, link, activity, error = (
        con.execute(f"SELECT COALESCE(MAX(id), 0) FROM {table}").fetchone()[0] for table in tables
    )
    return Mark(journal, link, activity, error, dict(con.execute("SELECT name, seq FROM sqlite_sequence").fetchall()))


def unwatch(con: sqlite3.Connection) -> None:
    """Note nothing any more."""
    con.execute("DROP TRIGGER IF EXISTS temp.planned_link_moved")
    con.execute("DROP TABLE IF EXISTS temp.planned_link")


def items(con: sqlite3.Connection, mark: Mark) -> Iterator[Item]:
    """What was changed on the marketing side since the mark: joins, new records, then values, a row at a time.

    Of several changes of one value there is one item, from what stood before to what stands now.
    """
    yield from _joins(con, mark)
    yield from _creates(con, mark)
    yield from _members(con, mark)
    yield from _values(con, mark)


def _joins(con: sqlite3.Connection, mark: Mark) -> Iterator[Item]:
    """Ids that live on under another, where a row took the other id or went into another row."""
    sql = """SELECT DISTINCT p.object, p.crm_id, p.now, l.entity, l.row_id, p.row_was FROM temp.planned_link p
             JOIN crmsync_link l ON l.object = p.object AND l.crm_id = p.crm_id AND l.role = p.now
             WHERE p.was <> p.now ORDER BY p.rowid"""
    for obj, crm_id, role, entity, row_id, was in con.execute(sql).fetchall():
        if role not in JOINED or row_id is None:
            continue
        went = was not in (None, row_id) and _noted(con, Record(entity, was), mark, role)
        if went or _noted(con, Record(entity, row_id), mark, "identity"):
            yield Item(
                side=MARKETING, operation=_OPERATIONS[role], object=obj, crm_id=crm_id, entity=entity, row_id=row_id,
                field="crm_id", old=crm_id, new=record(con, entity, row_id).crm_id, rule=role,
            )  # fmt: skip


def _creates(con: sqlite3.Connection, mark: Mark) -> Iterator[Item]:
    """Records that came, in rows of their own or (matched) in rows that were here."""
    known = """SELECT object, crm_id, entity, row_id, NULL FROM crmsync_link WHERE id > ? AND role = 'current'
               AND row_id IS NOT NULL"""
    back = """SELECT l.object, l.crm_id, l.entity, l.row_id, p.was FROM temp.planned_link p
              JOIN crmsync_link l ON l.object = p.object AND l.crm_id = p.crm_id
              WHERE p.now = 'current' AND l.role = 'current'"""
    for obj, crm_id, entity, row_id, was in [*con.execute(known, [mark.link]), *con.execute(back)]:
        of = Record(entity, row_id, obj, crm_id)
        values = row_values(con, entity, row_id)
        if values is None or values.get("crm_id") != crm_id or _ours(con, of):
            continue
        if mark.is_new(entity, row_id) or (was == "deleted" and not _undeleted(con, of, mark)):
            yield _whole("create", of, values)
        elif was is None and not _renamed(con, of, mark):
            yield _whole("link", of, values)


def _members(con: sqlite3.Connection, mark: Mark) -> Iterator[Item]:
    """Memberships that programs took from their campaigns: they stand for no record of the CRM by themselves."""
    sql = "SELECT id FROM program_member WHERE id > ? ORDER BY id"
    for (row_id,) in con.execute(sql, [mark.rows.get("program_member", 0)]).fetchall():
        values = row_values(con, "program_member", row_id) or {}
        yield replace(_whole("create", Record("program_member", row_id), values), rule="program")


def _whole(operation: str, of: Record, values: Mapping[str, Value]) -> Item:
    new = {name: value for name, value in values.items() if value is not None and name not in ENGINE_COLUMNS}
    return Item(
        side=MARKETING, operation=operation, object=of.object or "", crm_id=of.crm_id, entity=of.entity,
        row_id=of.row_id, field="*", new=new, rule="pull",
    )  # fmt: skip


def _ours(con: sqlite3.Connection, of: Record) -> bool:
    """Whether the record was made in the CRM from here."""
    sql = "SELECT 1 FROM crmsync_intent WHERE entity = ? AND row_id = ? AND operation = 'create' AND crm_id = ?"
    return con.execute(sql, (of.entity, of.row_id, of.crm_id)).fetchone() is not None


def _undeleted(con: sqlite3.Connection, of: Record, mark: Mark) -> bool:
    return _noted(con, of, mark, "undeleted")


def _renamed(con: sqlite3.Connection, of: Record, mark: Mark) -> bool:
    """Whether the row took the id by a merge or conversion."""
    return _noted(con, of, mark, "identity")


def _noted(con: sqlite3.Connection, of: Record, mark: Mark, rule: str) -> bool:
    sql = "SELECT 1 FROM crmsync_journal WHERE entity = ? AND row_id = ? AND id > ? AND rule = ?"
    return con.execute(sql, (of.entity, of.row_id, mark.journal, rule)).fetchone() is not None


def _values(con: sqlite3.Connection, mark: Mark) -> Iterator[Item]:
    """Values that changed, and rows that went."""
    found = con.execute(
        """SELECT entity, row_id, field, old, new, side, rule FROM crmsync_journal WHERE id > ?
           ORDER BY entity, row_id, id""",
        [mark.journal],
    )
    for (entity, row_id), entries in groupby(found.fetchall(), key=itemgetter(0, 1)):
        if not mark.is_new(entity, row_id):
            of = record(con, entity, row_id)
            yield from _row(con, of, [entry[2:] for entry in entries])


def _moves(name: str, old: Value, side: str, rule: str) -> bool:
    """Whether an entry tells of a change of its own: an id comes with a new record of the CRM, or with a join."""
    if rule == "identity":
        return name != "crm_id" and old is not None
    return rule not in _QUIET and (side, rule) != (MARKETING, "push")


def _row(con: sqlite3.Connection, of: Record, entries: Sequence[tuple[Any, ...]]) -> Iterator[Item]:
    gone = next((entry for entry in reversed(entries) if entry[0] == "*"), None)
    if gone is not None:
        moved = [one for one in entries if one[0] != "*" and (one[-1] == "identity" or _moves(*one[:2], *one[3:]))]
        before = {name: old for name, old, *_ in reversed(moved)}
        yield _removed(con, of, {**json.loads(gone[1]), **before}, gone[-1])
        return
    chains: dict[str, tuple[Value, Value, str]] = {}
    for name, old, new, side, rule in entries:
        if _moves(name, old, side, rule):
            chains[name] = (chains[name][0] if name in chains else old, new, rule)
    for name, (old, new, rule) in chains.items():
        if old != new:
            yield Item(
                side=MARKETING, operation=_OPERATIONS.get(rule, "update"), object=of.object or "", crm_id=of.crm_id,
                entity=of.entity, row_id=of.row_id, field=name, old=old, new=new, rule=rule,
            )  # fmt: skip


def _removed(con: sqlite3.Connection, of: Record, values: Mapping[str, Value], rule: str) -> Item:
    """A row that went, as it was before."""
    sql = f"SELECT object FROM crmsync_link WHERE object IN ({OBJECTS % '?'}) AND crm_id = ?"
    (obj,) = con.execute(sql, (of.entity, values.get("crm_id"))).fetchone() or ("",)
    held = {name: value for name, value in values.items() if value is not None and name not in ENGINE_COLUMNS}
    return Item(
        side=MARKETING, operation="delete", object=obj, crm_id=_text(values.get("crm_id")), entity=of.entity,
        row_id=of.row_id, field="*", old=held, rule=rule,
    )  # fmt: skip


def _text(value: Value) -> str | None:
    return None if value is None else str(value)
