"""What people and programs see: tables, JSON, CSV and complaints, whatever the terminal and the text are like."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any

from crmsync.clock import moment
from crmsync.errors import CrmsyncError
from crmsync.redact import clean

_CONTROL = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]|[\ud800-\udfff]")
_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


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
    _terminal().line(plain(text))


def mention(text: str) -> None:
    """One line beside the output proper: on standard error."""
    _terminal().line(plain(text), aside=True)


def _terminal() -> ModuleType:
    from crmsync.cli import terminal  # noqa: PLC0415 - takes long to import, and who wants JSON needs none of it

    return terminal


def table(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, title: str = "", empty: str = "") -> None:
    """Rows under their columns; `empty` is what to say where there are none."""
    if not rows:
        say(empty)
        return
    numbers = {
        column
        for column in columns
        if any(isinstance(row.get(column), int | float) and not isinstance(row[column], bool) for row in rows)
    }
    heads = {column.replace("_", " "): column in numbers for column in columns}
    _terminal().grid([[_cell(row.get(column)) for column in columns] for row in rows], heads, title=plain(title))


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
        _terminal().line(clean("".join(traceback.format_exception(error))), aside=True)
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
