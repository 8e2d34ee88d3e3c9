"""The options that many commands share, and how their texts are read."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from crmsync.clock import stamp

Settings = Annotated[
    Path | None,
    typer.Option("--settings", "-c", envvar="CRMSYNC_SETTINGS", help="settings file (crmsync.toml in this folder)"),
]
Name = Annotated[str | None, typer.Argument(help="connection; not needed where there is only one")]
AsJson = Annotated[bool, typer.Option("--json", help="print one JSON document and nothing else")]
AsCsv = Annotated[bool, typer.Option("--csv", help="print CSV and nothing else")]
Objects = Annotated[list[str] | None, typer.Option("--object", "-o", help="only this object; may be repeated")]


def _moment(text: str | None) -> str | None:
    return moment_of(text, datetime.now(UTC)) if text else None


Since = Annotated[
    str | None,
    typer.Option(callback=_moment, help="from this moment on: 2026-01-31, 2026-01-31T08:15, or 90m, 6h, 2d ago"),
]
Until = Annotated[str | None, typer.Option(callback=_moment, help="up to this moment, in the same forms")]
Before = Annotated[str | None, typer.Option(callback=_moment, help="before this moment, in the same forms")]
Entity = Annotated[str, typer.Option("--entity", "-e", help="the table of the record")]

_AGO = re.compile(r"(\d+)\s*([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def moment_of(text: str, now: datetime) -> str:
    """The canonical moment that a person means; one without an offset is in local time."""
    if ago := _AGO.fullmatch(text.strip().lower()):
        return stamp(now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}))
    try:
        return stamp(datetime.fromisoformat(text.strip()).astimezone())
    except (ValueError, OverflowError):
        raise typer.BadParameter(f"{text!r} is no moment; write 2026-01-31, 2026-01-31T08:15, 90m, 6h or 2d") from None
