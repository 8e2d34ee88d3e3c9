"""Which resource answers which method and path, and what it counts as."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from msgspec import Struct

Handler = Callable[..., Any]
"""Called with the site, the call, and the named groups of the pattern that matched; returns the reply."""


class Route(Struct, frozen=True):
    """One method and path pattern."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler
    kind: str


def route(method: str, pattern: str, handler: Handler, kind: str) -> Route:
    """A route; the whole path has to match the pattern."""
    return Route(method, re.compile(pattern), handler, kind)


def find_route(routes: Iterable[Route], method: str, path: str) -> tuple[Route, dict[str, str]] | None:
    """The first route of a method and path, with the named groups that took part; None where there is none."""
    for one in routes:
        found = one.pattern.fullmatch(path) if one.method == method else None
        if found is not None:
            return one, {key: value for key, value in found.groupdict().items() if value is not None}
    return None


def is_path(routes: Iterable[Route], path: str) -> bool:
    """Whether any method at all has a route for the path."""
    return any(one.pattern.fullmatch(path) for one in routes)
