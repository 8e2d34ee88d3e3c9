"""The command `retry`: what was set aside gets another try."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from crmsync.cli import screen
from crmsync.cli.options import AsJson, Before, Settings, Since
from crmsync.cli.work import with_connection
from crmsync.connection import Connection
from crmsync.store.sending.retries import Wanted

FREED = ("way", "object", "crm_id", "entity", "row_id", "field", "was", "cause", "reason", "at")


def retry(
    name: Annotated[str, typer.Argument(help="connection")],
    ids: Annotated[list[str] | None, typer.Argument(help="row ids, or ids in the CRM")] = None,
    *,
    settings: Settings = None,
    cause: Annotated[str | None, typer.Option(help="only what failed with this code (see `crmsync errors`)")] = None,
    since: Since = None,
    before: Before = None,
    anew: Annotated[
        bool, typer.Option("--anew", help="of creates in doubt: make a new record, whatever the CRM may have")
    ] = False,
    everything: Annotated[bool, typer.Option("--all", help="whatever was set aside")] = False,
    as_json: AsJson = False,
) -> None:
    """Try again what was refused, put off or set aside.

    Edits that the CRM refused, or that wait for a later try, are sent by the next cycle; records that could not be
    stored are read again. A create whose answer was lost, and of which several records may have come, is looked for
    again: what was deleted in the CRM meanwhile is not it, and where nothing is left it is sent once more. Lists what
    was freed. Exit codes: 0 listed, also where nothing was found; 2 settings or
    usage, 4 the database failed.
    """
    if everything is bool(ids or cause or since or before):
        raise typer.BadParameter("say what to try again: ids, --cause, --since, --before, or --all for everything")
    if anew and not ids:
        raise typer.BadParameter("--anew may make a second record: say by its id for whom")
    wanted = Wanted(ids=frozenset(ids or ()), cause=cause or "", since=since, before=before, anew=anew)

    async def work(connection: Connection) -> list[dict[str, Any]]:
        return await connection.review.retry(wanted)

    freed = with_connection(settings, name, work)
    if as_json:
        screen.write_json(freed)
    else:
        screen.table(freed, FREED, empty="Nothing of this was set aside.")
