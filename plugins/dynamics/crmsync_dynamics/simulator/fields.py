"""What a column and a table of the simulated environment are, and what rows hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, NamedTuple

from msgspec import Struct, field


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


class Option(Struct, frozen=True):
    """One value of a choice; `state` is the state a status belongs to, `status` the first status of a state."""

    value: int
    label: str
    state: int | None = None
    status: int | None = None


class Target(Struct, frozen=True):
    """One table a look-up may point to, with the navigation properties of both sides."""

    table: str
    navigation: str
    collection: str


class Column(Struct, frozen=True, kw_only=True):
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


class Entity(Struct, kw_only=True):
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


class Pairing(Struct, frozen=True):
    """A many-to-many relationship: both tables with the key columns and navigation properties of its pairs."""

    name: str
    intersect: str
    one: str
    two: str
