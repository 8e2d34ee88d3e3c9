"""The triggers that catch local edits, whatever program makes them, and that guard the engine's own columns.

One AFTER UPDATE OF trigger a column (measured at 60 columns with 4 changed: 8.9 µs a row, against 25 to 39 for one
big trigger). Edits are written with INSERT … ON CONFLICT DO UPDATE: an outer OR REPLACE would override OR IGNORE
inside a trigger and destroy the base value. A row in `crmsync_applying` tells them that the engine itself writes.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from crmsync.entities import GUARDED

VERSION = 2
"""Of these triggers; where a file has older ones they are made anew."""

_QUIET = "NOT EXISTS (SELECT 1 FROM crmsync_applying)"
_NOW = "strftime('%Y-%m-%dT%H:%M:%fZ')"
_WORTH_IT = 300  # rows
_AT_ONCE = 200  # terms of one compound SELECT; SQLite allows 500


@contextmanager
def without_insert_triggers(con: sqlite3.Connection, table: str, rows: int) -> Iterator[None]:
    """Insert many rows without the triggers that would only find out, a row at a time, that the engine writes.

    They are gone and back within one transaction, so no other program ever meets the table without them. Worth it
    from a few hundred rows on (measured: 9.2 instead of 13.0 µs a row at 66 columns).
    """
    names = (f"crmsync_{table}_insert", f"crmsync_{table}_replaced")
    found = con.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND name IN (?, ?)", names)
    made = found.fetchall() if rows >= _WORTH_IT else []
    for name, _ in made:
        con.execute(f"DROP TRIGGER {_q(name)}")
    yield
    for _, sql in made:
        con.execute(sql)


@contextmanager
def captured(con: sqlite3.Connection) -> Iterator[None]:
    """What the engine writes inside is a local edit, as if another program had written it."""
    con.execute("DELETE FROM crmsync_applying")
    yield
    con.execute("INSERT INTO crmsync_applying VALUES (1, 0)")


def capture(table: str, columns: Sequence[str], two_way: frozenset[str]) -> Iterator[str]:
    """CREATE TRIGGER statements for one entity table."""
    data = [name for name in columns if name not in GUARDED]
    engine = [name for name in columns if name in GUARDED]
    for name in data:
        yield _on_update(table, name, "pending" if name in two_way else "local")
    yield _guard_update(table, [name for name in engine if name != "created_at"])
    yield _before_insert(table, engine, data)
    yield _after_insert(table, engine, data, two_way)
    yield _on_delete(table)


def _q(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def _edit(table: str, row: str, field: str, base: str, state: str) -> str:
    return (
        "INSERT INTO crmsync_edit (entity, row_id, field, base, seq, state, edited_at) "
        f"VALUES ({_text(table)}, {row}, {_text(field)}, {base}, 1, {_text(state)}, {_NOW}) {AGAIN}"
    )


AGAIN = (
    "ON CONFLICT (entity, row_id, field) DO UPDATE SET seq = seq + 1, edited_at = excluded.edited_at, "
    "base = CASE state WHEN 'done' THEN sent ELSE base END, tries = 0, retry_at = NULL, "
    "state = CASE state WHEN 'local' THEN excluded.state WHEN 'sent' THEN 'sent' ELSE excluded.state END"
)
"""What a further edit of a column makes of the one that is there: the base stays the value both sides agreed on."""


def _on_update(table: str, name: str, state: str) -> str:
    return (
        f"CREATE TRIGGER {_q(f'crmsync_{table}_{name}')} AFTER UPDATE OF {_q(name)} ON {_q(table)} "
        f"WHEN NEW.{_q(name)} IS NOT OLD.{_q(name)} AND OLD.crm_id IS NOT NULL AND {_QUIET} "
        f"BEGIN {_edit(table, 'OLD.id', name, f'OLD.{_q(name)}', state)}; END"
    )


def _guard_update(table: str, guarded: Sequence[str]) -> str:
    changed = " OR ".join(f"NEW.{name} IS NOT OLD.{name}" for name in guarded)
    names = ", ".join(guarded)
    say = _text(f"{table}: {names} are kept by crmsync and cannot be changed here; change the record in the CRM")
    return (
        f"CREATE TRIGGER {_q(f'crmsync_{table}_guard')} BEFORE UPDATE OF {names} ON {_q(table)} "
        f"WHEN ({changed}) AND {_QUIET} BEGIN SELECT RAISE(ABORT, {say}); END"
    )


def _before_insert(table: str, engine: Sequence[str], data: Sequence[str]) -> str:
    """Refuse a row that brings a CRM id of its own; remember a row that INSERT OR REPLACE is about to take away."""
    say = _text(f"{table}: a new row may not bring its own crm_id; crmsync links it when the CRM knows the record")
    own = [name for name in engine if name in ("crm_id", "crm_type")]
    brings = " OR ".join(f"NEW.{name} IS NOT NULL" for name in own)
    same = " AND ".join(f"(NEW.{name} IS NULL OR {name} IS NEW.{name})" for name in own)
    keep = [
        f"INSERT INTO crmsync_replaced {_unpivot(table, chunk)} WHERE true "
        "ON CONFLICT (entity, row_id, field) DO UPDATE SET value = excluded.value;"
        for chunk in _chunks([name for name in (*engine, *data) if name != "id"])
    ]
    return (
        f"CREATE TRIGGER {_q(f'crmsync_{table}_insert')} BEFORE INSERT ON {_q(table)} WHEN {_QUIET} BEGIN "
        f"SELECT RAISE(ABORT, {say}) WHERE ({brings}) "
        f"AND NOT EXISTS (SELECT 1 FROM {_q(table)} WHERE id = NEW.id AND {same}); "
        f"DELETE FROM crmsync_replaced WHERE entity = {_text(table)} AND row_id = NEW.id; {' '.join(keep)} END"
    )


def _unpivot(table: str, names: Sequence[str]) -> str:
    """The values of the row NEW.id as it stands, one row a column."""
    terms = " UNION ALL ".join(
        f"SELECT {_text(table)}, id, {_text(name)}, {_q(name)} FROM {_q(table)} WHERE id = NEW.id" for name in names
    )
    return f"SELECT * FROM ({terms})"


def _chunks(names: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(names), _AT_ONCE):
        yield names[start : start + _AT_ONCE]


def _after_insert(table: str, engine: Sequence[str], data: Sequence[str], two_way: frozenset[str]) -> str:
    """A row that replaced another: its differences are edits, and the engine's columns come back."""
    was = f"(SELECT value FROM crmsync_replaced WHERE entity = {_text(table)} AND row_id = NEW.id AND field = %s)"
    edits = []
    for chunk in _chunks(data):
        new = " UNION ALL ".join(
            f"SELECT {_text(name)} AS field, NEW.{_q(name)} AS value, "
            f"{_text('pending' if name in two_way else 'local')} AS state"
            for name in chunk
        )
        edits.append(
            "INSERT INTO crmsync_edit (entity, row_id, field, base, seq, state, edited_at) "
            f"SELECT o.entity, o.row_id, o.field, o.value, 1, n.state, {_NOW} FROM crmsync_replaced o "
            f"JOIN ({new}) n ON n.field = o.field "
            f"WHERE o.entity = {_text(table)} AND o.row_id = NEW.id AND o.value IS NOT n.value "
            f"AND {was % _text('crm_id')} IS NOT NULL {AGAIN};"
        )
    restore = ", ".join(f"{name} = {was % _text(name)}" for name in engine if name != "id")
    return (
        f"CREATE TRIGGER {_q(f'crmsync_{table}_replaced')} AFTER INSERT ON {_q(table)} "
        f"WHEN {_QUIET} AND EXISTS (SELECT 1 FROM crmsync_replaced WHERE entity = {_text(table)} AND row_id = NEW.id) "
        f"BEGIN {' '.join(edits)} "
        "INSERT INTO crmsync_applying SELECT 1, 0 WHERE true ON CONFLICT DO NOTHING; "
        f"UPDATE {_q(table)} SET {restore} WHERE id = NEW.id; DELETE FROM crmsync_applying; "
        f"DELETE FROM crmsync_replaced WHERE entity = {_text(table)} AND row_id = NEW.id; END"
    )


