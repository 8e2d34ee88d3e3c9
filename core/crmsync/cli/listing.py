"""Commands that only read what was recorded: no log-in, no lease, and never in the way of a sync."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from crmsync.cli import screen, state
from crmsync.cli.options import AsCsv, AsJson, Name, Settings, Since, Until
from crmsync.cli.work import with_app
from crmsync.connection import Connection
from crmsync.errors import SettingsError
from crmsync.service import App
from crmsync.store.reports import report
from crmsync.store.reports.report import Filter

STEP = (
    "connection", "started_at", "ended_at", "object", "operation", "status", "new", "updated", "deleted", "failed",
    "skipped", "pages", "calls", "bytes", "message",
)  # fmt: skip
ERROR = ("connection", "at", "level", "object", "operation", "crm_id", "row_id", "code", "message", "hint")
QUARANTINED = ("connection", "object", "crm_id", "entity", "row_id", "reason", "tries", "first_at", "last_at")
NOTICE = ("connection", "at", "kind", "message")

UNSHOWN = ("pages", "bytes")  # in a table; CSV and JSON have them

Rows = list[dict[str, Any]]


class Sort(StrEnum):
    """By which end of a step a list is sorted."""

    START = "start"
    END = "end"


class ErrorLevel(StrEnum):
    """Whether an error is of one record or of a whole job."""

    RECORD = "record"
    JOB = "job"


def status(
    name: Name = None,
    *,
    settings: Settings = None,
    steps: Annotated[bool, typer.Option("--steps", help="list the steps of the last five days")] = False,
    since: Since = None,
    until: Until = None,
    obj: Annotated[str | None, typer.Option("--object", "-o", help="only steps of this object")] = None,
    operation: Annotated[str | None, typer.Option(help='only this operation, as "pull updates"')] = None,
    step_status: Annotated[
        str | None,
        typer.Option("--status", help="only steps that are: succeeded, failed, incomplete, in process, cleaned up"),
    ] = None,
    sort: Annotated[Sort, typer.Option(help="sort steps by their start or end, newest first")] = Sort.START,
    oldest_first: Annotated[bool, typer.Option("--oldest-first", help="turn the order of the steps round")] = False,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """Tell how the sync stands, or list its steps.

    The state, the records of each object on both sides, and what the last cycle did. With --steps, or any filter,
    the steps of the last five days instead. Exit codes: 0 told, 2 settings, 4 the database cannot be read. A sync
    that failed is told, not an exit code.
    """
    now = datetime.now(UTC)
    wanted = Filter(since=since, until=until, object=obj, operation=operation, status=step_status)
    if not steps and not as_csv and wanted == Filter():
        told = gather(settings, name, lambda connection: state.of(connection, now))
        if as_json:
            screen.write_json(state.as_dict(told))
        else:
            state.show(told)
        return
    by_end = sort is Sort.END
    rows = _rows(settings, name, report.steps, wanted, now=now, by_end=by_end, oldest_first=oldest_first)
    _print(rows, STEP, as_json=as_json, as_csv=as_csv, empty="No such step in the last five days.")


def errors(
    name: Name = None,
    *,
    settings: Settings = None,
    since: Since = None,
    until: Until = None,
    level: Annotated[ErrorLevel | None, typer.Option(help="only errors of one record, or of a whole job")] = None,
    obj: Annotated[str | None, typer.Option("--object", "-o", help="only errors of this object")] = None,
    quarantine: Annotated[bool, typer.Option("--quarantine", help="list the records that are set aside")] = False,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """List errors, or the records that are set aside.

    Those of the last five days, newest first, with the record's ids on both sides and what to do. Exit codes: 0
    listed, also where there is none; 2 settings, 4 the database cannot be read.
    """
    if quarantine:
        rows = _rows(settings, name, report.quarantine)
        rows = [row for row in rows if not obj or row["object"].lower() == obj.lower()]
        _print(rows, QUARANTINED, as_json=as_json, as_csv=as_csv, empty="No record is set aside.")
        return
    wanted = Filter(since=since, until=until, level=level, object=obj)
    rows = _rows(settings, name, report.errors, wanted, now=datetime.now(UTC))
    _print(rows, ERROR, as_json=as_json, as_csv=as_csv, empty="No such error in the last five days.")


def notices(
    name: Name = None,
    *,
    settings: Settings = None,
    since: Since = None,
    until: Until = None,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """List what somebody should know and act on.

    Credentials, quota, permissions, new choices of a field, newest first. Exit codes: 0 listed, also where there is
    none; 2 settings, 4 the database cannot be read.
    """
    rows = _rows(settings, name, report.notices, Filter(since=since, until=until))
    _print(rows, NOTICE, as_json=as_json, as_csv=as_csv, empty="No notice.")


def gather(settings: Path | None, name: str | None, ask: Callable[[Connection], Awaitable[Rows]]) -> Rows:
    """Ask one connection, or all of them, and put the answers together under their names."""

    async def work(app: App) -> Rows:
        chosen = [app.connection(name)] if name else [app.connection(one) for one in app.names]
        if not chosen:
            raise SettingsError("There is no connection in the settings.", hint="crmsync init writes one.")
        return [{"connection": one.name, **row} for one in chosen for row in await ask(one)]

    return with_app(settings, work)


def _rows(settings: Path | None, name: str | None, work: Callable[..., Rows], *args: Any, **options: Any) -> Rows:
    async def ask(connection: Connection) -> Rows:
        if not connection.settings.database.exists():
            return []
        return await connection.report(work, *args, **options)

    return gather(settings, name, ask)


def _print(rows: Rows, columns: Sequence[str], *, as_json: bool, as_csv: bool, empty: str) -> None:
    if as_json:
        screen.write_json(rows)
    elif as_csv:
        screen.write_csv(rows, columns)
    else:
        one = len({row["connection"] for row in rows}) == 1
        seen = [name for name in columns if name not in UNSHOWN and any(row[name] not in (None, "", 0) for row in rows)]
        screen.table(rows, [column for column in seen if column != "connection" or not one], empty=empty)
