"""Lines, tables and bars as rich draws them, whatever the terminal is like."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Self

from rich import box, progress
from rich.console import Console
from rich.table import Table
from rich.text import Text

WIDE = 240  # columns where nobody looks: nothing is cut in a file or a pipe

# Without markup and emoji: what is printed came from a CRM.
_out = Console(markup=False, emoji=False, highlight=False)
_err = Console(markup=False, emoji=False, highlight=False, stderr=True)


def line(text: str, *, aside: bool = False) -> None:
    """One line, `aside` on standard error."""
    (_err if aside else _out).print(Text(text), soft_wrap=True)


def grid(rows: Sequence[Sequence[str]], heads: Mapping[str, bool], *, title: str = "") -> None:
    """Cells under their heads, of which those that are True stand over numbers."""
    table = Table(
        title=Text(title) if title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    for head, number in heads.items():
        table.add_column(head, justify="right" if number else "left", overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    if not _out.is_terminal:
        columns = os.environ.get("COLUMNS", "")
        _out.width = max(1, int(columns)) if columns.isdigit() else WIDE
    _out.print(table)


class Bars:
    """A bar a task on standard error, gone when they are through: a context manager."""

    def __init__(self) -> None:
        self._tasks: dict[str, progress.TaskID] = {}
        self._progress = progress.Progress(
            progress.TextColumn("{task.description}", markup=False),
            progress.BarColumn(bar_width=24),
            progress.TextColumn("{task.fields[count]}", markup=False, justify="right"),
            progress.TextColumn("{task.fields[left]}", markup=False),
            console=_err,
            transient=True,
        )

    def __enter__(self) -> Self:
        """Begin to draw."""
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Draw no more."""
        self._progress.stop()

    def show(self, name: str, done: int, total: int | None, *, count: str, left: str) -> None:
        """How far a task is."""
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=None, count="", left="")
        self._progress.update(self._tasks[name], completed=done, total=total, count=count, left=left)
