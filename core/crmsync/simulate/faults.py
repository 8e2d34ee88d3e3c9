"""Planted faults: which requests they hit, and what happens to those.

A fault is planted as `{"match": {"method", "path", "nth", "times"}, "action": {…}}`. `path` is a regular expression
searched in path and query; the fault begins with the `nth` matching request (1 by default) and hits `times` of them
(1 by default, null for all that follow). The actions known here are `status` with `body`, `content_type` and `headers`,
`delay` in seconds, `cut` after so many bytes of the body, `drop` of the connection, and `strip` of response headers;
further actions belong to one CRM and are known to its simulator alone.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field


class Fault(Struct):
    """One planted fault and how often it has been met."""

    action: dict[str, Any]
    method: str | None = None
    path: re.Pattern[str] | None = None
    nth: int = 1
    times: int | None = 1
    seen: int = 0
    hits: int = 0

    @classmethod
    def read(cls, planted: Mapping[str, Any]) -> Fault:
        """The fault of one planted entry; raises ValueError when it cannot be understood."""
        match, action = planted.get("match", {}), planted.get("action")
        if not isinstance(action, dict) or not isinstance(match, dict):
            raise ValueError("a fault has an action, and a match or none, both objects")  # noqa: TRY004 - bad input
        unknown = set(match) - {"method", "path", "nth", "times"}
        if unknown:
            raise ValueError(f"a match has no {', '.join(sorted(unknown))}")
        return cls(
            action=action,
            method=match.get("method"),
            path=re.compile(match["path"]) if match.get("path") else None,
            nth=int(match.get("nth", 1)),
            times=match.get("times", 1),
        )

    def meets(self, method: str, path: str) -> bool:
        """Whether this request is one the fault hits; counts it."""
        if (self.method and self.method.upper() != method) or (self.path and not self.path.search(path)):
            return False
        self.seen += 1
        if self.seen < self.nth or (self.times is not None and self.hits >= self.times):
            return False
        self.hits += 1
        return True

    @property
    def spent(self) -> bool:
        """Whether the fault has hit all it was planted for."""
        return self.times is not None and self.hits >= self.times

    def show(self) -> dict[str, Any]:
        """The fault as the control path lists it."""
        path = self.path.pattern if self.path else None
        match = {"method": self.method, "path": path, "nth": self.nth, "times": self.times}
        return {"match": match, "action": self.action, "hits": self.hits}


class FaultPlan(Struct):
    """All planted faults, in the order they were planted."""

    planted: list[Fault] = field(default_factory=list)

    def plant(self, action: dict[str, Any], **match: Any) -> Fault:
        """Plant one fault from Python."""
        fault = Fault.read({"match": match, "action": action})
        self.planted.append(fault)
        return fault

    def plant_all(self, entries: object) -> list[Fault]:
        """Plant what the control path was sent: one entry or a list; raises ValueError and plants none on a bad one."""
        wanted: list[Any] = entries if isinstance(entries, list) else [entries]
        faults = [Fault.read(entry) for entry in wanted]
        self.planted.extend(faults)
        return faults

    def clear(self) -> None:
        """Take all faults away."""
        self.planted.clear()

    def take(self, method: str, path: str) -> list[Fault]:
        """The faults that hit this request."""
        return [fault for fault in self.planted if fault.meets(method, path)] if self.planted else []
