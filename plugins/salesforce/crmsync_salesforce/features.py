"""What a server offers, and what is done where it turns out to be missing."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import ClassVar

from crmsync.connectors import features

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


class Features(features.Features):
    """The abilities of such a server."""

    instead: ClassVar[Mapping[str, str]] = MappingProxyType(_INSTEAD)

    @property
    def plain(self) -> bool:
        """Whether the server is a simple one: one sort key, no OR, no brackets, no upper bounds."""
        return "versions" in self.missing
