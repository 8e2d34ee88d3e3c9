"""The command `crmsync`. Every command answers `--help`; docs/operate.md lists them with their exit codes."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import cache, partial
from importlib.metadata import version
from typing import Annotated, NoReturn

import typer

from crmsync.cli import (
    backlog,
    campaign,
    conflicts,
    connections,
    demonstrate,
    explain,
    init,
    listing,
    person,
    plan,
    plugins,
    retry,
    running,
    screen,
    syncing,
    undo,
    verifying,
)

EPILOG = (
    "Exit codes: 0 done, 1 something failed or differs, 2 settings or usage, 3 the CRM refused, 4 the database failed, "
    "5 another process holds the lease, 6 the CRM cannot be reached, 7 the quota is spent, 130 interrupted."
)

app = typer.Typer(
    name="crmsync",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    rich_markup_mode=None,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"]},
)
COMMANDS: dict[str, Callable[..., None] | typer.Typer] = {
    "init": init.init,
    "check": connections.check,
    "fields": connections.fields,
    "sync": syncing.sync,
    "plan": plan.plan,
    "run": running.run,
    "enable": connections.enable,
    "disable": connections.disable,
    "refresh": syncing.refresh,
    "status": listing.status,
    "backlog": backlog.backlog,
    "errors": listing.errors,
    "retry": retry.retry,
    "conflicts": conflicts.app,
    "person": person.app,
    "campaign": campaign.app,
    "explain": explain.explain,
    "undo": undo.undo,
    "notices": listing.notices,
    "verify": verifying.verify,
    "plugins": plugins.plugins,
    "simulate": running.simulate,
    "demo": demonstrate.demo,
}
for name, command in COMMANDS.items():
    if isinstance(command, typer.Typer):
        app.add_typer(command, name=name)
    else:
        app.command(name)(command)


def _version(asked: bool) -> None:
    if asked:
        screen.say(f"crmsync {version('crmsync')}")
        raise typer.Exit


@app.callback()
def crmsync(
    *,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="print it")] = False,  # noqa: ARG001 - its callback does the work
    debug: Annotated[bool, typer.Option("--debug", help="show where an error comes from")] = False,
) -> None:
    """Keep a CRM and a marketing database in step."""
    screen.Complaints.traceback = debug


built = cache(partial(typer.main.get_command, app))
"""All commands, ready to run: made once a process, since it takes longer than most commands."""


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run one command and leave with its exit code. No error reaches the user as a traceback."""
    screen.prepare()
    try:
        built()(args=list(args) if args is not None else None, prog_name="crmsync")
    except BrokenPipeError:
        # Whoever read our output has enough of it; Python would complain once more while it closes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the top: what arrives here is told, and ends the process
        sys.exit(screen.complain(error))
    sys.exit(0)
