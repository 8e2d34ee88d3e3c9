"""The command `crmsync`. Every command answers `--help`; docs/operate.md lists them with their exit codes."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any, NoReturn

import typer

from crmsync.cli import screen

EPILOG = (
    "Exit codes: 0 done, 1 something failed or differs, 2 settings or usage, 3 the CRM refused, 4 the database failed, "
    "5 another process holds the lease, 6 the CRM cannot be reached, 7 the quota is spent, 130 interrupted."
)

COMMANDS = {
    "init": "init.init",
    "check": "connections.check",
    "fields": "connections.fields",
    "sync": "syncing.sync",
    "plan": "plan.plan",
    "run": "running.run",
    "enable": "connections.enable",
    "disable": "connections.disable",
    "refresh": "syncing.refresh",
    "status": "listing.status",
    "backlog": "backlog.backlog",
    "errors": "listing.errors",
    "retry": "retry.retry",
    "conflicts": "conflicts.app",
    "person": "person.app",
    "campaign": "campaign.app",
    "explain": "explain.explain",
    "undo": "undo.undo",
    "notices": "listing.notices",
    "verify": "verifying.verify",
    "plugins": "plugins.plugins",
    "simulate": "running.simulate",
    "demo": "demonstrate.demo",
}
"""Every command, and where it is. A module is imported only for a command that is asked for: all of them together
take as long to import as an idle cycle takes."""


def command(name: str) -> Any:
    """What does a command: a function, or a group of further commands."""
    module, _, attribute = COMMANDS[name].partition(".")
    return getattr(import_module(f"crmsync.cli.{module}"), attribute)


@cache
def application(names: tuple[str, ...]) -> Callable[..., Any]:
    """The command line with these commands, made once a process: that takes longer than most commands."""
    app = typer.Typer(
        name="crmsync",
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        add_completion=False,
        rich_markup_mode=None,
        epilog=EPILOG,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(crmsync)
    for name in names:
        found = command(name)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=name)
        else:
            app.command(name)(found)
    return typer.main.get_command(app)


def _version(asked: bool) -> None:
    if asked:
        screen.say(f"crmsync {version('crmsync')}")
        raise typer.Exit


def crmsync(
    *,
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="print it")] = False,  # noqa: ARG001 - its callback does the work
    debug: Annotated[bool, typer.Option("--debug", help="show where an error comes from")] = False,
) -> None:
    """Keep a CRM and a marketing database in step."""
    screen.Complaints.traceback = debug


def run() -> NoReturn:
    """The command as a process: its work is done and stored when it ends, so nothing is taken apart object by object.

    That took up to 0.2 s, a tenth of a short command.
    """
    try:
        main()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else 0 if ended.code is None else 1
        with suppress(OSError):  # whoever read our output has enough of it
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def main(args: Sequence[str] | None = None) -> NoReturn:
    """Run one command and leave with its exit code. No error reaches the user as a traceback."""
    # Pages of thousands of tuples, none of them in a cycle, would be searched for cycles every 700 objects.
    gc.set_threshold(50_000, 20, 50)
    screen.prepare()
    given = list(sys.argv[1:] if args is None else args)
    named = next((one for one in given if one != "--debug"), "")
    try:
        application((named,) if named in COMMANDS else tuple(COMMANDS))(args=given, prog_name="crmsync")
    except BrokenPipeError:
        # Whoever read our output has enough of it; Python would complain once more while it closes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - the top: what arrives here is told, and ends the process
        sys.exit(screen.complain(error))
    sys.exit(0)
