"""What a server offers. What turns out to be missing is told once and done another way from then on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

_INSTEAD = {
    "versions": "lists no API versions: only the simplest queries are sent to it",
    "queryAll": "has no queryAll: records in its recycle bin are not seen",
    "getDeleted": "has no feed of deletions: records deleted for good are not noticed",
    "composite": "has no composite requests: every object costs calls of its own",
    "bulk": "has no usable bulk queries: everything is read page by page",
    "collections": "writes no collections: every record costs a call of its own",
    "retrieve": "reads no collections: records are read by their ids in more and smaller calls",
    "ingest": "takes no bulk uploads: everything is written 200 records a call",
    "soap": "takes no SOAP calls: it converts no leads, merges no records and mails no owners for us",
    "limits": "tells nothing of its daily calls: the quota cannot be watched",
}


@dataclass(slots=True)
class Features:
    """Abilities of the server by name; one that nobody has missed yet is believed in."""

    warn: Callable[[str], None] = lambda _: None
    missing: set[str] = field(default_factory=set)

    def has(self, name: str) -> bool:
        """Whether the ability may be used."""
        return name not in self.missing

    def miss(self, name: str, why: str = "") -> None:
        """Note that the ability is not there, and tell once what is done instead."""
        if name not in self.missing:
            self.missing.add(name)
            self.warn(f"The server {_INSTEAD[name]}." + (f" ({why})" if why else ""))

    @property
    def plain(self) -> bool:
        """Whether the server is a simple one: one sort key, no OR, no brackets, no upper bounds."""
        return "versions" in self.missing
