"""For how long the CRM still tells of what changed, and whether a connection comes near the end of that."""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Any

from crmsync.clock import moment, stamp
from crmsync.hookspecs import REMEMBERS

_KEY = f"memory:{REMEMBERS}"  # as a connection keeps its connector's memory
SOON = 0.5
"""The share of that time from which there is reason to hurry."""


def days(con: sqlite3.Connection) -> float | None:
    """Days for which the CRM tells of changes; None where nobody knows."""
    row = con.execute("SELECT value FROM crmsync_meta WHERE key = ?", [_KEY]).fetchone()
    try:
        return float(row[0]) if row else None
    except ValueError:
        return None


def changes(con: sqlite3.Connection, *, now: datetime) -> dict[str, Any] | None:
    """`days`, `until` when changes since the last whole cycle are told, whether that is `soon`; None if not known."""
    known = days(con)
    sql = "SELECT MAX(started_at) FROM crmsync_run WHERE status = 'succeeded' AND kind = 'cycle'"
    last = con.execute(sql).fetchone()[0]
    if not known or last is None:
        return None
    until = moment(last) + timedelta(days=known)
    return {"days": known, "until": stamp(until), "soon": until - now < SOON * timedelta(days=known)}


def too_rare(con: sqlite3.Connection, pause: float) -> str:
    """Why cycles with so many seconds between them are too rare; "" where they are not."""
    known = days(con)
    if not known or timedelta(seconds=pause) <= SOON * timedelta(days=known):
        return ""
    paused = timedelta(seconds=pause) / timedelta(days=1)
    return (
        f"The CRM tells of changes for {known:g} days, and the pause is {paused:.1f}: "
        "after one cycle that fails everything may have to be read anew."
    )
