"""One request and one answer, free of any web framework so that a request can run others inside."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct, field


class Reply(Struct):
    """An answer; a body that is neither bytes nor None is sent as JSON."""

    status: int = 200
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


class Call(Struct, kw_only=True):
    """A request; `path` and `query` are decoded, `url` is where the simulator is."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    url: str = ""

    def header(self, name: str) -> str:
        """A request header, empty when it was not sent."""
        lower = name.lower()
        return next((value for key, value in self.headers.items() if key.lower() == lower), "")


class Refusal(Exception):
    """The simulator refuses a request, with the vendor's code and text."""

    def __init__(self, code: str, message: str, status: int) -> None:
        super().__init__(f"{code}: {message}")
        self.code = code
        self.message = message
        self.status = status