def _on_delete(table: str) -> str:
    return (
        f"CREATE TRIGGER {_q(f'crmsync_{table}_delete')} AFTER DELETE ON {_q(table)} WHEN {_QUIET} BEGIN "
        "INSERT INTO crmsync_deleted (entity, row_id, crm_id, deleted_at) "
        f"VALUES ({_text(table)}, OLD.id, OLD.crm_id, {_NOW}); "
        f"DELETE FROM crmsync_edit WHERE entity = {_text(table)} AND row_id = OLD.id; END"
    )


def capture_view(person: Sequence[str], account: Mapping[str, str]) -> Iterator[str]:
    """Triggers that let `person_full` be written: account columns go to the account, where there is one."""
    data = [name for name in person if name not in GUARDED]
    own = [name for name in data if name not in account]
    shared = [name for name in data if name in account]
    further = [name for name in account if name not in person]
    guarded = [name for name in person if name in GUARDED]
    shown = [f"{prefix}{name}" for prefix, names in _OWNERS for name in names] + ["account_id"]
    say = _text("person_full: ids, types and owner details are kept by crmsync and cannot be changed here")
    changed = " OR ".join(f"NEW.{_q(name)} IS NOT OLD.{_q(name)}" for name in (*guarded, *shown))
    lost = " OR ".join(f"NEW.{_q(name)} IS NOT OLD.{_q(name)}" for name in further) or "false"
    nowhere = _text("person_full: this person has no account, so there is no account column to change")
    sets = ", ".join(f"{_q(name)} = NEW.{_q(name)}" for name in own)
    mine = ", ".join(f"{_q(name)} = NEW.{_q(name)}" for name in shared)
    theirs = ", ".join(f"{_q(theirs)} = NEW.{_q(mine)}" for mine, theirs in account.items())
    moved = " OR ".join(f"NEW.{_q(name)} IS NOT OLD.{_q(name)}" for name in account)
    company = (
        f"UPDATE person SET {mine} WHERE id = OLD.id AND OLD.account_id IS NULL; " if mine else ""
    ) + f"UPDATE account SET {theirs} WHERE id = OLD.account_id AND ({moved}); "
    yield (
        "CREATE TRIGGER crmsync_person_full_update INSTEAD OF UPDATE ON person_full BEGIN "
        f"SELECT RAISE(ABORT, {say}) WHERE {changed}; "
        f"SELECT RAISE(ABORT, {nowhere}) WHERE OLD.account_id IS NULL AND ({lost}); "
        f"UPDATE person SET {sets} WHERE id = OLD.id; {company} END"
    )
    names = ", ".join(_q(name) for name in data)
    values = ", ".join(f"NEW.{_q(name)}" for name in data)
    yield (
        "CREATE TRIGGER crmsync_person_full_insert INSTEAD OF INSERT ON person_full BEGIN "
        f"SELECT RAISE(ABORT, {say}) WHERE NEW.crm_id IS NOT NULL OR NEW.crm_type IS NOT NULL; "
        f"INSERT INTO person (id, {names}) VALUES (NEW.id, {values}); END"
    )
    yield (
        "CREATE TRIGGER crmsync_person_full_delete INSTEAD OF DELETE ON person_full BEGIN "
        "DELETE FROM person WHERE id = OLD.id; END"
    )


_OWNERS = (
    ("owner_", ("first_name", "last_name", "title", "phone", "email")),
    ("account_owner_", ("first_name", "last_name", "email")),
)
