"""What a simulator counts: calls as the vendor would charge them, requests per path, bytes, and how many at once."""

from __future__ import annotations

from collections import Counter, deque
from typing import Any

from msgspec import Struct, field

MOST_RECENT = 200


class Statistics(Struct):
    """Counts since the start or the last reset; `charged` survives a reset because a daily limit does."""

    charged: int = 0
    calls: int = 0
    kinds: Counter[str] = field(default_factory=Counter)
    paths: Counter[str] = field(default_factory=Counter)
    statuses: Counter[int] = field(default_factory=Counter)
    requests: int = 0
    sub_requests: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    recent: deque[dict[str, Any]] = field(default_factory=lambda: deque(maxlen=MOST_RECENT))

    def begin(self, received: int) -> None:
        """A request has come in."""
        self.requests += 1
        self.bytes_in += received
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)

    def charge(self, kind: str, calls: int = 1) -> None:
        """Count calls of a kind against the vendor's limit."""
        self.kinds[kind] += 1
        self.calls += calls
        self.charged += calls

    def end(self, method: str, path: str, status: int, sent: int) -> None:
        """A request has been answered."""
        self.in_flight -= 1
        self.bytes_out += sent
        self.statuses[status] += 1
        self.paths[f"{method} {path.partition('?')[0]}"] += 1
        self.recent.append({"method": method, "path": path, "status": status, "bytes": sent})

    def reset(self) -> None:
        """Start counting anew, but for what the daily limit has used up."""
        charged, in_flight = self.charged, self.in_flight
        fresh = Statistics(charged=charged, in_flight=in_flight, most_in_flight=in_flight)
        for name in self.__struct_fields__:
            setattr(self, name, getattr(fresh, name))

    def show(self) -> dict[str, Any]:
        """The counts as the control path gives them."""
        return {
            "calls": self.calls,
            "charged": self.charged,
            "requests": self.requests,
            "sub_requests": self.sub_requests,
            "kinds": dict(self.kinds),
            "paths": dict(self.paths),
            "statuses": {str(key): count for key, count in self.statuses.items()},
            "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out,
            "in_flight_max": self.most_in_flight,
            "last": list(self.recent),
        }
