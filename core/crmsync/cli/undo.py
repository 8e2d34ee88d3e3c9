"""The command `undo`: a run is taken back, after a person has seen what that means."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from msgspec import to_builtins

from crmsync.cli import progress, screen
from crmsync.cli.options import AsJson, Settings
from crmsync.cli.work import with_connection
from crmsync.connection import Connection
from crmsync.undo import Undone

ITEM = ("object", "crm_id", "entity", "row_id", "field", "left", "back", "state", "why")
SHOWN = 200  # lines on the screen; --json has them all


def undo(
    name: Annotated[str, typer.Argument(help="connection")],
    run: Annotated[int, typer.Argument(help="number of the run")],
    *,
    settings: Settings = None,
    fields: Annotated[
        list[str] | None, typer.Option("--fields", "-f", help="only this column; may be repeated")
    ] = None,
    creates: Annotated[bool, typer.Option("--creates", help="also new records that nobody has touched since")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="do not ask")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only tell what would be done")] = False,
    as_json: AsJson = False,
) -> None:
    """Take back what a run changed, on both sides.

    Only where the value has not moved since. Shows first what would be done, and asks. What cannot be taken back is
    listed with the reason. The undo is a run, and can be undone. Exit codes: 0 done, or told with --dry-run; 1
    nothing could be taken back or the answer was no, 2 settings, usage or no such run, 3 the CRM refused, 4 the
    database failed, 5 another process runs cycles on this database, 6 the CRM cannot be reached, 7 the quota is spent.
    """

    async def look(connection: Connection) -> Undone:
        return await connection.review.undo(run, fields=fields or (), creates=creates, dry_run=True)

    async def work(connection: Connection) -> Undone:
        with progress.shown(quiet=as_json) as tell:
            return await connection.review.undo(run, fields=fields or (), creates=creates, progress=tell)

    if dry_run or not yes:
        found = with_connection(settings, name, look)
        if dry_run or not as_json:
            _print(found, as_json=as_json)
        if dry_run:
            return
        _agreed(found)
    done = with_connection(settings, name, work)
    _print(done, as_json=as_json)
    if not set(done.counts) - {"not reverted"} and done.items:
        raise typer.Exit(1)


def _agreed(found: Undone) -> None:
    """Ask; leave where the answer is no, or nobody is there to give one."""
    if not sys.stdin.isatty():
        raise typer.BadParameter("nobody is there to be asked: give --yes, or --dry-run to only look")
    if not typer.confirm(f"Undo run {found.of}?", err=True):
        raise typer.Exit(1)


def _print(found: Undone, *, as_json: bool) -> None:
    if as_json:
        screen.write_json(to_builtins(found))
        return
    screen.table(found.items[:SHOWN], ITEM, empty=f"Run {found.of} changed nothing.")
    if len(found.items) > SHOWN:
        screen.say(f"{len(found.items) - SHOWN:,} more: --json has them all")
    told = ", ".join(f"{number:,} {state}" for state, number in found.counts.items())
    if told:
        screen.say(f"run {found.of}: {told}" + (f" by run {found.run}" if found.run else ""))
