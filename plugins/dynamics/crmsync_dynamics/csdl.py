"""Tables as `$metadata` tells them, for servers that have nothing more: no labels, no lengths of choices, no rights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from crmsync.model import Field, Type
from crmsync_dynamics.tables import Column, Relation, Table, by_target

TYPES: dict[str, Type] = {
    "Edm.String": Type.TEXT, "Edm.Guid": Type.REFERENCE, "Edm.Boolean": Type.BOOLEAN, "Edm.Byte": Type.INTEGER,
    "Edm.SByte": Type.INTEGER, "Edm.Int16": Type.INTEGER, "Edm.Int32": Type.INTEGER, "Edm.Int64": Type.INTEGER,
    "Edm.Decimal": Type.DECIMAL, "Edm.Double": Type.DECIMAL, "Edm.Single": Type.DECIMAL, "Edm.Date": Type.DATE,
    "Edm.DateTimeOffset": Type.DATETIME, "Edm.TimeOfDay": Type.TIME,
}  # fmt: skip
STAMP = "modifiedon"
_STAMPS = ("modifiedon", "modifiedat", "lastmodified", "lastmodifiedat", "lastmodifieddate", "changedat", "updatedat")
_CHOICE = "code"
_VERSION = "versionnumber"


@dataclass(slots=True)
class _Property:
    name: str
    type: str
    length: int = 0
    nullable: bool = True


@dataclass(slots=True)
class _Type:
    name: str
    base: str = ""
    keys: list[str] = field(default_factory=list)
    properties: list[_Property] = field(default_factory=list)
    bound: list[tuple[str, str, str]] = field(default_factory=list)  # property, type referred to, navigation


@dataclass(slots=True)
class Document:
    """What a metadata document says, as far as it is used."""

    types: dict[str, _Type] = field(default_factory=dict)
    sets: dict[str, str] = field(default_factory=dict)  # set → type
    enums: set[str] = field(default_factory=set)
    _type: _Type | None = None
    _navigation: tuple[str, str] = ("", "")
    _schema: str = ""

    def start(self, tag: str, given: Mapping[str, str]) -> None:
        """An element begins."""
        match tag.rpartition(":")[2]:
            case "Schema":
                self._schema = given.get("Namespace", "")
            case "EntityType":
                self._type = _Type(given["Name"], _short(given.get("BaseType", "")))
                self.types[given["Name"]] = self._type
            case "EnumType":
                self.enums.add(given["Name"])
            case "PropertyRef" if self._type is not None:
                self._type.keys.append(given["Name"])
            case "Property" if self._type is not None:
                self._type.properties.append(_property(given))
            case "NavigationProperty":
                self._navigation = (given["Name"], _short(given.get("Type", "")))
            case "ReferentialConstraint" if self._type is not None:
                name, target = self._navigation
                self._type.bound.append((given["Property"], target, name))
            case "EntitySet":
                self.sets[given["Name"]] = _short(given.get("EntityType", ""))

    def end(self, tag: str) -> None:
        """An element ends."""
        if tag.rpartition(":")[2] in ("EntityType", "ComplexType"):
            self._type = None

    def lineage(self, name: str) -> list[_Type]:
        """A type and those that it is based on."""
        found: list[_Type] = []
        while (one := self.types.get(name)) is not None and one not in found:
            found.append(one)
            name = one.base
        return found


def _short(name: str) -> str:
    """A type's name without namespace, and of a collection that of its members."""
    return name.removeprefix("Collection(").removesuffix(")").rpartition(".")[2]


def _property(given: Mapping[str, str]) -> _Property:
    length = given.get("MaxLength", "")
    nullable = given.get("Nullable", "true") != "false"
    return _Property(given["Name"], given.get("Type", ""), int(length) if length.isdigit() else 0, nullable)


