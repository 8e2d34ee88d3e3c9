"""The commands `campaign`: programs that are linked to campaigns, and persons in them."""

from __future__ import annotations

import typer

from crmsync.cli import campaigning, programs

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def campaign() -> None:
    """Programs of the marketing side, campaigns of the CRM, and persons in them.

    Exit codes: 0 done, 1 refused or not over yet, 2 settings or usage, 3 the CRM refused, 4 the database failed, 6 the
    CRM cannot be reached, 7 the quota is spent.
    """


app.command("link")(programs.link)
app.command("create")(programs.create)
app.command("unlink")(programs.unlink)
app.command("list")(programs.listed)
app.command("add")(campaigning.add)
app.command("status")(campaigning.status)
app.command("remove")(campaigning.remove)
