"""Where a read goes on: its marks and resume texts, as `crmsync.connectors.marks` writes them."""

from __future__ import annotations

import msgspec

from crmsync.clock import moment, stamp
from crmsync.connectors.marks import read, write


class Mark(msgspec.Struct):
    """Everything that was visible at `upto` has been read."""

    upto: str


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
    return write(Mark(upto))


def read_mark(text: str | None) -> str | None:
    """The moment of a mark; None for no mark or one that cannot be read."""
    found = read(text, Mark)
    try:
        return stamp(moment(found.upto)) if found else None
    except ValueError:
        return None
