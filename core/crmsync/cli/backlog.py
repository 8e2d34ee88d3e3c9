"""How much waits on both sides, how fast it moves, and how long it will take."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from crmsync.cli import screen
from crmsync.cli.listing import gather
from crmsync.cli.options import AsJson, Name, Settings
from crmsync.connection import Connection
from crmsync.store.reports import throughput

COLUMNS = (
    "connection", "object", "waiting_crm", "waiting_here", "status", "per_hour", "per_hour_most", "per_hour_least",
    "sent_per_hour", "wait",
)  # fmt: skip


def backlog(
    name: Name = None,
    *,
    settings: Settings = None,
    sample: Annotated[bool, typer.Option("--sample", help="count now, at one API call an object")] = False,
    as_json: AsJson = False,
) -> None:
    """Tell how many records wait, and for how long.

    Waiting in the CRM and here, object by object, as of the last sample; records read and sent an hour over the last
    24 hours; and whether the backlog grows. Exit codes: 0 told, 2 settings, 3 the CRM refused, 4 the database cannot
    be read, 6 the CRM cannot be reached.
    """
    now = datetime.now(UTC)
    told = gather(settings, name, lambda connection: _of(connection, now, sample=sample))
    if as_json:
        screen.write_json({"connections": told})
        return
    for one in told:
        screen.say(f"{one['connection']}: {_sentence(one)}")
        rows = [{**row, "wait": _duration(row["wait_seconds"])} for row in one["objects"]]
        screen.table(rows, COLUMNS[1:], empty="  No sample was taken yet: crmsync backlog --sample")


async def _of(connection: Connection, now: datetime, *, sample: bool) -> list[dict[str, Any]]:
    if sample:
        await connection.sample_backlog()
        now = max(now, connection.clock.now())
    if not connection.settings.database.exists():
        return [{"waiting_crm": None, "waiting_here": None, "status": throughput.NORMAL, "sampled_at": None,
                 "next_at": None, "objects": [], "trend": []}]  # fmt: skip
    return [
        {
            **await connection.report(throughput.overview, now=now),
            "objects": await connection.report(throughput.backlog, now=now),
            "trend": await connection.report(throughput.trend, now=now),
        }
    ]


def _sentence(one: dict[str, Any]) -> str:
    if not one["sampled_at"]:
        return "nothing was counted yet"
    return (
        f"{one['waiting_crm']:,} wait in the CRM, {one['waiting_here']:,} here ({one['status']}), "
        f"as of {screen.plain(one['sampled_at'])}; next at {screen.plain(one['next_at'])}"
    )


def _duration(seconds: int | None) -> str:
    if seconds is None:
        return "unknown"
    return f"{seconds // 3600}h {seconds % 3600 // 60:02}m" if seconds >= 60 else f"{seconds}s"  # noqa: PLR2004
