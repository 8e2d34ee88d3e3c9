"""How many records wait, how fast they move, and how long they will take: samples of the backlog, and what they tell.

Samples are taken at most once an hour; speed comes from the steps, so it is never older than the last cycle.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from crmsync.clock import moment, stamp
from crmsync.store.sending import outgoing

GROWING, NORMAL = "growing", "normal"

EVERY = timedelta(hours=1)
POINTS, APART = 30, timedelta(hours=4)
KEPT = POINTS * APART
COMPARED = timedelta(hours=6)
ROLLING = timedelta(hours=24)

PULLED, PUSHED = "pull %", "push %"
_MOVED = {PULLED: "new + updated + deleted + skipped", PUSHED: "new + updated + deleted"}
_STILL = {"most": 0, "least": 0, "average": 0}
_OBJECTS = "SELECT DISTINCT object FROM crmsync_field WHERE entity = ?1"
_WAITS = "('pending', 'sent', 'conflict', 'held')"


def due(con: sqlite3.Connection, now: datetime) -> bool:
    """Whether the last sample is an hour old."""
    last = sampled_at(con)
    return last is None or last <= stamp(now - EVERY)


def sampled_at(con: sqlite3.Connection) -> str | None:
    """When the last sample was taken."""
    return con.execute("SELECT MAX(at) FROM crmsync_backlog").fetchone()[0]  # type: ignore[no-any-return]


def save_sample(con: sqlite3.Connection, waiting_crm: Mapping[str, int], now: datetime) -> None:
    """Keep what waits in the CRM, object by object, with what waits here now; forget samples older than five days."""
    here = waiting_here(con)
    con.executemany(
        """INSERT INTO crmsync_backlog VALUES (?, ?, ?, ?)
           ON CONFLICT (at, object) DO UPDATE SET waiting_crm = ?3, waiting_here = ?4""",
        [(stamp(now), obj, number, here.get(obj, 0)) for obj, number in waiting_crm.items()],
    )
    con.execute("DELETE FROM crmsync_backlog WHERE at < ?", [stamp(now - KEPT)])


def waiting_here(con: sqlite3.Connection) -> dict[str, int]:
    """Records that wait for the CRM, by object: with local edits, and activities of the kinds that are sent.

    What the CRM does not have waits for nothing; what actions ask for is not counted (R-358).
    """
    return {obj: number for obj, (number, _) in waiting_since(con).items()}


def waiting_since(con: sqlite3.Connection) -> dict[str, tuple[int, str]]:
    """How many records wait for the CRM, and since when the oldest does, by object."""
    found: dict[str, tuple[int, str]] = {}
    for (entity,) in con.execute(f"SELECT DISTINCT entity FROM crmsync_edit WHERE state IN {_WAITS}").fetchall():
        sql = f"""SELECT l.object, COUNT(DISTINCT e.row_id), MIN(e.edited_at) FROM crmsync_edit e
            JOIN "{entity}" t ON t.id = e.row_id
            JOIN crmsync_link l ON l.object IN ({_OBJECTS}) AND l.crm_id = t.crm_id AND l.role = 'current'
            WHERE e.entity = ?1 AND e.state IN {_WAITS} GROUP BY l.object"""
        found |= {obj: (number, oldest) for obj, number, oldest in con.execute(sql, [entity])}
    return found | outgoing.waiting(con)


def read_since(con: sqlite3.Connection) -> dict[str, str]:
    """When the last read of changes that went through began, by object."""
    return dict(
        con.execute(
            """SELECT object, MAX(started_at) FROM crmsync_step
               WHERE operation = 'pull updates' AND status = 'succeeded' GROUP BY object"""
        )
    )


def linked(con: sqlite3.Connection) -> dict[str, int]:
    """Living CRM records that are here, by object."""
    return dict(con.execute("SELECT object, COUNT(*) FROM crmsync_link WHERE role = 'current' GROUP BY object"))


def speed(con: sqlite3.Connection, now: datetime, way: str = PULLED) -> dict[str, dict[str, float]]:
    """Records an hour one way, by object: the most, the least and the average of the last 24 hours.

    Only hours in which the object had a step that way count, so that a sync that was off does not look slow.
    """
    hours: dict[str, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    sql = f"""SELECT object, COALESCE(ended_at, started_at), {_MOVED[way]} FROM crmsync_step
             WHERE COALESCE(ended_at, started_at) > ? AND operation LIKE ?"""
    for obj, at, number in con.execute(sql, [stamp(now - ROLLING), way]):
        hours[obj][int((now - moment(at)) / timedelta(hours=1))] += number
    return {
        obj: {"most": max(h.values()), "least": min(h.values()), "average": round(sum(h.values()) / len(h), 1)}
        for obj, h in hours.items()
    }


def backlog(con: sqlite3.Connection, *, now: datetime) -> list[dict[str, Any]]:
    """Every object of the last samples: what waits, whether that grows, how fast it moves, and how long it will take.

    `wait_seconds` is the backlog divided by the average, of the way that takes longer; null where something waits
    and nothing moved.
    """
    read, sent = speed(con, now, PULLED), speed(con, now, PUSHED)
    before = _latest(con, until=now - COMPARED)
    lines = []
    for obj, (at, crm, here) in _latest(con, until=now).items():
        pulls, pushes = read.get(obj, _STILL), sent.get(obj, _STILL)
        waits = (_wait(crm, pulls["average"]), _wait(here, pushes["average"]))
        lines.append(
            {
                "object": obj, "waiting_crm": crm, "waiting_here": here, "waiting": crm + here,
                "status": _status(crm + here, before.get(obj)), "per_hour": pulls["average"],
                "per_hour_most": pulls["most"], "per_hour_least": pulls["least"], "sent_per_hour": pushes["average"],
                "sent_per_hour_most": pushes["most"], "sent_per_hour_least": pushes["least"],
                "wait_seconds": None if None in waits else max(one or 0 for one in waits), "sampled_at": at,
            }
        )  # fmt: skip
    return lines


def overview(con: sqlite3.Connection, *, now: datetime) -> dict[str, Any]:
    """All objects together, and when the last sample was taken and the next is due; nulls before the first."""
    present, before = _latest(con, until=now), _latest(con, until=now - COMPARED)
    at = sampled_at(con)
    crm, here = sum(one[1] for one in present.values()), sum(one[2] for one in present.values())
    old = (None, sum(one[1] + one[2] for one in before.values()), 0) if before else None
    return {
        "waiting_crm": crm if at else None,
        "waiting_here": here if at else None,
        "status": _status(crm + here, old),
        "sampled_at": at,
        "next_at": stamp(moment(at) + EVERY) if at else None,
    }


def trend(con: sqlite3.Connection, *, now: datetime) -> list[dict[str, Any]]:
    """Thirty points, one every four hours over five days, oldest first, all objects together.

    Each is what the last samples of its four hours said; null where there is none.
    """
    points = []
    for back in reversed(range(POINTS)):
        until = now - back * APART
        found = _latest(con, until=until, since=until - APART).values()
        points.append({"at": stamp(until), "waiting": sum(one[1] + one[2] for one in found) if found else None})
    return points


def _latest(
    con: sqlite3.Connection, *, until: datetime, since: datetime | None = None
) -> dict[str, tuple[str, int, int]]:
    sql = """SELECT object, MAX(at), waiting_crm, waiting_here FROM crmsync_backlog
             WHERE at <= ? AND at > ? GROUP BY object ORDER BY object"""
    rows = con.execute(sql, (stamp(until), stamp(since) if since else ""))
    return {row[0]: (row[1], row[2], row[3]) for row in rows}


def _status(waiting: int, before: tuple[str | None, int, int] | None) -> str:
    return GROWING if before is not None and waiting > before[1] + before[2] else NORMAL


def _wait(waiting: int, average: float) -> int | None:
    if not waiting:
        return 0
    return round(waiting / average * 3600) if average else None
