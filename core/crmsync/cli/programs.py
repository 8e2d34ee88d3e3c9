"""Commands about programs: link one to a campaign of the CRM, part them again, list how they stand."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from crmsync.cli import screen
from crmsync.cli.listing import Rows, gather
from crmsync.cli.options import AsJson, Name, Settings
from crmsync.cli.work import with_connection
from crmsync.connection import Connection

LISTED = (
    "connection", "id", "program", "channel", "period_cost", "campaign", "campaign_crm_id", "state", "members",
    "campaign_members", "waiting", "refused",
)  # fmt: skip

Connected = Annotated[str, typer.Argument(metavar="NAME", help="connection")]
Program = Annotated[str, typer.Argument(help="a program's name or number")]


def link(
    name: Connected,
    program: Program,
    campaign: Annotated[str, typer.Argument(help="a campaign's name, or its id in the CRM")],
    *,
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Link a program to a campaign, one to one.

    From the next cycle on members and their statuses go both ways, channel and period cost to the campaign. Refused
    while the statuses of the two differ, as of the last sync; the message says how. Exit codes: 0 linked, 1 refused,
    2 settings, usage or no such program, 3 these credentials may not change campaigns, 4 the database failed.
    """

    async def work(connection: Connection) -> dict[str, Any]:
        return await connection.programs.link(program, campaign)

    done = with_connection(settings, name, work)
    said = f"{done['program']} is linked to {done['campaign']} ({done['campaign_crm_id']})"
    _tell(done, f"{said}; the next cycle compares their members.", as_json=as_json)


def create(
    name: Connected,
    program: Program,
    *,
    settings: Settings = None,
    called: Annotated[str, typer.Option("--name", help="the campaign's name; the program's unless given")] = "",
    as_json: AsJson = False,
) -> None:
    """Make a campaign in the CRM for a program, and link them.

    It gets the program's statuses, channel and cost. Exactly one is made, also if this command is cut off and given
    again. While another process runs the cycles, that one makes it with its next cycle. Exit codes: 0 linked, 1 the
    program is linked or cannot be, or the campaign is still waited for, 2 settings, usage or no such program, 3 the CRM
    refused, 4 the database failed, 6 the CRM cannot be reached, 7 the quota is spent.
    """

    async def work(connection: Connection) -> dict[str, Any]:
        return await connection.programs.create(program, called)

    done = with_connection(settings, name, work)
    if done["state"] == "linked":
        said = f"{done['campaign']} ({done['campaign_crm_id']}) was made, and {done['program']} is linked to it."
        _tell(done, said, as_json=as_json)
        return
    _tell(done, f"The campaign for {done['program']} is asked for; the next cycle goes on with it.", as_json=as_json)
    raise typer.Exit(1)


def unlink(name: Connected, program: Program, *, settings: Settings = None, as_json: AsJson = False) -> None:
    """Part a program from its campaign; both keep their members.

    Exit codes: 0 parted (also if it was not linked), 2 settings or no such program, 4 the database failed.
    """

    async def work(connection: Connection) -> dict[str, Any]:
        return await connection.programs.unlink(program)

    done = with_connection(settings, name, work)
    _tell(done, f"{done['program']} is not linked to a campaign.", as_json=as_json)


def listed(name: Name = None, *, settings: Settings = None, as_json: AsJson = False) -> None:
    """List the programs and how their links stand.

    Each with its campaign, its members on both sides, how many memberships are on their way to the CRM, and how many it
    refused. Exit codes: 0 listed, also where there is none; 2 settings, 4 the database cannot be read.
    """
    rows = gather(settings, name, _programs)
    if as_json:
        screen.write_json(rows)
        return
    one = len({row["connection"] for row in rows}) == 1
    screen.table(rows, LISTED[1:] if one else LISTED, empty="There is no program.")
    for row in rows:
        if row["difference"] and row["campaign_crm_id"]:
            screen.say(f"note: {row['program']} and its campaign have different statuses: {row['difference']}")


async def _programs(connection: Connection) -> Rows:
    return await connection.programs.listed() if connection.settings.database.exists() else []


def _tell(done: dict[str, Any], said: str, *, as_json: bool) -> None:
    if as_json:
        screen.write_json(done)
    else:
        screen.say(said)
