"""`CRMSYNC_TRACE_HOOKS=1`: every hook call, its arguments and its result, a line each on standard error."""

from __future__ import annotations

import os
import reprlib
import sys
from collections.abc import Sequence
from typing import Any

from crmsync.model import Page, Route
from crmsync.redact import clean
from crmsync.writes import Change

VARIABLE = "CRMSYNC_TRACE_HOOKS"
MOST = 6  # of a list


class Trace:
    """Prints what is called while the variable is set; no session, no record's values, nothing like a secret."""

    def __init__(self) -> None:
        self.on = os.environ.get(VARIABLE, "") not in ("", "0")

    def called(self, hook: str, plugins: Sequence[str], **arguments: Any) -> None:
        """A hook is about to be called."""
        if self.on:
            given = ", ".join(f"{name}={_told(name, value)}" for name, value in arguments.items())
            self._say(f"{hook}({given}) → {', '.join(plugins)}")

    def answered(self, hook: str, plugin: str, result: Any) -> None:
        """A hook has answered, or raised."""
        if self.on:
            self._say(f"{hook} ← {plugin}: {_told('', result)}")

    def _say(self, text: str) -> None:
        print(f"crmsync: {clean(text)}", file=sys.stderr)  # noqa: T201 - this is what the variable asks for


def _told(name: str, value: Any) -> str:
    if name == "session":
        return f"<{type(value).__name__}>"
    if isinstance(value, Page):
        return f"<Page {len(value.rows)} rows of {list(value.columns)} mark={value.mark!r} resume={value.resume!r}>"
    if isinstance(value, Route):
        return f"<Route {value.object} → {value.entity}>"
    if isinstance(value, Change):
        return f"<Change {value.operation} {value.object} {value.crm_id} of {list(value.values)}>"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_told('', one) for one in value[:MOST])}{', …' if len(value) > MOST else ''}]"
    return _SHORT.repr(value)


_SHORT = reprlib.Repr()
_SHORT.maxother = _SHORT.maxstring = 400
