"""Marks and resume texts: where a read goes on, as JSON that only this connector reads."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from crmsync.clock import moment, stamp

T = TypeVar("T")


class Mark(msgspec.Struct, omit_defaults=True):
    """Everything visible at `upto` has been read; what came since is behind the delta link, where there is one."""

    upto: str
    delta: str | None = None
    select: str = ""  # what the delta link selects
    lost: bool = False  # there should be a link, and the server gave none


class Place(msgspec.Struct, omit_defaults=True):
    """Where a read stands: the link of its next page, and what its last page's mark will say."""

    upto: str
    link: str | None = None
    whole: bool = False  # everything is read anew in the place of changes
    delta: bool = False  # the read is one that ends with a delta link
    lost: bool = False  # it should be, and the server did not let it


def write(one: Mark | Place) -> str:
    """The text of a mark or place."""
    return msgspec.json.encode(one).decode()


def read(text: str | None, kind: type[T]) -> T | None:
    """The mark or place of a text; None where there is none, or one of another version."""
    try:
        found: T | None = msgspec.json.decode(text, type=kind) if text else None
    except msgspec.MsgspecError:
        return None
    return found


def back(text: str, seconds: float) -> str:
    """A canonical moment some seconds earlier."""
    return stamp(moment(text) - timedelta(seconds=seconds))


def safe(asked_at: datetime, lag: float) -> str:
    """The moment up to which everything is visible to a question asked at `asked_at`, to the second."""
    return stamp((asked_at - timedelta(seconds=lag)).replace(microsecond=0))
