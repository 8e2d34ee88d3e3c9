"""The command `plan`: what the next cycle would do, and how a saved plan is carried out."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import to_builtins

from crmsync import planning
from crmsync.cli import progress, screen
from crmsync.cli.objects import all_known
from crmsync.cli.options import AsJson, Name, Objects, Settings
from crmsync.cli.work import with_connection
from crmsync.connection import Connection
from crmsync.planning.carry import Carried, carry_out

ITEM = ("side", "operation", "object", "crm_id", "entity", "row_id", "field", "old", "new", "rule")
REFUSED = ("side", "operation", "object", "crm_id", "entity", "row_id", "field", "old", "new", "here", "crm", "why")
TROUBLE = ("object", "operation", "crm_id", "row_id", "code", "message")
CONFLICT = ("object", "crm_id", "entity", "row_id", "field", "base", "local", "crm")
ACTIVITY = ("kind", "object", "records")
ASKED = ("id", "kind", "person_id", "arguments", "asked_at")
SHOWN = 200  # changes on the screen; --json and --save have them all


def plan(
    name: Name = None,
    *,
    settings: Settings = None,
    objects: Objects = None,
    save: Annotated[Path | None, typer.Option(help="write the plan to this file, for `crmsync sync --plan`")] = None,
    as_json: AsJson = False,
) -> None:
    """Show what the next cycle would do on both sides.

    Value by value, without doing it: nothing is written here or in the CRM, and no lease is taken. Reads the CRM as a
    cycle does. Exit codes: 0 planned, 1 a step would fail, 2 settings, 3 the CRM refused, 4 the database failed, 6 the
    CRM cannot be reached, 7 the quota is spent.
    """

    async def work(connection: Connection) -> bool:
        with progress.shown(quiet=as_json) as tell:
            async with planning.rehearsed(connection, objects=objects or None, progress=tell) as found:
                await all_known(connection, objects or (), [step["object"] for step in found.summary.steps])
                number = await planning.save(save, found) if save is not None else 0
                await (_write(found) if as_json else _show(found))
        if save is not None:
            screen.mention(f"{number:,} changes are planned in {save}: crmsync sync --plan carries them out.")
        return found.summary.status == "succeeded"

    if not with_connection(settings, name, work):
        raise typer.Exit(1)


async def _write(found: planning.Plan) -> None:
    """One JSON document, a change a line: a plan may be larger than what fits into memory."""
    sys.stdout.write(f'{{"plan": {json.dumps(to_builtins(found.header))},\n "about": {json.dumps(found.about())},\n')
    sys.stdout.write(' "changes": [')
    ahead = "\n  "
    async for one in found.items():
        sys.stdout.write(ahead + json.dumps(to_builtins(one)))
        ahead = ",\n  "
    sys.stdout.write("\n ]}\n")
    sys.stdout.flush()


async def _show(found: planning.Plan) -> None:
    rows: list[dict[str, Any]] = []
    number = 0
    async for one in found.items():
        number += 1
        if len(rows) < SHOWN:
            rows.append({**to_builtins(one), "old": _short(one.old), "new": _short(one.new)})
    screen.table(rows, ITEM, empty="The next cycle would change nothing.")
    if number > SHOWN:
        screen.say(f"{number - SHOWN:,} more changes: --json or --save has them all")
    for title, columns, listed in (
        ("Activities", ACTIVITY, found.activities),
        ("Conflicts that would need a decision", CONFLICT, found.conflicts),
        ("Actions that wait, and are done beside the cycle", ASKED, found.asked),
        ("What would go wrong", TROUBLE, found.troubles),
    ):
        if listed:
            screen.table(listed[:SHOWN], columns, title=title)
    for note in found.summary.notes:
        screen.say(f"note: {note}")
    screen.say(f"{number:,} changes planned, with {found.summary.counts.calls:,} API calls to read")


def _short(value: Any) -> Any:
    """A whole record on one line."""
    return ", ".join(f"{name}={one}" for name, one in value.items()) if isinstance(value, dict) else value


async def carried(connection: Connection, file: Path, *, as_json: bool) -> Carried:
    """Carry a saved plan out, with progress."""
    with progress.shown(quiet=as_json) as tell:
        return await carry_out(connection, file, progress=tell)


def tell(done: Carried, *, as_json: bool) -> None:
    """What became of a plan."""
    if as_json:
        screen.write_json(to_builtins(done))
        return
    rows = [{**one, "old": _short(one["old"]), "new": _short(one["new"])} for one in done.refused]
    screen.table(rows, REFUSED, title="Not done", empty="All that was planned was done.")
    screen.say(f"run {done.run}: {done.made:,} planned changes were made, {len(done.refused):,} were not")
