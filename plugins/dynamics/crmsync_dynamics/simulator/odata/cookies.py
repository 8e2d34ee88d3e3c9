"""Paging cookies: XML, percent-encoded twice inside, that must come back byte for byte."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import quote, unquote

from msgspec import Struct

from crmsync_dynamics.simulator.errors import Refusal

_OUTER = re.compile(r'<cookie pagenumber="(\d+)" pagingcookie="([^"]*)" istracking="(True|False)" />')
_INNER = re.compile(r'<cookie page="(\d+)">(.*)</cookie>', re.DOTALL)
_PART = re.compile(r'<([\w.]+) (?:last="([^"]*)" first="([^"]*)"|(lastnull="1" firstnull="1")) />')
_HEX = re.compile(r"%[0-9A-F]{2}")


class Cookie(Struct, frozen=True):
    """Where a page begins: its number, names and values of the page before, and whether changes are tracked."""

    page: int
    names: tuple[str, ...]
    last: tuple[str | None, ...]
    first: tuple[str | None, ...]
    tracking: bool = False

    def encode(self) -> str:
        """The text behind `$skiptoken=`."""
        parts = "".join(map(_part, self.names, self.last, self.first))
        inner = f'<cookie page="{self.page - 1}">{parts}</cookie>'
        once = _HEX.sub(lambda found: found[0].lower(), quote(inner, safe=""))
        outer = (
            f'<cookie pagenumber="{self.page}" pagingcookie="{quote(once, safe="")}" istracking="{self.tracking}" />'
        )
        return quote(outer, safe="=/%")


def _part(name: str, last: str | None, first: str | None) -> str:
    if last is None or first is None:
        return f'<{name} lastnull="1" firstnull="1" />' if last is None else f'<{name} last="{_safe(last)}" first="" />'
    return f'<{name} last="{_safe(last)}" first="{_safe(first)}" />'


def _safe(text: str) -> str:
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;")


def _unsafe(text: str) -> str:
    return text.replace("&lt;", "<").replace("&quot;", '"').replace("&amp;", "&")


def read(raw: str, names: Sequence[str]) -> Cookie:
    """The cookie of a raw `$skiptoken`; raises the refusal of one that was altered, or is of another order."""
    outer = _OUTER.fullmatch(unquote(raw))
    inner = _INNER.fullmatch(unquote(outer[2])) if outer is not None else None
    if outer is None or inner is None:
        raise Refusal("0x8004112a", "The paging cookie is invalid.")
    parts = _PART.findall(inner[2])
    last = tuple(None if null else _unsafe(one) for _, one, _, null in parts)
    first = tuple(None if null else _unsafe(one) for _, _, one, null in parts)
    cookie = Cookie(int(outer[1]), tuple(name for name, *_ in parts), last, first, outer[3] == "True")
    if cookie.encode() != raw:
        raise Refusal("0x8004112a", "The paging cookie is invalid.")
    if cookie.names != tuple(names):
        raise Refusal("0x80041129", "The paging cookie does not belong to the order of this query.")
    return cookie
