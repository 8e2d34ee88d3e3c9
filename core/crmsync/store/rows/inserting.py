"""Rows that are new here: their ids, their links, and statements that insert dozens at once."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping, Sequence
from itertools import chain

from crmsync.model import Row, Value
from crmsync.store.activity import Trailer
from crmsync.store.batch import Known
from crmsync.store.capture import without_insert_triggers
from crmsync.store.rows.work import Work

ROWS_AT_ONCE = 40
"""Of one insert. Longer ones are no faster, since what they bind does not fit the processor's caches any more."""
VARIABLES = 30_000
"""Of one statement; SQLite allows 32,766."""


def insert(work: Work, trailer: Trailer, rows: Sequence[Row], known: Mapping[str, Known]) -> None:
    """Collect new rows and their links; one that comes back takes the row that its link still names."""
    if not rows:
        return
    rows = trailer.adopt(rows, work) if work.batch.match and work.entity == "person" else rows
    top = work.con.execute("SELECT seq FROM sqlite_sequence WHERE name = ?", [work.entity]).fetchone()
    row_id = int(top[0]) if top else 0
    skip = work.skip
    owns: list[int] = list(range(row_id + 1, row_id + 1 + len(rows)))
    for at, row in enumerate(rows) if known else ():
        stored = known.get(str(row[0]))
        if stored is not None and stored.role == "deleted" and stored.row_id:
            owns[at] = stored.row_id
    work.inserts = [(own, row[0], *row[skip:]) for own, row in zip(owns, rows, strict=True)]
    work.returning = bool(known)
    finer = skip > 2  # noqa: PLR2004 - id, moment, and a finer version
    work.links = [
        (row[0], own, row[1] or "", row[2]) if finer else (row[0], own, row[1] or "")
        for own, row in zip(owns, rows, strict=True)
    ]
    work.applied.add(new=len(rows))
    if not work.batch.silent:
        for row, values in zip(rows, work.inserts, strict=True):
            trailer.added(int(values[0] or 0), str(row[0]), dict(zip(work.columns, row[skip:], strict=True)))


def flush_new(work: Work) -> None:
    """Write the new rows and their links."""
    con, batch = work.con, work.batch
    kind = ("crm_type, ", f"'{batch.route.role}', ") if work.entity == "person" else ("", "")
    names = "".join(f', "{name}"' for name in work.columns)
    marks = ", ?" * len(work.columns)
    with without_insert_triggers(con, work.entity, len(work.inserts)):
        head = f'INSERT INTO "{work.entity}" ({kind[0]}id, crm_id, created_at{names})'
        _insert_many(con, head, f"({kind[1]}?, ?, '{batch.at}'{marks})", work.inserts)
    version = "?" if len(work.links[0]) > 3 else "NULL"  # noqa: PLR2004 - id, row, moment, and a finer version
    _insert_many(
        con,
        "INSERT INTO crmsync_link (object, crm_id, entity, row_id, role, modified_at, version, run)",
        f"({literal(batch.route.object)}, ?, '{work.entity}', ?, 'current', ?, {version}, {batch.run:d})",
        work.links,
        """ON CONFLICT (object, crm_id) DO UPDATE SET row_id = excluded.row_id, role = 'current',
           modified_at = excluded.modified_at, version = excluded.version"""
        if work.returning
        else "",
    )


def _insert_many(
    con: sqlite3.Connection, head: str, marks: str, rows: Sequence[tuple[Value, ...]], tail: str = ""
) -> None:
    """Insert rows, some dozens a statement: a statement a row costs a third more (measured at 27 columns)."""
    size = max(1, min(ROWS_AT_ONCE, VARIABLES // len(rows[0])))
    whole = len(rows) // size * size
    if whole:
        many = ", ".join([marks] * size)
        groups = (tuple(chain.from_iterable(rows[at : at + size])) for at in range(0, whole, size))
        con.executemany(f"{head} VALUES {many} {tail}", groups)
    con.executemany(f"{head} VALUES {marks} {tail}", rows[whole:])


def literal(text: str) -> str:
    """A text as SQL spells it."""
    return "'" + text.replace("'", "''") + "'"
