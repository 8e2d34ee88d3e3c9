"""Marks and resume texts: where a read goes on, as JSON that only this connector reads."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import msgspec

from crmsync.clock import moment, stamp


class Partition(msgspec.Struct, omit_defaults=True):
    """A stretch of ids and how far it was read."""

    low: str | None = None
    high: str | None = None
    last: str | None = None
    done: bool = False


class Place(msgspec.Struct, omit_defaults=True):
    """Where a read stands. `upto` is the mark that its last page will have."""

    upto: str
    parts: list[Partition] = []  # of a load page by page
    stamp: str | None = None  # of a read of changes: the last row's
    id: str | None = None
    job: str | None = None  # of a bulk job, with the locator of the next page
    locator: str | None = None
    within: int = 0  # rows of that page that were read
    sent: int = 0


def write_mark(upto: str) -> str:
    """A mark: everything that was visible at `upto` has been read."""
    return msgspec.json.encode({"upto": upto}).decode()


def read_mark(text: str | None) -> str | None:
    """The moment of a mark; None for no mark or one that cannot be read."""
    try:
        found: Any = msgspec.json.decode(text or "null")
        return stamp(moment(found["upto"]))
    except (msgspec.MsgspecError, ValueError, KeyError, TypeError):
        return None


def write_place(place: Place) -> str:
    """A resume text."""
    return msgspec.json.encode(place).decode()


def read_place(text: str | None) -> Place | None:
    """The place of a resume text; None where there is none, or one of another version."""
    if not text:
        return None
    try:
        return msgspec.json.decode(text, type=Place)
    except msgspec.MsgspecError:
        return None


def back(text: str, seconds: float) -> str:
    """A canonical moment some seconds earlier."""
    return stamp(moment(text) - timedelta(seconds=seconds))


def safe(asked_at: datetime, lag: float) -> str:
    """The moment up to which everything is visible to a question asked at `asked_at`, to the second."""
    return stamp((asked_at - timedelta(seconds=lag)).replace(microsecond=0))
