"""The system options of a query beside its filter: lists, orders, and expansions with options of their own."""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct, field

from crmsync_dynamics.simulator.errors import Refusal, bad_syntax

SYSTEM = frozenset(
    {"$select", "$filter", "$orderby", "$top", "$count", "$expand", "$skiptoken", "$deltatoken", "$apply", "$id"}
)
MOST_EXPANSIONS = 15
_ITEM = re.compile(r"([\w.]+(?:/\$ref)?)\s*(?:\((.*)\))?", re.DOTALL)


class Expansion(Struct, frozen=True):
    """One navigation property to expand, with options of its own by their names with the dollar sign."""

    name: str
    options: dict[str, str] = field(default_factory=dict)


def split(text: str, separator: str) -> Iterator[str]:
    """The parts of a text, but for separators inside brackets or quotes."""
    depth, quoted, start = 0, False, 0
    for place, char in enumerate(text):
        if char == "'":
            quoted = not quoted
        elif not quoted and char in "()":
            depth += 1 if char == "(" else -1
        elif char == separator and not quoted and not depth:
            yield text[start:place].strip()
            start = place + 1
    if text[start:].strip():
        yield text[start:].strip()


def names(text: str) -> list[str]:
    """The names of a `$select`, each once."""
    return list(dict.fromkeys(split(text, ",")))


def expansions(text: str) -> list[Expansion]:
    """The expansions of a `$expand`; raises the refusal of one that cannot be read."""
    found = []
    for part in split(text, ","):
        item = _ITEM.fullmatch(part)
        if item is None:
            raise bad_syntax()
        pairs = (one.partition("=") for one in split(item[2] or "", ";"))
        found.append(Expansion(item[1], {name.strip(): value.strip() for name, _, value in pairs}))
    if len(found) > MOST_EXPANSIONS:
        raise Refusal("0x8004430d", f"Number of link entities exceeds the maximum of {MOST_EXPANSIONS}.")
    return found


def order(text: str) -> list[tuple[str, bool]]:
    """The properties of a `$orderby`, each with whether it falls."""
    found = []
    for part in split(text, ","):
        name, _, way = part.partition(" ")
        if way.strip() not in {"", "asc", "desc"}:
            raise Refusal("0x0", f"Syntax error in the order '{part}'.")
        found.append((name, way.strip() == "desc"))
    return found


def whole(text: str, name: str) -> int:
    """A count; raises the refusal of any other text."""
    if not text.isdigit():
        raise Refusal("0x0", f"Invalid value '{text}' for {name} query option found. It requires a whole number.")
    return int(text)


def check(query: dict[str, str]) -> None:
    """Raise the refusal of a system option that the vendor does not know."""
    other = next((name for name in ("fetchXml", "sql", "savedQuery", "userQuery") if name in query), None)
    if other is not None:
        raise Refusal("0x80060888", f"Queries by {other} are not supported.", status=501)
    if "$skip" in query:
        raise Refusal("0x80060888", "Skip Clause is not supported in CRM")
    for name in query:
        if name.startswith("$") and name not in SYSTEM:
            raise Refusal("0x0", f"The query parameter '{name}' is not supported.")
