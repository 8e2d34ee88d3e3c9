"""Helpers of the control path, which every simulator has beside its vendor's own paths."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from crmsync.clock import Clock, SetClock, moment, stamp


def read_object(body: bytes) -> dict[str, Any]:
    """The JSON object of a control request, empty for an empty body; raises ValueError for anything else."""
    if not body.strip():
        return {}
    value = json.loads(body)
    if not isinstance(value, dict):
        raise ValueError("the body of a control request is a JSON object")  # noqa: TRY004 - bad input, not a bad call
    return value


def move_clock(clock: Clock, wish: Mapping[str, Any]) -> str:
    """Set or advance a simulator's clock by `{"now": ISO 8601}` or `{"advance": seconds}`; returns its new time."""
    if wish and not isinstance(clock, SetClock):
        raise ValueError("this simulator runs on the machine's clock, which is not ours to set")
    if isinstance(clock, SetClock):
        if "now" in wish:
            clock.set(moment(str(wish["now"])))
        if "advance" in wish:
            clock.advance(timedelta(seconds=float(wish["advance"])))
    return stamp(clock.now())
