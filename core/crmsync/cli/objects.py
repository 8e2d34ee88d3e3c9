"""Objects that a person names."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

from crmsync.connection import Connection
from crmsync.errors import SettingsError
from crmsync.store.reports import report


async def all_known(connection: Connection, named: Sequence[str], seen: Sequence[str]) -> None:
    """Raise SettingsError, with what is near, for a name that the work did not meet: it is no synced object."""
    unknown = next((name for name in named if name not in seen), None)
    if unknown is None:
        return
    known = await connection.report(report.known_objects)
    spelt = {name.lower(): name for name in known}
    near = [spelt[name] for name in get_close_matches(unknown.lower(), spelt, n=3)]
    hint = f"Did you mean {' or '.join(map(repr, near))}?" if near else f"Synced are: {', '.join(known) or 'none'}."
    raise SettingsError(f"{unknown!r} is not a synced object of {connection.name!r}.", hint=hint)
