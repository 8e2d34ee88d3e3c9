"""The command `init`: a settings file and the secrets beside it, from flags alone or by asking."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from crmsync.cli import connections, screen
from crmsync.cli.answers import Answers, parse, wrong
from crmsync.cli.plugins import connectors
from crmsync.cli.settingsfile import add, named, save_secrets, split
from crmsync.cli.work import run
from crmsync.errors import SettingsError
from crmsync.hookspecs import System
from crmsync.plugins import load
from crmsync.settings import DEFAULT_FILE
from crmsync.sources import PREFIX


def init(
    name: Annotated[
        str, typer.Argument(help="what to call the connection: lower case letters, digits, _ and -")
    ] = "crm",
    *,
    connector: Annotated[str | None, typer.Option(help="which connector: crmsync plugins")] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            "-s",
            metavar="KEY=VALUE",
            help="a setting of the connector; KEY=@FILE reads it from a file, KEY=- from standard input",
        ),
    ] = None,
    database: Annotated[Path | None, typer.Option(help="the marketing database [NAME.db]")] = None,
    pause: Annotated[float | None, typer.Option(min=0, help="seconds between two cycles")] = None,
    include: Annotated[
        list[str] | None, typer.Option(metavar="OBJECT.FIELD", help="a further field to sync; may be repeated")
    ] = None,
    exclude: Annotated[
        list[str] | None, typer.Option(metavar="OBJECT.FIELD", help="a field to leave out; may be repeated")
    ] = None,
    fields: Annotated[
        bool, typer.Option("--fields", help="log in, and list what these credentials can read and what is selected")
    ] = False,
    settings: Annotated[
        Path, typer.Option("--settings", "-c", envvar="CRMSYNC_SETTINGS", help="the file to write or add to")
    ] = Path(DEFAULT_FILE),
    secrets_dir: Annotated[Path | None, typer.Option(help="folder for the secrets [secrets, beside the file]")] = None,
    login: Annotated[
        bool | None, typer.Option("--login/--no-login", help="log in with a browser [only where something is missing]")
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="replace a connection of the same name")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="ask nothing; what is missing is an error")] = False,
) -> None:
    """Write a settings file, from flags alone or by asking.

    Secrets go into files of their own that only you may read, and are never printed; prefer KEY=@FILE or KEY=- to a
    secret on the command line. The default mapping is selected. Exit codes: 0 written, 2 a setting is wrong or missing,
    3 the log-in was refused, 6 the CRM cannot be reached.
    """
    ask = not yes and sys.stdin.isatty()
    named(name)
    system = _system(connector, ask=ask)
    answers = Answers(system.settings, parse(values or [], system.settings))
    found = _complete(system, answers, login=login, ask=ask)
    plain, secrets = split(found, system.settings)
    connection = {
        "connector": system.name,
        "database": str(database or f"{name}.db"),
        "pause": pause,
        "settings": plain,
        "fields": {"include": include, "exclude": exclude} if include or exclude else None,
    }
    add(settings, name, connection, replace=force)
    screen.say(f"{settings} has the connection {name!r} ({system.title}).")
    _keep(secrets_dir, settings.parent / "secrets", name, secrets)
    if fields or (ask and typer.confirm("List the fields that these credentials can read?", default=True)):
        connections.fields(name, settings=settings)
    screen.say(f"Next: crmsync check {name}")


def _keep(chosen: Path | None, usual: Path, name: str, secrets: dict[str, str]) -> None:
    """Save the secrets, and say where they are."""
    folder = chosen or usual
    for path in save_secrets(folder, name, secrets):
        screen.say(f"A secret is in {path}, for its owner alone.")
    if secrets and chosen is not None:
        screen.say(f"Set {PREFIX.upper()}SECRETS_DIR={folder} wherever crmsync runs.")


def _system(connector: str | None, *, ask: bool) -> System:
    if connector is not None:
        return load(connector).system
    known = connectors()
    if len(known) == 1:
        return load(known[0]).system
    listed = ", ".join(known) or "none"
    if not ask or not known:
        raise SettingsError(f"Which connector? Installed: {listed}.", hint="Give --connector NAME.")
    return load(typer.prompt(f"Connector ({listed})")).system


def _complete(system: System, answers: Answers, *, login: bool | None, ask: bool) -> dict[str, Any]:
    """The values, with what a browser log-in adds. Raises SettingsError that names what is wrong or missing."""
    if ask and not login:
        answers.ask()
    if system.login is not None and (login or (login is None and ask and answers.error() is not None)):
        answers.values |= run(system.login(answers.values, lambda address: screen.say(f"Log in at: {address}")))
    if (error := answers.error()) is not None:
        hint = "--login logs in with a browser." if system.login is not None and not login else ""
        raise SettingsError(wrong(error, system.settings), hint=hint)
    return answers.values
