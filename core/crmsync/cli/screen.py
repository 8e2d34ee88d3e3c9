"""What people and programs see: tables, JSON, CSV and complaints, whatever the terminal and the text are like."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crmsync.clock import moment
from crmsync.errors import CrmsyncError
from crmsync.redact import clean

WIDE = 240  # columns where nobody looks: nothing is cut in a file or a pipe

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]|[\ud800-\udfff]")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


# Without markup and emoji: what is printed came from a CRM.
out = Console(markup=False, emoji=False, highlight=False)
err = Console(markup=False, emoji=False, highlight=False, stderr=True)


class Complaints:
    """How errors are told."""

    traceback = False


def prepare() -> None:
    """Let no character that the terminal cannot show stop a command."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def plain(value: Any) -> str:
    """A value as text on one line: no control characters, moments in local time, nothing for None."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list | tuple | set | frozenset):
        return ", ".join(plain(one) for one in value)
    text = str(value)
    if _MOMENT.fullmatch(text):
        return moment(text).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r", "").replace("\n", " ").replace("\t", " "))


def say(text: str = "") -> None:
    """One line for the user."""
    out.print(Text(plain(text)), soft_wrap=True)


def mention(text: str) -> None:
    """One line beside the output proper: on standard error."""
    err.print(Text(plain(text)), soft_wrap=True)


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, title: str = "", empty: str = "") -> None:
    """Rows under their columns; `empty` is what to say where there are none."""
    if not rows:
        say(empty)
        return
    grid = Table(
        title=Text(plain(title)) if title else None,
        title_justify="left",
        box=box.SIMPLE_HEAD,
        show_edge=False,
        pad_edge=False,
    )
    for column in columns:
        number = any(isinstance(row.get(column), int | float) and not isinstance(row[column], bool) for row in rows)
        grid.add_column(column.replace("_", " "), justify="right" if number else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(Text(_cell(row.get(column))) for column in columns))
    if not out.is_terminal:
        columns = os.environ.get("COLUMNS", "")
        out.width = max(1, int(columns)) if columns.isdigit() else WIDE
    out.print(grid)


def _cell(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else plain(value)


def write_json(data: Any) -> None:
    """One JSON document on standard output."""
    sys.stdout.write(json.dumps(data, indent=2, default=str) + "\n")
    sys.stdout.flush()


def write_csv(rows: Iterable[Mapping[str, Any]], columns: Sequence[str]) -> None:
    """Rows as CSV with a header on standard output."""
    writer = csv.DictWriter(sys.stdout, columns, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)


def complain(error: BaseException) -> int:
    """Say on standard error what went wrong and what to do; returns the exit code."""
    if Complaints.traceback:
        err.print(Text(clean("".join(traceback.format_exception(error)))))
    known = _known(error)
    if isinstance(error, OSError):
        mention(f"crmsync: {clean(str(error))}")
        return 1
    if known is None:
        mention(f"crmsync: this should not have happened: {type(error).__name__}: {clean(str(error))}")
        if not Complaints.traceback:
            mention("`crmsync --debug` with the same command shows where; please report it.")
        return 1
    for line in f"crmsync: {clean(known.message)}\n{clean(known.hint)}".strip().splitlines():
        mention(line)
    return known.exit_code


def _known(error: BaseException) -> CrmsyncError | None:
    """The error of ours in it: a group of tasks that failed together wraps the first one."""
    if isinstance(error, BaseExceptionGroup):
        return next((found for inner in error.exceptions if (found := _known(inner))), None)
    return error if isinstance(error, CrmsyncError) else None
