"""What a route is: one method and path pattern under the service, what answers it, and what it counts as."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from crmsync_dynamics.simulator.api.call import Reply

Handler = Callable[..., Reply]
"""Called with the site, the call, and the named groups of the pattern that matched."""

SET = r"(?P<set_name>[A-Za-z_]\w*)"
KEY = r"\((?P<key>[^()]*(?:\([^()]*\)[^()]*)*)\)"
NAME = r"(?P<name>\w+)"
ACTION = r"Microsoft\.Dynamics\.CRM\."


@dataclass(frozen=True, slots=True)
class Route:
    """One method and path pattern, without the slash in front."""

    method: str
    pattern: re.Pattern[str]
    handler: Handler
    kind: str


def route(method: str, pattern: str, handler: Handler, kind: str) -> Route:
    """A route; the whole path has to match the pattern."""
    return Route(method, re.compile(pattern), handler, kind)
