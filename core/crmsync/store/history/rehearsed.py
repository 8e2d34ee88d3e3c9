"""The changes of a rehearsal, kept in its copy of the database until they are told."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from crmsync.store.history.planned import Item, Mark, watch
from crmsync.store.lease import drop_lease
from crmsync.store.memory import forget

AT_ONCE = 1_000

_TABLE = "CREATE TABLE crmsync_planned (id INTEGER PRIMARY KEY, side TEXT NOT NULL, item BLOB NOT NULL)"
_SAVE = "INSERT INTO crmsync_planned (side, item) VALUES (?, ?)"
_PAGE = "SELECT id, item FROM crmsync_planned WHERE side = ? AND id > ? ORDER BY id LIMIT ?"


def begin(con: sqlite3.Connection, disabled: str) -> Mark:
    """Make a copy fit to be worked on, held by nobody and not switched off under `disabled`; where it stands."""
    drop_lease(con)
    forget(con, disabled)
    con.execute(_TABLE)
    return watch(con)


def keep(con: sqlite3.Connection, found: Iterable[Item]) -> None:
    """Keep items in the order in which they are found."""
    con.executemany(_SAVE, ((one.side, msgspec.json.encode(one)) for one in found))


def page(con: sqlite3.Connection, side: str, after: int) -> tuple[int, Sequence[Item]]:
    """The items of a side behind one, some at a time, and the number of the last of them."""
    rows = con.execute(_PAGE, (side, after, AT_ONCE)).fetchall()
    return (rows[-1][0] if rows else after), [msgspec.json.decode(text, type=Item) for _, text in rows]
