"""Commands that move data once: one cycle, or the fields that a person wants filled now."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import to_builtins

from crmsync.cli import progress, screen
from crmsync.cli.objects import all_known
from crmsync.cli.options import AsJson, Name, Objects, Settings
from crmsync.cli.work import with_connection
from crmsync.clock import moment, stamp
from crmsync.connection import Connection, Summary

STEP = ("object", "operation", "status", "new", "updated", "deleted", "skipped", "failed", "calls")


def sync(
    name: Name = None,
    *,
    settings: Settings = None,
    objects: Objects = None,
    plan: Annotated[Path | None, typer.Option(help="carry out this saved plan, and nothing else")] = None,
    as_json: AsJson = False,
) -> None:
    """Run one cycle: all at first, then what changed.

    With --plan only what `crmsync plan --save` wrote is done, each change only where neither side has moved since; the
    others are listed. Exit codes: 0 succeeded, 1 a step failed, the cycle is incomplete or a planned change was not
    made, 2 settings, 3 the CRM refused, 4 the database failed, 5 another process runs cycles on this database, 6 the
    CRM cannot be reached, 7 the quota is spent.
    """
    if plan is not None:
        _carry_out(settings, name, plan, as_json=as_json, objects=objects)
        return

    async def work(connection: Connection) -> Summary:
        with progress.shown(quiet=as_json) as tell:
            summary = await connection.sync(objects=objects or None, progress=tell)
        await all_known(connection, objects or (), [step["object"] for step in summary.steps])
        return summary

    _finish(with_connection(settings, name, work), as_json=as_json)


def _carry_out(settings: Path | None, name: str | None, file: Path, *, as_json: bool, objects: Any) -> None:
    if objects:
        raise typer.BadParameter("a plan is carried out whole: --object goes with `crmsync plan`")
    from crmsync.cli import plan as planned  # noqa: PLC0415 - a sync without a plan needs nothing of plans

    done = with_connection(settings, name, lambda connection: planned.carried(connection, file, as_json=as_json))
    planned.tell(done, as_json=as_json)
    if done.refused or done.status != "succeeded":
        raise typer.Exit(1)


def refresh(
    name: Name = None,
    *,
    settings: Settings = None,
    field: Annotated[list[str], typer.Option("--field", "-f", help="OBJECT.FIELD to fill now; may be repeated")],
    since: Annotated[str, typer.Option(help="only records made or changed since this date or moment (UTC)")] = "",
    until: Annotated[str, typer.Option(help="only records last changed before this date or moment (UTC)")] = "",
    as_json: AsJson = False,
) -> None:
    """Read some fields again for all records, or for those of a time.

    Local edits of these fields end, where they are not sent to the CRM. A field that is synced newly fills on each
    record's next change; this fills it for all of them now. Exit codes as for `sync`.
    """
    wrong = [one for one in field if not all(one.partition("."))]
    if wrong:
        raise typer.BadParameter(f"{wrong[0]!r} names no field; write OBJECT.FIELD")

    first, last = _moment(since), _moment(until)

    async def work(connection: Connection) -> Summary:
        with progress.shown(quiet=as_json) as tell:
            return await connection.refresh(field, since=first, until=last, progress=tell)

    _finish(with_connection(settings, name, work), as_json=as_json)


def _moment(text: str) -> str:
    """The canonical moment of a date or moment; "" stays."""
    try:
        return stamp(moment(text)) if text else ""
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is no date or moment; write 2026-01-31 or 2026-01-31T08:15:00Z") from error


def _finish(summary: Summary, *, as_json: bool) -> None:
    if as_json:
        screen.write_json(as_dict(summary))
    else:
        show(summary)
    if summary.status != "succeeded":
        raise typer.Exit(1)


def as_dict(summary: Summary) -> dict[str, Any]:
    """A summary for programs."""
    told: dict[str, Any] = to_builtins(summary)
    return told


def show(summary: Summary) -> None:
    """A summary for people: the steps in which something happened, then what it cost."""
    screen.table([step for step in summary.steps if worth_telling(step)], STEP, empty="Nothing had changed.")
    for note in [*(one for step in summary.steps for one in [step.get("message")] if one), *summary.notes]:
        screen.say(f"note: {note}")
    screen.say(f"{summary.status} in {summary.seconds:.1f} s with {summary.counts.calls:,} API calls")


def worth_telling(step: dict[str, Any]) -> bool:
    """Whether something happened in a step."""
    return step["status"] != "succeeded" or any(step.get(count) for count in ("new", "updated", "deleted", "failed"))
