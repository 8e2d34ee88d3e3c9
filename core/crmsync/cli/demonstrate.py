"""The command `demo`: the stage on which crmsync.demo plays."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Annotated, Any

import typer

from crmsync.cli import progress, screen, toml
from crmsync.cli.options import AsJson
from crmsync.cli.plugins import with_simulator
from crmsync.cli.work import run
from crmsync.demo import play
from crmsync.progress import Tell


class Terminal:
    """Tells the story to a person; `quiet` keeps standard output free for one JSON object."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet

    def act(self, title: str) -> None:
        """A new part of the story."""
        if not self._quiet:
            screen.say()
            screen.say(f"== {title}")

    def line(self, text: str) -> None:
        """Something happened."""
        if not self._quiet:
            screen.say(f"   {text}")

    def table(self, rows: Sequence[Mapping[str, Any]], columns: Sequence[str]) -> None:
        """Figures."""
        if not self._quiet:
            screen.table(rows, columns, empty="   nothing")

    def progress(self) -> AbstractContextManager[Tell]:
        """Progress while something long runs."""
        return progress.shown(quiet=self._quiet)

    def save(self, settings: Mapping[str, Any], folder: Path) -> Path:
        """Leave a settings file beside the database."""
        path = folder / "crmsync.toml"
        toml.write_private(path, toml.dumps(settings, comment="Left by crmsync demo; its simulated CRM is gone."))
        return path


def demo(
    *,
    connector: Annotated[
        str | None, typer.Option(help="play this connector's story; without it, every one that has a simulator")
    ] = None,
    records: Annotated[int, typer.Option(min=50, help="contacts beside the big account")] = 2000,
    seed: Annotated[int, typer.Option(help="the same seed makes the same records")] = 7,
    keep: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="where databases and settings go; a new temporary folder otherwise"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Play the whole story on a simulated CRM.

    Check, first sync, edits on both sides, the next cycles, verify. Needs no account and no network. Exit codes: 0
    both sides agree in the end, 1 they differ or something failed, 2 no such connector.
    """
    systems = with_simulator(connector)
    folder = keep or Path(tempfile.mkdtemp(prefix="crmsync-demo-"))
    folder.mkdir(parents=True, exist_ok=True)
    told = run(play(systems, Terminal(quiet=as_json), folder.resolve(), records=records, seed=seed))
    if as_json:
        screen.write_json(told)
    if not told["verify"]["ok"]:
        raise typer.Exit(1)
