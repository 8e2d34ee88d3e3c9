"""What a column and a table of the simulated environment are, and the one-line notation their definitions are in.

A line reads `SchemaName type[:size] flags [>targets] [=options] [!default] ["Label]`; the logical name is the schema
name in lower case. The five flags are Create, Read, Update, Logical and the required level (n, r, a or s). A size is
a length with `,format`, or `low..high` with `,precision`; of a date it is its behaviour with `,format`. Targets are
tables parted by commas, each with `=navigation/collection` where its navigation properties have names of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any, NamedTuple


class Ref(NamedTuple):
    """What a look-up column holds: a row by its table and id."""

    table: str
    id: str


Row = dict[str, Any]
"""A stored row by logical names; what is absent or None is null. Rows are replaced, never changed in place."""
Values = dict[str, Any]

LOOKUPS = frozenset({"Lookup", "Customer", "Owner"})
CHOICES = frozenset({"Picklist", "State", "Status"})
MULTI = "MultiSelectPicklist"
DATE_ONLY, CLOCK = "DateOnly", "TimeZoneIndependent"


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a choice; `state` is the state a status belongs to, `status` the first status of a state."""

    value: int
    label: str
    state: int | None = None
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """One table a look-up may point to, with the navigation properties of both sides."""

    table: str
    navigation: str
    collection: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column as metadata shows it."""

    schema: str
    type: str
    label: str
    create: bool = True
    read: bool = True
    update: bool = True
    logical: bool = False
    secured: bool = False
    custom: bool = False
    required: str = "None"
    length: int = 0
    low: Decimal | None = None
    high: Decimal | None = None
    precision: int = 0
    behavior: str = "UserLocal"
    format: str = ""
    targets: tuple[Target, ...] = ()
    options: tuple[Option, ...] = ()
    option_set: str = ""
    default: Any = None
    attribute_of: str | None = None
    source: int | None = None
    formula: Callable[[Any, Row], Any] | None = None

    @property
    def name(self) -> str:
        """The logical name."""
        return self.schema.lower()

    @property
    def stored(self) -> bool:
        """Whether rows hold the value, and not its shadow or a formula."""
        return self.formula is None and self.odata

    @property
    def odata(self) -> bool:
        """Whether the column is a property of the Web API's resource."""
        return self.attribute_of is None and self.read

    @property
    def lookup(self) -> bool:
        """Whether values are references to rows."""
        return self.type in LOOKUPS

    @property
    def wire(self) -> str:
        """The name of the value in the Web API."""
        return f"_{self.name}_value" if self.lookup else self.name

    @property
    def navigable(self) -> bool:
        """Whether a look-up is a relationship, and not a view of part of another look-up."""
        return not (self.logical and self.formula is not None) or self.name.startswith("owning")

    @property
    def textual(self) -> bool:
        """Whether values compare as texts do, without case."""
        return self.type in {"String", "Memo", "EntityName", MULTI}


@dataclass(slots=True, kw_only=True)
class Entity:
    """One table's metadata; `columns` by logical name, `keys` its alternate keys by name."""

    schema: str
    label: str
    plural: str
    set_name: str
    code: int
    key: str
    primary_name: str | None
    ownership: str = "UserOwned"
    tracked: bool = True
    optimistic: bool = True
    duplicates: bool = True
    custom: bool = False
    activity: bool = False
    intersect: bool = False
    columns: dict[str, Column] = field(default_factory=dict)
    keys: dict[str, tuple[str, ...]] = field(default_factory=dict)
    pending_keys: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """The logical name."""
        return self.schema.lower()

    def properties(self) -> Iterator[Column]:
        """The columns the Web API shows."""
        return (one for one in self.columns.values() if one.odata)

    def find(self, name: str) -> Column | None:
        """The column of a Web API property, exactly as it is spelled."""
        column = self.columns.get(name[1:-6] if name.startswith("_") and name.endswith("_value") else name)
        return column if column is not None and column.odata and column.wire == name else None

    def navigation(self, name: str) -> tuple[Column, Target] | None:
        """The look-up and target behind a single-valued navigation property."""
        for column in self.columns.values():
            for target in column.targets if column.navigable else ():
                if target.navigation == name:
                    return column, target
        return None


@dataclass(frozen=True, slots=True)
class Pairing:
    """A many-to-many relationship: both tables with the key columns and navigation properties of its pairs."""

    name: str
    intersect: str
    one: str
    two: str


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
