"""One request and one answer, free of any web framework so that a batch can run others inside."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any
from urllib.parse import unquote, unquote_plus, urlsplit

from msgspec import field

from crmsync import simulate
from crmsync_dynamics.simulator.access import User
from crmsync_dynamics.simulator.api.prefer import Preferences
from crmsync_dynamics.simulator.errors import Refusal

JSON = "application/json; odata.metadata=minimal"
TEXT = "text/plain"
XML = "application/xml"
HTML = "text/html; charset=utf-8"
SERVICE = "/api/data/v"


class Reply(simulate.Reply):
    """An answer; a body that is neither bytes nor None is sent as JSON."""

    content_type: str = JSON


class Call(simulate.Call, kw_only=True):
    """A request after routing and log-in; `query` is decoded, `raw_query` as it came."""

    raw_query: str
    version: str = "9.2"
    user: User | None = None
    prefer: Preferences = field(default_factory=Preferences)

    def __post_init__(self) -> None:
        """Take the query and the preferences apart."""
        self.query = read_query(self.raw_query)
        self.prefer = Preferences.read(self.header("Prefer"))

    @property
    def rights(self) -> User:
        """The user who calls."""
        if self.user is None:
            raise Refusal("0x80040204", "No user has logged in.", status=401)
        return self.user

    @property
    def base(self) -> str:
        """The address all resources lie under, without a slash at its end."""
        return f"{self.url}{SERVICE}{self.version}"

    @property
    def strong(self) -> bool:
        """Whether the caller wants the schema as it is, and not as it was some seconds ago."""
        return self.header("Consistency").lower() == "strong"

    @property
    def applied(self) -> dict[str, str]:
        """The header that says which preferences were honoured."""
        return {"Preference-Applied": self.prefer.applied} if self.prefer.applied else {}

    def again(self, more: str, *, without: tuple[str, ...]) -> str:
        """The address of this call with something more in its query, and without some of its options."""
        parts = [part for part in self.raw_query.split("&") if part]
        kept = [part for part in parts if unquote(part.partition("=")[0]) not in without]
        path = self.path.removeprefix(f"{SERVICE}{self.version}/")
        return f"{self.base}/{path}?{'&'.join([*kept, more])}"

    def json(self) -> dict[str, Any]:
        """The JSON object of the body, numbers with a fraction as Decimal; raises the refusal of any other body."""
        try:
            value = json.loads(self.body or b"{}", parse_float=Decimal)
        except ValueError as error:
            raise unreadable(str(error)) from error
        if not isinstance(value, dict):
            raise unreadable("An object was expected.")
        return value

    def inner(self, method: str, url: str, body: bytes, headers: Mapping[str, str]) -> Call:
        """A request inside this one, by the same user; `url` is absolute, or begins with a slash."""
        parts = urlsplit(url)
        return Call(
            method=method, path=unquote(parts.path), raw_query=parts.query, headers=headers, body=body, url=self.url,
            user=self.user,
        )  # fmt: skip


def unreadable(why: str) -> Refusal:
    """The payload cannot be read."""
    return Refusal("0x80048d19", f"Error identified in Payload provided by the user: {why}")


def read_query(raw: str) -> dict[str, str]:
    """The parts of a query string, decoded; names of system options keep their dollar sign."""
    parts = (part.partition("=") for part in raw.split("&") if part)
    return {unquote_plus(name): unquote_plus(value) for name, _, value in parts}


def raw_option(raw: str, name: str) -> str:
    """One option of a query string exactly as it came; empty where it is not there."""
    parts = (part.partition("=") for part in raw.split("&"))
    return next((value for key, _, value in parts if unquote_plus(key) == name), "")
