"""Compare every synced value with the CRM."""

from __future__ import annotations

import typer
from msgspec import to_builtins

from crmsync.cli import progress, screen
from crmsync.cli.objects import all_known
from crmsync.cli.options import AsJson, Name, Objects, Settings
from crmsync.cli.work import with_connection
from crmsync.connection import Connection
from crmsync.verify import Verification

OBJECT = ("object", "crm_records", "db_records", "equal", "explained", "different")
DIFFERENT = ("object", "crm_id", "row_id", "field", "crm", "db")
EXPLAINED = ("object", "crm_id", "field", "rule")
SHOWN = 50  # differences on the screen; --json has them all


def verify(
    name: Name = None,
    *,
    settings: Settings = None,
    objects: Objects = None,
    as_json: AsJson = False,
) -> None:
    """Compare every synced value with the CRM.

    Reads every synced record, and names what differs. Says first what the reading costs. Differences that a rule
    explains are listed apart and do not count. Exit codes: 0 both sides agree, 1 they differ, 2 settings, 3 the CRM
    refused, 4 the database failed, 6 the CRM cannot be reached, 7 the quota is spent.
    """

    async def work(connection: Connection) -> Verification:
        cost = await connection.verify_cost()
        screen.mention(f"Reading about {cost['records']:,} records in about {cost['calls']:,} API calls.")
        with progress.shown(quiet=as_json) as tell:
            found = await connection.verify(objects=objects or None, progress=tell)
        await all_known(connection, objects or (), [row["object"] for row in found.objects])
        return found

    found = with_connection(settings, name, work)
    if as_json:
        screen.write_json(to_builtins(found))
    else:
        show(found)
    if not found.ok:
        raise typer.Exit(1)


def show(found: Verification) -> None:
    """The comparison for people: a line an object, then what differs, then what a rule explains."""
    screen.table(found.objects, OBJECT, empty="Nothing was synced yet.")
    if found.different:
        screen.table(found.different[:SHOWN], DIFFERENT, title="Different")
    if found.explained:
        screen.table(found.explained[:SHOWN], EXPLAINED, title="Different, and a rule says why")
    for name, rows in (("different", found.different), ("explained", found.explained)):
        if len(rows) > SHOWN:
            screen.say(f"{len(rows) - SHOWN:,} more {name}: crmsync verify --json")
    screen.say("Both sides agree." if found.ok else f"{len(found.different):,} values differ.")
