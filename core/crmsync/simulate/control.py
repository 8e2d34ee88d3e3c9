"""The control path: what tests and the demo story do to a running simulator, outside the vendor's API."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct

from crmsync.simulate.acts import COMMON, Act, Body, show_faults
from crmsync.simulate.calls import Call, Refusal, Reply
from crmsync.simulate.editing import Editing, edit_records
from crmsync.simulate.faults import Fault
from crmsync.simulate.site import Site

PREFIX = "/control"


class Control(Struct, frozen=True):
    """A simulator's control path: what all simulators can be asked, and the `acts` that are its own.

    `check` raises ValueError for a fault whose action is unknown, `features` can be switched off, and `more` is
    what this CRM alone can do to records.
    """

    check: Callable[[Fault], None]
    features: frozenset[str]
    more: Editing
    acts: Mapping[tuple[str, str], Act]

    def serve(self, site: Site, call: Call) -> Reply:
        """Answer a control request; errors are JSON objects with `error`."""
        parts = call.path.removeprefix(PREFIX).strip("/").split("/")
        try:
            return Reply(body=self._act(site, call, parts))
        except Refusal as refusal:
            return Reply(refusal.status, {"error": refusal.code, "message": refusal.message})
        except (KeyError, ValueError, TypeError, AttributeError) as error:
            return Reply(400, {"error": type(error).__name__, "message": str(error)})

    def _act(self, site: Site, call: Call, parts: list[str]) -> Any:
        if parts[0] == "records" and len(parts) > 1:
            return edit_records(site.org, call, parts[1:], self.more)
        asked = call.method, "/".join(parts)
        if asked == ("POST", "faults"):
            return self._plant(site, call)
        act = self.acts.get(asked) or COMMON.get(asked)
        if act is None:
            raise Refusal("NOT_FOUND", f"no control path {call.method} {call.path}", 404)
        return act(site, call)

    def _plant(self, site: Site, call: Call) -> Body:
        body = json.loads(call.body or b"{}")
        wish = {"faults": body} if isinstance(body, list) else body
        planted = site.faults.plant_all(wish.get("faults", [wish] if "action" in wish else []))
        try:
            for fault in planted:
                self.check(fault)
        except ValueError:
            site.faults.planted = [one for one in site.faults.planted if one not in planted]
            raise
        if "disable" in wish:
            self._disable(site, wish["disable"])
        return show_faults(site, call)

    def _disable(self, site: Site, names: list[str]) -> None:
        unknown = set(names) - self.features
        if unknown:
            known = ", ".join(sorted(self.features))
            raise ValueError(f"no feature is named {', '.join(sorted(unknown))}; there are {known}")
        site.disabled = set(names)
