"""What is known of a table: its columns as the engine knows them, and how each of them is read and written."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Struct
from msgspec import field as filled
from msgspec.structs import replace

from crmsync.model import Field, Type


class Column(Struct, frozen=True, kw_only=True, eq=False):
    """One field of ours, and what it is on the wire."""

    field: Field
    wire: str  # the property that is selected; "" where the server has none and the read fills it in
    target: str = ""  # of a lookup to several tables: the value counts only where it refers to this one
    named: bool = False  # the name of what is referred to, rather than its id
    options: Mapping[int, str] = filled(default_factory=dict)  # labels of choices
    states: Mapping[int, int] = filled(default_factory=dict)  # of reasons for a state: reason → state
    navigation: Mapping[str, str] = filled(default_factory=dict)  # table referred to → name to bind by
    day_only: bool = False  # a date without a time, also on the wire
    secured: bool = False  # under column security
    negated: bool = False  # true means false

    @property
    def attribute(self) -> str:
        """The column of the table that this is made of."""
        return self.wire[1:-6] if self.wire.startswith("_") and self.wire.endswith("_value") else self.wire

    @property
    def annotated(self) -> bool:
        """Whether reading it takes annotations."""
        return bool(self.target) or self.named


class Relation(Struct, frozen=True, kw_only=True):
    """A lookup of this table to another."""

    column: str
    target: str
    navigation: str


class Table(Struct, frozen=True, kw_only=True):
    """One table of the environment."""

    name: str
    set: str  # what it is called in addresses
    key: str  # the column of the ids; "" where it takes several to tell rows apart
    schema: str = ""
    label: str = ""
    tracked: bool = False  # has change tracking
    versioned: bool = True  # takes versions as preconditions
    activity: bool = False
    custom: bool = False
    owned: bool = True  # rows belong to users, so that rights have a depth
    columns: Mapping[str, Column] = filled(default_factory=dict)
    relations: tuple[Relation, ...] = ()
    unread: tuple[str, ...] = ()  # columns of types that are not read, where the server tells of them

    @property
    def key_native(self) -> str:
        """What the vendor calls the type of the ids."""
        return next((one.field.native for one in self.columns.values() if one.wire == self.key), "")

    @property
    def fields(self) -> dict[str, Field]:
        """The fields of ours by name."""
        return {name: one.field for name, one in self.columns.items()}

    def with_columns(self, more: Iterable[Column]) -> Table:
        """The table with further columns."""
        return replace(self, columns={**self.columns, **{one.field.name: one for one in more}})


def by_target(column: Column) -> list[Column]:
    """A lookup to several tables, once more for each of them: "parentcustomerid_account"."""
    targets = column.field.references
    if len(targets) < 2:  # noqa: PLR2004 - several
        return []
    return [replace(column, field=_part(column.field, target), target=target) for target in targets]


def _part(whole: Field, target: str) -> Field:
    label = f"{whole.label} ({target})"
    return replace(
        whole, name=f"{whole.name}_{target}", label=label, references=(target,), createable=False, updateable=False
    )


def name_of(column: Column) -> Column:
    """The name of what a lookup refers to, as a column: "ownerid" has its name in "owneridname"."""
    whole = column.field
    one = Field(
        name=f"{whole.name}name", type=Type.TEXT, label=f"{whole.label} (name)", native="String", custom=whole.custom
    )
    return replace(column, field=one, named=True, navigation={})


def labels(options: Iterable[tuple[int, str]], *, several: bool = False) -> dict[int, str]:
    """Labels that tell choices apart: of two that are alike each has its number behind it, of none the number stands.

    `several` values stand in one text, with ";" between them, so that a label with one in it gives way to the number.
    """
    found = {value: label.strip() or str(value) for value, label in options}
    count: dict[str, int] = {}
    for label in found.values():
        count[label] = count.get(label, 0) + 1
    apart = {value: f"{label} ({value})" if count[label] > 1 else label for value, label in found.items()}
    return {value: str(value) if several and ";" in label else label for value, label in apart.items()}
