"""What every command that asks the CRM for something shares: whom it is about, and how it ended."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from msgspec import to_builtins

from crmsync.asking import Told
from crmsync.cli import screen
from crmsync.cli.work import with_connection
from crmsync.connection import Connection
from crmsync.store.people.finding import find

Connected = Annotated[str, typer.Argument(metavar="NAME", help="connection")]
Person = Annotated[str, typer.Argument(help="row id, any id in the CRM, or e-mail address")]
Persons = Annotated[list[str], typer.Argument(help="row ids, ids in the CRM, or e-mail addresses")]
Owner = Annotated[str, typer.Option(help="a user or queue: id in the CRM, username, e-mail address or name")]

COLUMNS = ("id", "kind", "person_id", "state", "crm_id", "outcome")


def ask(settings: Path | None, name: str, kind: str, who: Sequence[str], *, as_json: bool, **wish: Any) -> None:
    """Ask for one thing for some persons, and tell how it ended. Leaves with 1 unless all of it is done."""

    async def work(connection: Connection) -> list[Told]:
        rows = [(await connection.report(find, "person", one)).row_id for one in who]
        if others := wish.pop("others", None):
            wish["others"] = [(await connection.report(find, "person", one)).row_id for one in others]
        return await connection.actions.ask(kind, rows, **wish)

    told = with_connection(settings, name, work)
    if as_json:
        screen.write_json([to_builtins(one) for one in told])
    else:
        for one in told:
            screen.say(f"{one.state}: {one.outcome}")
    if not all(one.ok for one in told):
        raise typer.Exit(1)
