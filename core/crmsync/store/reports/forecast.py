"""How many API calls a day the sync takes at its present rate, how many it may take, and when they will not suffice.

A CRM counts the calls of the last 24 hours, so a call is free again a day after it was made.
"""

from __future__ import annotations

import sqlite3
from datetime import datetime, timedelta
from typing import Any

from crmsync.clock import moment, stamp
from crmsync.store.reports import report

DAY = timedelta(hours=24)
ENOUGH = timedelta(hours=1)  # watched, before anything is foretold

_RUNS = """SELECT r.started_at, r.calls, r.kind = 'cycle', EXISTS (SELECT 1 FROM crmsync_step s
    WHERE s.run = r.id AND s.new + s.updated + s.deleted + s.failed > 0) FROM crmsync_run r
    WHERE r.started_at > ? AND r.started_at <= ? ORDER BY r.started_at"""


def calls(con: sqlite3.Connection, *, now: datetime, share: float) -> dict[str, Any]:
    """Calls a day: `idle` is what looking for changes costs, `work` what was found, `calls_a_day` both.

    They are those of the last 24 hours, scaled to a day from the `hours` watched; null before the first hour is over.
    `allowed` is the share of the day's calls, null where the CRM tells no limit. `reached_at` is when the share will
    be used up at this rate, if others go on as before; null where it will not.
    """
    runs = con.execute(_RUNS, (stamp(now - DAY), stamp(now))).fetchall()
    spent = sum(run[1] for run in runs)
    watched = now - moment(runs[0][0]) if runs else timedelta(0)
    quota = report.quota(con)
    told: dict[str, Any] = {
        "calls_a_day": None, "idle": None, "work": None, "hours": round(watched / timedelta(hours=1), 1),
        "allowed": int(quota["limit"] * share) if quota else None, "reached_at": None,
    }  # fmt: skip
    if watched < ENOUGH:
        return told
    told["calls_a_day"] = rate = round(spent * (DAY / watched))
    told["idle"] = round(_idle(runs) * (DAY / watched))
    told["work"] = rate - told["idle"]
    if quota and quota["used"] - spent + rate > told["allowed"]:
        left = max(0, told["allowed"] - quota["used"])
        told["reached_at"] = stamp(now + DAY * (left / rate)) if rate else stamp(now)
    return told


def _idle(runs: list[tuple[str, int, int, int]]) -> float:
    """What the cycles would have cost if none had found anything."""
    cycles = [run[1] for run in runs if run[2]]
    quiet = [run[1] for run in runs if run[2] and not run[3]]
    usual = sum(quiet) / len(quiet) if quiet else min(cycles, default=0)
    return sum(min(one, usual) for one in cycles)


def free_at(con: sqlite3.Connection, now: datetime, wanted: int) -> str | None:
    """When so many calls of our own will be a day old, and so are free again; None where we made fewer."""
    sql = "SELECT started_at, calls FROM crmsync_run WHERE started_at > ? AND calls > 0 ORDER BY started_at"
    for at, made in con.execute(sql, [stamp(now - DAY)]):
        wanted -= made
        if wanted <= 0:
            return stamp(moment(at) + DAY)
    return None
