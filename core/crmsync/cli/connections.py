"""Commands about one connection: what its credentials allow, what is mapped, and whether it runs."""

from __future__ import annotations

from typing import Annotated

import typer

from crmsync.cli import screen
from crmsync.cli.options import AsJson, Name, Objects, Settings
from crmsync.cli.work import with_connection
from crmsync.connection import Connection
from crmsync.model import Finding, Level

FIELDS = ("object", "field", "label", "type", "entity", "column", "directions", "state", "reason")
MARKS = {Level.OK: "ok", Level.WARN: "warn", Level.STOP: "STOP"}


def check(
    name: Name = None,
    *,
    settings: Settings = None,
    permission_set: Annotated[
        bool, typer.Option("--permission-set", help="print a least-privilege permission set for what would be synced")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Try the credentials: what they allow, and what to grant.

    Says it object by object, before anything is synced. Exit codes: 0 nothing stops the sync (warnings may remain),
    1 something does, 2 settings, 3 log-in refused, 6 the CRM cannot be reached.
    """
    if permission_set:
        # Not through the screen: it is a file to be deployed, to the letter.
        typer.echo(with_connection(settings, name, lambda connection: connection.permission_set()))
        return
    findings = with_connection(settings, name, lambda connection: connection.check())
    stopped = any(finding.level is Level.STOP for finding in findings)
    rows = [_row(finding) for finding in findings]
    if as_json:
        screen.write_json({"ok": not stopped, "findings": [{**row, "level": row["level"].lower()} for row in rows]})
    else:
        screen.table(rows, ("level", "topic", "message", "grant"), empty="Nothing was found.")
        screen.say("The sync cannot work like this." if stopped else "The sync can start: crmsync sync")
    if stopped:
        raise typer.Exit(1)


def _row(finding: Finding) -> dict[str, str]:
    return {
        "level": MARKS[finding.level],
        "topic": finding.topic,
        "message": finding.message,
        "grant": finding.grant,
    }


def fields(
    name: Name = None,
    *,
    settings: Settings = None,
    objects: Objects = None,
    state: Annotated[
        str | None, typer.Option(help="only fields that are: selected, excluded, hidden or not mapped")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the fields of the synced objects, and their columns.

    With the ways their values move, and why one is not synced. Exit codes: 0 listed, 2 settings, 3 log-in refused,
    6 the CRM cannot be reached.
    """
    wanted = {one.lower() for one in objects or ()}
    rows = [
        {**row, "directions": sorted(map(str, row["directions"])) if row["directions"] else []}
        for row in with_connection(settings, name, lambda connection: connection.fields())
        if (not wanted or row["object"].lower() in wanted) and (not state or row["state"] == state.lower())
    ]
    if as_json:
        screen.write_json(rows)
    else:
        screen.table(rows, FIELDS, empty="No such field.")


def enable(name: Name = None, *, settings: Settings = None) -> None:
    """Let a connection run again.

    What happened meanwhile on either side is picked up. Exit codes: 0 enabled (also if it was), 2 settings, 4 the
    database failed.
    """
    screen.say(
        f"{with_connection(settings, name, _enable)} is enabled; the next cycle picks up what happened meanwhile."
    )


def disable(name: Name = None, *, settings: Settings = None) -> None:
    """Stop a connection until it is enabled again.

    Nothing moves in either direction meanwhile; local edits are still captured. Exit codes: 0 disabled (also if it
    was), 2 settings, 4 the database failed.
    """
    screen.say(f"{with_connection(settings, name, _disable)} is disabled; local edits are still captured.")


async def _enable(connection: Connection) -> str:
    await connection.enable()
    return connection.name


async def _disable(connection: Connection) -> str:
    await connection.disable()
    return connection.name
