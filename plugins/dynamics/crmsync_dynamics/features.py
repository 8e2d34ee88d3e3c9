"""What a server offers, and what is done where it turns out to be missing."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from crmsync.connectors import features

_INSTEAD = {
    "whoami": "does not tell who we are: it is taken for a plain OData server",
    "definitions": "has no EntityDefinitions: labels, lengths and choices are not known, only what $metadata has",
    "tracking": "has no change tracking: changes are found by their stamps, deletions by comparing ids once a day",
    "privileges": "does not tell our privileges: they are found out by trying",
    "security": "does not tell our column permissions: secured columns are left out unless trust_secured is set",
    "lookups": "does not tell what a lookup refers to: only those to one table are read",
    "organization": "does not tell how long it remembers changes",
    "$filter": "refuses a filter: all records are read where some would do",
    "$select": "refuses a selection of columns: all columns are read",
    "batch": "takes no batches: every record costs a call of its own",
    "multiple": "takes no bulk messages: records are written in batches",
}


class Features(features.Features):
    """The abilities of such a server."""

    instead: ClassVar[Mapping[str, str]] = MappingProxyType(_INSTEAD)

    @property
    def plain(self) -> bool:
        """Whether the server is some OData server rather than a Dataverse."""
        return "whoami" in self.missing
