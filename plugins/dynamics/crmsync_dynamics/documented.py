"""Tables of servers that have nothing but `$metadata`: no labels, no lengths of choices, no rights."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from crmsync.model import Field, Type
from crmsync_dynamics.csdl import ENUM, Document, EntityType, Property, parse
from crmsync_dynamics.query import is_name
from crmsync_dynamics.routes import STAMP
from crmsync_dynamics.tables import Column, Relation, Table, by_target

TYPES: dict[str, Type] = {
    "Edm.String": Type.TEXT, "Edm.Guid": Type.REFERENCE, "Edm.Boolean": Type.BOOLEAN, "Edm.Byte": Type.INTEGER,
    "Edm.SByte": Type.INTEGER, "Edm.Int16": Type.INTEGER, "Edm.Int32": Type.INTEGER, "Edm.Int64": Type.INTEGER,
    "Edm.Decimal": Type.DECIMAL, "Edm.Double": Type.DECIMAL, "Edm.Single": Type.DECIMAL, "Edm.Date": Type.DATE,
    "Edm.DateTimeOffset": Type.DATETIME, "Edm.TimeOfDay": Type.TIME, ENUM: Type.TEXT,
}  # fmt: skip
_STAMPS = (
    "modifiedon", "modifiedat", "lastmodified", "lastmodifiedat", "lastmodifiedon", "lastmodifieddate",
    "lastmodifieddatetime", "lastchangedatetime", "changedat", "changedon", "updatedat", "updatedon", "lastupdated",
)  # fmt: skip
_CHOICE = "code"
_VERSION = "versionnumber"


def tables(body: bytes) -> dict[str, Table]:
    """The tables of a metadata document by name. Raises ValueError for what is none.

    A table is called as its type is, or as its set where several sets share a type's name.
    """
    document = parse(body)
    shared = Counter(_short(one) for one in document.sets.values())
    called = {name: _short(one) if shared[_short(one)] == 1 else name for name, one in document.sets.items()}
    types = {document.whole(document.sets[name]): table for name, table in reversed(called.items())}
    return {table: _table(document, name, table, types) for name, table in called.items()}


def _short(name: str) -> str:
    return name.rpartition(".")[2]


def _table(document: Document, set_name: str, name: str, types: Mapping[str, str]) -> Table:
    lineage = document.lineage(document.sets[set_name])
    key = _key(lineage)
    bound = [
        (prop, types.get(document.whole(to), _short(document.whole(to))), way)
        for ours in lineage
        for prop, to, way in ours.bound
    ]
    columns, unread = dict[str, Column](), list[str]()
    for one in (one for ours in reversed(lineage) for one in ours.properties):
        if (column := _column(document.native(one.type), one, bound, key)) is not None:
            columns[column.field.name] = column
        else:
            unread.append(one.name)
    parts = {part.field.name: part for column in columns.values() for part in by_target(column)}
    relations = tuple(Relation(column=_lookup(prop), target=to, navigation=way) for prop, to, way in bound)
    return Table(
        name=name, set=set_name, key=key if any(one.wire == key for one in columns.values()) else "", schema=name,
        label=name, owned=False, columns={**parts, **columns}, relations=relations, unread=tuple(unread),
    )  # fmt: skip


def _key(lineage: Sequence[EntityType]) -> str:
    """The column that tells rows apart; "" where it takes several.

    A type without a key of its own, or with that of what it is based on, may have an id of its own, which goes before.
    """
    keys = next((ours.keys for ours in lineage if ours.keys), [])
    if lineage and lineage[0].keys in ([], next((ours.keys for ours in lineage[1:] if ours.keys), [])):
        wanted = f"{_short(lineage[0].name)}id".lower()
        own = (one for one in lineage[0].properties if one.type == "Edm.Guid" and one.name.lower() == wanted)
        keys = [one.name for one in own] or keys
    return keys[0] if len(keys) == 1 else ""


def _lookup(name: str) -> str:
    """The column behind a property: lookups are shown as `_x_value`."""
    return name[1:-6] if name.startswith("_") and name.endswith("_value") else name


def _column(native: str, one: Property, bound: Sequence[tuple[str, str, str]], key: str) -> Column | None:
    name = _lookup(one.name)
    navigation = {target: way for prop, target, way in bound if prop == one.name}
    kind = TYPES.get(native)
    if kind is None or not is_name(name):
        return None
    if navigation or one.name == key:
        kind = Type.REFERENCE
    elif name == _VERSION or (kind is Type.INTEGER and name.endswith(_CHOICE)):
        kind = Type.TEXT  # the numbers of choices, whose labels this document does not tell
    one_field = Field(
        name=name, type=kind, label=name, native=native, length=one.length if kind is Type.TEXT else 0,
        nullable=one.nullable, createable=True, updateable=one.name != key, references=tuple(navigation),
    )  # fmt: skip
    return Column(field=one_field, wire=one.name, navigation=navigation, day_only=kind is Type.DATE)


def fitted(table: Table, obj: str) -> Table:
    """The table under the names that the default mapping knows: its id as `{obj}id`, its stamp as `modifiedon`.

    Where it has no stamp at all, the moment of the read is taken for one.
    """
    more = []
    key = next(one for one in table.columns.values() if one.wire == table.key)
    if key.field.name not in (f"{obj}id", "activityid"):
        more.append(_alias(key, f"{obj}id"))
    if (found := _stamp(table)) is None:
        made = Field(name=STAMP, type=Type.DATETIME, label="read at", native="Edm.DateTimeOffset")
        more.append(Column(field=made, wire=""))
    elif found.field.name != STAMP:
        more.append(_alias(found, STAMP))
    return table.with_columns(more)


def _stamp(table: Table) -> Column | None:
    """The column that tells when a row was changed last."""
    moments = [one for one in table.columns.values() if one.field.type is Type.DATETIME]
    names = {one.field.name.lower().replace("_", ""): one for one in moments}
    return next((names[one] for one in _STAMPS if one in names), None)


def _alias(column: Column, name: str) -> Column:
    whole = column.field
    one = Field(
        name=name, type=whole.type, label=whole.label, native=whole.native, nullable=whole.nullable,
        references=whole.references,
    )  # fmt: skip
    return Column(field=one, wire=column.wire, day_only=column.day_only)


def named(found: Mapping[str, Table], obj: str) -> Table | None:
    """The table of an object, by its own name or that of its set, in any case."""
    for one in found.values():
        if obj.lower() in (one.name.lower(), one.set.lower()) or f"{obj.lower()}s" == one.set.lower():
            return one
    return None
