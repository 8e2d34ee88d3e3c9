"""The one-line notation that definitions of columns and choices are written in.

A line reads `SchemaName type[:size] flags [>targets] [=options] [!default] ["Label]`; the logical name is the schema
name in lower case. The five flags are Create, Read, Update, Logical and the required level (n, r, a or s). A size is
a length with `,format`, or `low..high` with `,precision`; of a date it is its behaviour with `,format`. Targets are
tables parted by commas, each with `=navigation/collection` where its navigation properties have names of their own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from crmsync_dynamics.simulator.fields import CHOICES, MULTI, Column, Option, Target

REQUIRED = {"n": "None", "r": "Recommended", "a": "ApplicationRequired", "s": "SystemRequired"}
TYPES = {
    "string": "String", "memo": "Memo", "int": "Integer", "bigint": "BigInt", "decimal": "Decimal", "double": "Double",
    "money": "Money", "bool": "Boolean", "choice": "Picklist", "choices": MULTI, "state": "State", "status": "Status",
    "date": "DateTime", "lookup": "Lookup", "customer": "Customer", "owner": "Owner", "guid": "Uniqueidentifier",
    "entity": "EntityName", "party": "PartyList", "image": "Image",
}  # fmt: skip
_LINE = re.compile(
    r"(?P<schema>\w+) (?P<type>\w+)(?::(?P<size>[\w.,-]+))? (?P<flags>[CRUL-]{4}[nras])"
    r"(?: >(?P<targets>\S+))?(?: =(?P<options>\S+))?(?: !(?P<default>\S+))?(?: \"(?P<label>.+))?"
)
_WORDS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|_")
_CUSTOM = re.compile(r"(new|mkt|msdyn)_")
_RANGES = {
    "Integer": ("-2147483648", "2147483647"),
    "BigInt": ("-9223372036854775808", "9223372036854775807"),
    "Decimal": ("-100000000000", "100000000000"),
}


def spell(schema: str) -> str:
    """A label out of a schema name."""
    words = _WORDS.sub(" ", _CUSTOM.sub("", schema)).strip()
    return words[:1].upper() + words[1:]


def parse_column(line: str, entity: str, choices: dict[str, tuple[Option, ...]]) -> Column:
    """The column of one line; `choices` are looked up by the line's `=name`, then by table and column."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError(f"not a column: {line!r}")
    schema, kind, flags = found["schema"], TYPES[found["type"]], found["flags"]
    low, high, precision = _range(schema, kind, found["size"])
    size, _, form = (found["size"] or "").partition(",")
    options, option_set = _options(found["options"], entity, schema.lower(), choices)
    plain = Column(schema=schema, type=kind, label=found["label"] or spell(schema))
    return replace(
        plain,
        create=flags[0] == "C",
        read=flags[1] == "R",
        update=flags[2] == "U",
        logical=flags[3] == "L",
        custom=bool(_CUSTOM.match(schema)),
        required=REQUIRED[flags[4]],
        length=int(size) if kind in {"String", "Memo"} and size else 0,
        low=low,
        high=high,
        precision=precision,
        behavior=size if kind == "DateTime" and size else "UserLocal",
        format=form if kind in {"String", "Memo", "DateTime"} else "",
        targets=tuple(_targets(found["targets"], entity, schema, custom=bool(_CUSTOM.match(schema)))),
        options=options,
        option_set=option_set if options else "",
        default=_default(kind, found["default"]),
    )


def _range(schema: str, kind: str, size: str | None) -> tuple[Decimal | None, Decimal | None, int]:
    if kind not in {"Integer", "BigInt", "Decimal", "Double", "Money"}:
        return None, None, 0
    span, _, precision = (size or "").partition(",")
    low, _, high = span.partition("..")
    if not high:
        low, high = _RANGES.get(kind, ("-922337203685477", "922337203685477"))
    usual = 0 if kind in {"Integer", "BigInt"} else 4 if schema.endswith("_Base") else 2
    return Decimal(low), Decimal(high), int(precision or usual)


def _options(
    named: str | None, entity: str, name: str, choices: dict[str, tuple[Option, ...]]
) -> tuple[tuple[Option, ...], str]:
    if named:
        return choices[named], named
    whole = f"{entity}_{name}"
    return choices.get(whole, ()), whole


def _targets(text: str | None, entity: str, schema: str, *, custom: bool) -> Iterator[Target]:
    name = schema.lower()
    tables = text.split(",") if text else []
    for one in tables:
        table, _, names = one.partition("=")
        navigation, _, collection = names.partition("/")
        usual = (schema if custom else name) if len(tables) == 1 else f"{name}_{table}"
        yield Target(table, navigation or usual, collection or f"{entity}_{table}_{name}")


def _default(kind: str, text: str | None) -> Any:
    if text is None:
        return False if kind == "Boolean" else None
    if kind == "Boolean":
        return text == "true"
    return int(text) if kind in CHOICES or kind in {"Integer", "BigInt"} else text


def parse_table(text: str, entity: str, choices: dict[str, tuple[Option, ...]]) -> dict[str, Column]:
    """The columns of a table's lines, by logical name."""
    columns = (parse_column(line, entity, choices) for line in text.splitlines() if line)
    return {one.name: one for one in columns}


def parse_options(text: str) -> dict[str, tuple[Option, ...]]:
    """Choices by name out of lines `name value Label; value Label`, as `schema.picklists` has them."""
    found = {}
    for line in text.splitlines():
        name, _, rest = line.partition(" ")
        found[name] = tuple(_option(part.strip()) for part in rest.split(";"))
    return found


def _option(text: str) -> Option:
    number, _, label = text.partition(" ")
    value, _, state = number.partition("/")
    value, _, status = value.partition(":")
    return Option(int(value), label, int(state) if state else None, int(status) if status else None)
