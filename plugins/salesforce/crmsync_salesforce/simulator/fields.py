"""What a field and an object of the simulated org are, and the one-line notation their tables are written in.

A line reads `Name type[:size] flags [>Target,Target=Relationship] [^Compound] [!default] ["Label]`; the nine flags are
Createable, Updateable, Nillable, Defaulted, Permissionable, Id look-up, Filterable, Sortable and Groupable.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

Row = list[Any]
Values = dict[str, Any]

NUMBERS = frozenset({"double", "currency", "percent", "int", "long"})
TEXTS = frozenset(
    {"string", "picklist", "multipicklist", "combobox", "textarea", "phone", "url", "email", "encryptedstring"}
)


class Field(Struct, frozen=True, kw_only=True):
    """One column as the describe call shows it to a user who may do everything."""

    name: str
    type: str
    label: str
    length: int = 0
    precision: int = 0
    scale: int = 0
    digits: int = 0
    createable: bool = True
    updateable: bool = True
    nillable: bool = True
    defaulted: bool = False
    permissionable: bool = True
    id_lookup: bool = False
    filterable: bool = True
    sortable: bool = True
    groupable: bool = True
    targets: tuple[str, ...] = ()
    relationship: str | None = None
    compound: str | None = None
    picklist: tuple[str, ...] = ()
    restricted: bool = False
    default: Any = None
    formula: str | None = None
    external_id: bool = False
    unique: bool = False
    child_relationship: str | None = None
    cascade: bool = False

    @property
    def custom(self) -> bool:
        """Whether an administrator added the field."""
        return self.name.endswith(("__c", "__pc"))

    @property
    def calculated(self) -> bool:
        """Whether the value is worked out when it is read, moving no stamp."""
        return self.formula is not None

    @property
    def required(self) -> bool:
        """Whether a create must name the field."""
        return self.createable and not self.nillable and not self.defaulted and self.type != "boolean"


class ObjectType(Struct, kw_only=True):
    """One kind of record; `fields` keeps the order of the describe call."""

    name: str
    label: str
    plural: str
    prefix: str | None
    fields: dict[str, Field] = field(default_factory=dict)
    createable: bool = True
    updateable: bool = True
    deletable: bool = True
    undeletable: bool = True
    mergeable: bool = False
    replicateable: bool = True
    queryable: bool = True
    searchable: bool = True

    @property
    def custom(self) -> bool:
        """Whether an administrator added the object."""
        return self.name.endswith("__c")

    def find(self, name: str) -> Field | None:
        """The field of that name in any spelling, as the vendor compares names without case."""
        exact = self.fields.get(name)
        if exact is not None:
            return exact
        lower = name.lower()
        return next((f for key, f in self.fields.items() if key.lower() == lower), None)

    def relation(self, name: str) -> Field | None:
        """The reference field whose parent is reached by that relationship name."""
        lower = name.lower()
        return next((f for f in self.fields.values() if f.relationship and f.relationship.lower() == lower), None)


_LINE = re.compile(
    r"(?P<name>\w+) (?P<type>\w+)(?::(?P<size>[\d,]+))? (?P<flags>[A-Z-]{9})"
    r"(?: >(?P<targets>[\w,]+)(?:=(?P<rel>\w+))?)?(?: \^(?P<compound>\w+))?"
    r"(?: !(?P<default>[^\"]+?))?(?: \"(?P<label>.+))?"
)
_FLAGS = (
    "createable",
    "updateable",
    "nillable",
    "defaulted",
    "permissionable",
    "id_lookup",
    "filterable",
    "sortable",
    "groupable",
)


def spell(name: str) -> str:
    """The label an administrator would give to an API name."""
    bare = name.removesuffix("__c").removesuffix("__pc").replace("_", " ")
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", bare).strip().removesuffix(" Id") or name


def sizes(kind: str, size: str | None) -> dict[str, Any]:
    """The length, precision and digits members that one size text stands for."""
    first, _, second = (size or "0").partition(",")
    if kind in {"int", "long"}:
        return {"digits": int(first)}
    if kind in NUMBERS:
        return {"precision": int(first), "scale": int(second or 0)}
    return {"length": int(first)}


def parse_field(line: str, picklists: Mapping[str, tuple[str, ...]], owner: str) -> Field:
    """The field one table line describes."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError(f"not a field line: {line!r}")
    kind, name = found["type"], found["name"]
    flags: dict[str, Any] = {key: mark != "-" for key, mark in zip(_FLAGS, found["flags"], strict=True)}
    values = picklists.get(f"{owner}.{name}") or picklists.get(name, ())
    return Field(
        name=name,
        type=kind,
        label=found["label"] or spell(name),
        targets=tuple(found["targets"].split(",")) if found["targets"] else (),
        relationship=found["rel"],
        compound=found["compound"],
        picklist=values if kind in {"picklist", "multipicklist", "combobox"} else (),
        default=_default(kind, found["default"]),
        **sizes(kind, found["size"] or ("18" if kind in {"id", "reference"} else None)),
        **flags,
    )


def _default(kind: str, text: str | None) -> bool | int | str | None:
    if kind == "boolean":
        return text == "true"
    return int(text) if text is not None and kind in NUMBERS else text


Formulas = Mapping[str, str]


def parse_table(
    owner: str, table: str, picklists: Mapping[str, tuple[str, ...]], formulas: Formulas
) -> dict[str, Field]:
    """All fields of one object, in the order of its table."""
    fields = (parse_field(line, picklists, owner) for line in table.strip().splitlines())
    return {
        one.name: replace(one, formula=formulas[one.name], createable=False, updateable=False)
        if one.name in formulas
        else one
        for one in fields
    }


Formula = Callable[[Row], Any]