def parse(body: bytes) -> dict[str, Table]:
    """The tables of a metadata document by type name. Raises ValueError for what is none."""
    document = Document()
    parser = expat.ParserCreate()
    parser.StartElementHandler = document.start
    parser.EndElementHandler = document.end
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, KeyError) as error:
        raise ValueError(f"$metadata cannot be read: {error}") from error
    found = {}
    for name, type_ in document.sets.items():
        table = _table(document, name, type_)
        if table is not None and type_ not in found:
            found[type_] = table
    return found


def _refuse(*_: object) -> None:
    raise ValueError("$metadata declares entities of its own, which no server needs")


def _table(document: Document, set_name: str, type_: str) -> Table | None:
    lineage = document.lineage(type_)
    key = _key(lineage)
    if key is None:
        return None
    bound = [one for ours in lineage for one in ours.bound]
    columns = {}
    for ours in reversed(lineage):
        for one in ours.properties:
            if (column := _column(document, one, bound, key)) is not None:
                columns[column.field.name] = column
    parts = {part.field.name: part for column in columns.values() for part in by_target(column)}
    relations = tuple(Relation(column=_lookup(prop), target=to, navigation=name) for prop, to, name in bound)
    return Table(
        name=type_, set=set_name, key=key, schema=type_, label=type_, owned=False, columns={**parts, **columns},
        relations=relations,
    )  # fmt: skip


def _key(lineage: list[_Type]) -> str | None:
    """The column that tells rows apart: what the table calls its id goes before what a base type's key is."""
    names = {one.name.lower(): one.name for ours in lineage for one in ours.properties}
    own = names.get(f"{lineage[0].name.lower()}id") if lineage else None
    keys = next((ours.keys for ours in lineage if ours.keys), [])
    return own or (keys[0] if len(keys) == 1 else None)


def _lookup(name: str) -> str:
    """The column behind a property: lookups are shown as `_x_value`."""
    return name[1:-6] if name.startswith("_") and name.endswith("_value") else name


def _column(document: Document, one: _Property, bound: list[tuple[str, str, str]], key: str) -> Column | None:
    name = _lookup(one.name)
    navigation = {target: way for prop, target, way in bound if prop == one.name}
    kind = Type.TEXT if _short(one.type) in document.enums else TYPES.get(one.type)
    if kind is None:
        return None
    if navigation or one.name == key:
        kind = Type.REFERENCE
    elif name == _VERSION or (kind is Type.INTEGER and name.endswith(_CHOICE)):
        kind = Type.TEXT  # the numbers of choices, whose labels this document does not tell
    one_field = Field(
        name=name, type=kind, label=name, native=one.type, length=one.length if kind is Type.TEXT else 0,
        nullable=one.nullable, createable=True, updateable=one.name != key, references=tuple(navigation),
    )  # fmt: skip
    return Column(field=one_field, wire=one.name, navigation=navigation, day_only=kind is Type.DATE)


def fitted(table: Table, obj: str) -> Table:
    """The table under the names that the default mapping knows: its id as `{obj}id`, its stamp as `modifiedon`.

    Where it has no stamp at all, the moment of the read is taken for one.
    """
    names = {name.lower(): name for name in table.columns}
    more = []
    if f"{obj}id" not in table.columns and "activityid" not in table.columns:
        more.append(_alias(table.columns[table.key], f"{obj}id"))
    if STAMP not in table.columns:
        found = next((names[one] for one in _STAMPS if one in names), None)
        stamp = Field(name=STAMP, type=Type.DATETIME, label="read at", native="Edm.DateTimeOffset")
        more.append(_alias(table.columns[found], STAMP) if found else Column(field=stamp, wire=""))
    return table.with_columns(more)


def _alias(column: Column, name: str) -> Column:
    whole = column.field
    one = Field(name=name, type=whole.type, label=whole.label, native=whole.native, references=whole.references)
    return Column(field=one, wire=column.wire, day_only=column.day_only)


def named(tables: Mapping[str, Table], obj: str) -> Table | None:
    """The table of an object, by the name of its type or its set, in any case."""
    for one in tables.values():
        if obj in (one.name.lower(), one.set.lower()) or f"{obj}s" == one.set.lower():
            return one
    return None
