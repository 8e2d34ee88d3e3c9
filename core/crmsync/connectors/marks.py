"""Marks and resume texts: where a read goes on, as JSON that only the connector who wrote it reads."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypeVar

import msgspec

from crmsync.clock import moment, stamp

T = TypeVar("T", bound=msgspec.Struct)


def write(one: msgspec.Struct) -> str:
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
