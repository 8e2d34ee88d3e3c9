"""The commands `campaign`: programs that are linked to campaigns, and persons in them."""

from __future__ import annotations

import typer

from crmsync.cli import campaigning, programs

app = typer.Typer(rich_markup_mode=None, no_args_is_help=True)


@app.callback()
def campaign() -> None:
    """Programs of the marketing side and campaigns of the CRM."""


app.command("link")(programs.link)
app.command("create")(programs.create)
app.command("unlink")(programs.unlink)
app.command("list")(programs.listed)
app.command("add")(campaigning.add)
app.command("status")(campaigning.status)
app.command("remove")(campaigning.remove)
