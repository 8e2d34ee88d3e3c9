"""The kinds of activities that may go to the CRM, and what a person should know of the choice before they do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches

from crmsync.entities import STANDARD
from crmsync.hookspecs import System
from crmsync.model import Finding, Level, Route
from crmsync.store.activity import CHANGED, CREATED

KINDS = (
    "Filled Out Form", "Added to List", "Removed from List", "Email Sent", "Email Delivered", "Email Opened",
    "Clicked Link in Email", "Removed from Flow", "Sales Email Sent", "Sales Email Opened",
    "Clicked Link in Sales Email", "Sales Email Received",
)  # fmt: skip
"""The usual kinds (R-181). Any other may be chosen too, but for those that the sync writes itself."""

_TRAILS = [entity.trail for entity in STANDARD.values()]
_OWN = {kind.lower() for trail in _TRAILS for kind in (trail.added, trail.changed, trail.removed, CHANGED, CREATED)}


def findings(kinds: Sequence[str], system: System, routes: Mapping[str, Route]) -> list[Finding]:
    """What a person should know before activities are sent: whether they can be, and kinds that look like mistakes."""
    if not kinds:
        return []
    route = routes.get(system.tasks)
    if not system.tasks:
        return [_warning(f"{system.title} takes no activities: none is sent.")]
    if route is None:
        return [_warning(f"Activities are sent as {system.tasks}, which is not synced: none is sent.")]
    found = [_warning(said) for kind in kinds if (said := _doubt(kind))]
    if not route.scope.create:
        grant = f'"Create" on {route.object}'
        found.append(_warning(f"{route.object} may not be made with these credentials: no activity is sent.", grant))
    return found or [Finding(level=Level.OK, topic="activities", message=f"sent as {route.object}: {', '.join(kinds)}")]


def _warning(message: str, grant: str = "") -> Finding:
    return Finding(level=Level.WARN, topic="activities", message=message, grant=grant)


def _doubt(kind: str) -> str:
    known = {one.lower(): one for one in KINDS}
    near = get_close_matches(kind.lower(), known, n=1, cutoff=0.8)
    if kind.lower() in _OWN:
        return f"The sync writes {kind!r} itself, and sends none of its own."
    if near and kind.lower() not in known:
        return f"{kind!r} is sent as it is written; did you mean {known[near[0]]!r}?"
    return ""
