"""What a server offers. What turns out to be missing is told once and done another way from then on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

_INSTEAD = {
    "whoami": "does not tell who we are: it is taken for a plain OData server",
    "definitions": "has no EntityDefinitions: labels, lengths and choices are not known, only what $metadata has",
    "tracking": "has no change tracking: changes are found by their stamps, deletions by comparing ids once a day",
    "privileges": "does not tell our privileges: they are found out by trying",
    "security": "does not tell our column permissions: secured columns are left out unless trust_secured is set",
    "lookups": "does not tell what a lookup refers to: only those to one table are read",
    "organization": "does not tell how long it remembers changes",
    "batch": "takes no batches: every record costs a call of its own",
    "multiple": "takes no bulk messages: records are written in batches",
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
        """Whether the server is some OData server rather than a Dataverse."""
        return "whoami" in self.missing
