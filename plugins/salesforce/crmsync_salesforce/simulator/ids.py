"""Record ids: fifteen case-sensitive characters and a checksum of three, counted up per object."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_CHECK = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
_PLAIN = frozenset(DIGITS)
SHORT, LONG = 15, 18
_POD = "5e00000"


def _bits(group: str) -> str:
    return _CHECK[sum(1 << place for place, char in enumerate(group) if "A" <= char <= "Z")]


def lengthen(short: str) -> str:
    """The 18-character form of a 15-character id."""
    return short + _bits(short[0:5]) + _bits(short[5:10]) + _bits(short[10:15])


def normalise(text: object) -> str | None:
    """The 18-character form of a 15 or 18-character id, or None for anything that is not an id."""
    if not isinstance(text, str) or len(text) not in {SHORT, LONG} or not _PLAIN.issuperset(text):
        return None
    whole = lengthen(text[:SHORT])
    return whole if len(text) == SHORT or whole[SHORT:] == text[SHORT:].upper() else None


@lru_cache(maxsize=4096)
def _pair(number: int) -> tuple[str, int]:
    text = DIGITS[number // 62] + DIGITS[number % 62]
    return text, sum(1 << place for place, char in enumerate(text) if "A" <= char <= "Z")


def count_up(prefix: str, start: int = 1) -> Iterator[str]:
    """Ids of one object for ever, in rising order under plain string comparison."""
    head = prefix + _POD
    tail_check = _bits(head[0:5]) + _bits(head[5:10])
    number = start
    while True:
        rest, low = divmod(number, 3844)
        first, middle = divmod(rest, 3844)
        high_text, high_bits = _pair(middle)
        low_text, low_bits = _pair(low)
        lead = DIGITS[first]
        bits = ("A" <= lead <= "Z") | high_bits << 1 | low_bits << 3
        yield f"{head}{lead}{high_text}{low_text}{tail_check}{_CHECK[bits]}"
        number += 1
