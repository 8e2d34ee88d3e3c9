"""Where a read goes on: its marks and resume texts, as `crmsync.connectors.marks` writes them."""

from __future__ import annotations

import msgspec


class Mark(msgspec.Struct, omit_defaults=True):
    """Everything visible at `upto` has been read; what came since is behind the delta link, where there is one."""

    upto: str
    delta: str | None = None
    select: str = ""  # what the delta link selects
    lost: bool = False  # there should be a link, and the server gave none


class Place(msgspec.Struct, omit_defaults=True):
    """Where a read stands: the link of its next page, and what its last page's mark will say."""

    upto: str
    link: str | None = None
    whole: bool = False  # everything is read anew in the place of changes
    delta: bool = False  # the read is one that ends with a delta link
    lost: bool = False  # it should be, and the server did not let it
