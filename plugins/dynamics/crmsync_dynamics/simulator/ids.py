"""Row ids: GUIDs in lower case, the same for the same seed and the same order of rows."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator

_GUID = re.compile(r"[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}")


def draw(seed: int | str) -> Iterator[str]:
    """GUIDs for ever."""
    bits = random.Random(seed).getrandbits
    while True:
        text = f"{bits(128):032x}"
        yield f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"


def normalise(text: str) -> str | None:
    """A GUID as rows hold it, without braces and in lower case; None for anything that is not one."""
    bare = text[1:-1] if text.startswith("{") and text.endswith("}") else text
    return bare.lower() if _GUID.fullmatch(bare) else None
