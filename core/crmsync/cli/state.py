"""How a connection stands, as `status` tells it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from crmsync.cli import screen
from crmsync.connection import Connection
from crmsync.store.reports import forecast, report, retention, throughput

COLUMNS = (
    "object", "crm_records", "db_records", *report.COUNTED, "lag_seconds", "waiting_here", "push_lag_seconds",
)  # fmt: skip
WORST_FIRST = (report.FAILED, report.IN_PROGRESS, report.LAST_SYNCED)

NEVER: dict[str, Any] = {
    "state": report.LAST_SYNCED,
    "last_synced_at": None,
    "run": None,
    "run_started_at": None,
    "message": "",
    "lease": None,
    "local_edits": {},
    "quarantined": 0,
    "quota": None,
    "forecast": None,
    "backlog": None,
    "changes": None,
}
"""What there is to say of a connection that has no database yet."""

Told = list[dict[str, Any]]


async def of(connection: Connection, now: datetime) -> Told:
    """Everything about one connection, from its database alone."""
    if not connection.settings.database.exists():
        return [{**NEVER, "enabled": connection.settings.enabled, "objects": []}]
    return [
        {
            **await connection.report(report.state, now=now),
            "enabled": connection.settings.enabled and await connection.report(report.enabled),
            "quota": await connection.report(report.quota),
            "forecast": await connection.report(forecast.calls, now=now, share=connection.settings.quota_share),
            "backlog": await connection.report(throughput.overview, now=now),
            "changes": await connection.report(retention.changes, now=now),
            "objects": await connection.report(report.objects, now=now),
        }
    ]


def as_dict(told: Told) -> dict[str, Any]:
    """For programs: the worst state, every object with its connection's name, then the connections."""
    objects = [{"connection": one["connection"], **row} for one in told for row in one["objects"]]
    return {
        "state": next(state for state in WORST_FIRST if any(one["state"] == state for one in told)),
        "objects": objects,
        "connections": [{key: value for key, value in one.items() if key != "objects"} for one in told],
    }


def show(told: Told) -> None:
    """For people."""
    for one in told:
        screen.say(f"{one['connection']}: {_sentence(one)}")
        for line in _lines(one):
            screen.say(f"  {line}")
        screen.table(one["objects"], COLUMNS, empty="  No object was synced yet: crmsync sync")


def _sentence(one: dict[str, Any]) -> str:
    at = screen.plain(one["last_synced_at"])
    if one["state"] == report.LAST_SYNCED:
        return f"last synced {at}" if at else "not synced yet"
    since = f" since {screen.plain(one['run_started_at'])}" if one["state"] == report.IN_PROGRESS else ""
    why = f": {one['message']}" if one["state"] == report.FAILED and one["message"] else ""
    return f"{one['state']}{since}{why}; last synced {at or 'never'}"


def _lines(one: dict[str, Any]) -> list[str]:
    lines = []
    if not one["enabled"]:
        lines.append("disabled: nothing moves until crmsync enable")
    if (quota := one["quota"]) and quota["limit"]:
        lines.append(
            f"API calls: {quota['left']:,} of {quota['limit']:,} left today, as of {screen.plain(quota['at'])}"
        )
    lines += _forecast(one["forecast"])
    if (backlog := one["backlog"]) and backlog["sampled_at"]:
        lines.append(
            f"backlog: {backlog['waiting_crm']:,} in the CRM, {backlog['waiting_here']:,} here ({backlog['status']}), "
            f"as of {screen.plain(backlog['sampled_at'])}, next {screen.plain(backlog['next_at'])}"
        )
    if (changes := one["changes"]) and changes["soon"]:
        lines.append(
            f"the CRM tells of changes for {changes['days']:g} days: without a whole cycle until "
            f"{screen.plain(changes['until'])} everything is read anew"
        )
    if edits := one["local_edits"]:
        lines.append("local edits: " + ", ".join(f"{number:,} {state}" for state, number in edits.items()))
    if one["quarantined"]:
        lines.append(f"{one['quarantined']:,} records are set aside: crmsync errors --quarantine")
    return lines


def _forecast(told: dict[str, Any] | None) -> list[str]:
    if not told or told["calls_a_day"] is None:
        return []
    line = (
        f"calls a day at the rate of the last {told['hours']:g} hours: {told['idle']:,} to look for changes and "
        f"{told['work']:,} for what was found"
    )
    if told["allowed"] is not None:
        at = told["reached_at"]
        end = f"used up at about {screen.plain(at)}" if at else "not used up at this rate"
        line += f"; the share of {told['allowed']:,} is {end}"
    return [line]
