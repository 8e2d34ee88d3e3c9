"""The `Prefer` header: page size, annotations, change tracking, and what the answer says of them."""

from __future__ import annotations

import re
from fnmatch import fnmatchcase

from msgspec import Struct

_PART = re.compile(r'([\w.-]+)(?:\s*=\s*(?:"([^"]*)"|([^,\s]+)))?')


class Preferences(Struct, frozen=True):
    """What a client prefers; `annotations` are patterns of annotation names, empty for none."""

    annotations: tuple[str, ...] = ()
    page: int = 0
    track: bool = False
    keep_going: bool = False
    representation: bool = False
    applied: str = ""

    @classmethod
    def read(cls, header: str) -> Preferences:
        """The preferences of a header; what is unknown is ignored."""
        given = {name.lower(): quoted or plain for name, quoted, plain in _PART.findall(header)}
        page = given.get("odata.maxpagesize", "")
        return cls(
            annotations=tuple(filter(None, given.get("odata.include-annotations", "").split(","))),
            page=int(page) if page.isdigit() else 0,
            track="odata.track-changes" in given,
            keep_going="odata.continue-on-error" in given,
            representation=given.get("return") == "representation",
            applied=header,
        )

    def wants(self, annotation: str) -> bool:
        """Whether an annotation is to be in the answer."""
        return any(fnmatchcase(annotation, one) for one in self.annotations)

    @property
    def all_annotations(self) -> bool:
        """Whether every annotation is wanted."""
        return "*" in self.annotations
