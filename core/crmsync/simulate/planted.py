"""What planted faults do that only one vendor's servers can do, by the name under `action.name`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct

from crmsync.simulate.calls import Call, Reply
from crmsync.simulate.faults import Fault
from crmsync.simulate.site import Site

S = TypeVar("S", bound=Site)
C = TypeVar("C", bound=Call)
R = TypeVar("R", bound=Reply)

_PLAIN = "text/plain;charset=UTF-8"
_PAGE = "<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>"


class FaultActions(Struct, Generic[S, C, R], frozen=True):
    """A vendor's actions: `before` may answer in place of the server, `after` changes its answer.

    `others` are further names, of actions that the server itself looks out for; `reply` makes the answers.
    """

    reply: type[R]
    before: Mapping[str, Callable[[S, C, dict[str, Any]], R | None]]
    after: Mapping[str, Callable[[S, R, dict[str, Any]], None]]
    others: frozenset[str] = frozenset()

    def check(self, fault: Fault) -> None:
        """Raise ValueError for an action nobody knows."""
        name = fault.action.get("name")
        known = {*self.before, *self.after, *self.others}
        if name is not None and name not in known:
            raise ValueError(f"no action is named {name}; there are {', '.join(sorted(known))}")

    def answer_for(self, site: S, call: C, fault: Fault) -> R | None:
        """What the fault answers in place of the server, if it does."""
        action = fault.action
        if action.get("name") in self.before:
            return self.before[action["name"]](site, call, action)
        if "status" not in action:
            return None
        body, headers = action.get("body"), dict(action.get("headers", {}))
        if isinstance(body, str):
            return self.reply(int(action["status"]), body.encode(), headers, action.get("content_type", _PLAIN))
        return self.reply(int(action["status"]), body, headers)

    def alter(self, site: S, reply: R, fault: Fault) -> None:
        """What the fault does to the server's own answer."""
        if fault.action.get("name") in self.after:
            self.after[fault.action["name"]](site, reply, fault.action)


def titled_page(title: str) -> bytes:
    """The HTML page of a server that has nothing else to say."""
    return _PAGE.format(title=title).encode()
