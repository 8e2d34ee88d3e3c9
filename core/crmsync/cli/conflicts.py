"""The commands `conflicts`: fields that both sides changed apart, and how a person decides them."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from crmsync.cli import screen
from crmsync.cli.listing import Rows, gather
from crmsync.cli.options import AsJson, Entity, Name, Settings
from crmsync.cli.work import with_connection
from crmsync.connection import Connection

CONFLICT = ("connection", "entity", "row_id", "object", "crm_id", "field", "base", "local", "crm", "since")
HELP = ("-h", "--help")


class Side(StrEnum):
    """Whose value is taken."""

    CRM = "crm"
    MARKETING = "marketing"


class ListByDefault(TyperGroup):
    """`crmsync conflicts acme` is `crmsync conflicts list acme`."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        """Put in the command that was left out."""
        named = bool(args) and (args[0] in self.commands or args[0] in HELP)
        return super().parse_args(ctx, args if named else ["list", *args])


app = typer.Typer(cls=ListByDefault, rich_markup_mode=None, no_args_is_help=False)


@app.callback()
def conflicts() -> None:
    """List fields that both sides changed apart, or settle one.

    `crmsync conflicts [NAME]` lists them: those of fields whose winner is "manual". Neither side moves until somebody
    has decided. Exit codes: 0 listed or settled, 2 settings or usage, 4 the database failed.
    """


@app.command("list")
def listed(name: Name = None, *, settings: Settings = None, as_json: AsJson = False) -> None:
    """List the conflicts, oldest first.

    With both ids, the value that both sides last agreed on, the local one, the CRM's, and since when they differ.
    Exit codes: 0 listed, also where there is none; 2 settings, 4 the database cannot be read.
    """
    rows = gather(settings, name, _conflicts)
    if as_json:
        screen.write_json(rows)
    else:
        one = len({row["connection"] for row in rows}) == 1
        screen.table(rows, CONFLICT[1:] if one else CONFLICT, empty="There is no conflict.")


async def _conflicts(connection: Connection) -> Rows:
    return await connection.review.conflicts() if connection.settings.database.exists() else []


@app.command()
def settle(
    name: Annotated[str, typer.Argument(help="connection")],
    person: Annotated[str, typer.Argument(help="row id, id in the CRM, or e-mail address")],
    field: Annotated[str, typer.Argument(help="column")],
    *,
    settings: Settings = None,
    take: Annotated[Side | None, typer.Option(help="whose value stays")] = None,
    value: Annotated[
        str | None, typer.Option(help="a new value for both sides; an empty one empties the field")
    ] = None,
    entity: Entity = "person",
    as_json: AsJson = False,
) -> None:
    """Settle one conflict, for a side or with a new value.

    The CRM's value is taken at once; any other goes to the CRM with the next cycle. The value that lost is in the
    journal. Exit codes: 0 settled, 2 settings, usage or no such conflict, 4 the database failed.
    """
    if (take is None) is (value is None):
        raise typer.BadParameter("give either --take crm, --take marketing or --value VALUE")

    async def work(connection: Connection) -> dict[str, Any]:
        return await connection.review.settle(
            person, field, take=take.value if take else "", value=value or None, entity=entity
        )

    done = with_connection(settings, name, work)
    if as_json:
        screen.write_json(done)
        return
    then = "" if done["state"] == "settled" else "; it goes to the CRM with the next cycle"
    of = f"{done['entity']} {done['row_id']} ({done['object']} {done['crm_id']})"
    screen.say(f"{field} of {of} is {screen.plain(done['value']) or 'empty'}{then}.")
