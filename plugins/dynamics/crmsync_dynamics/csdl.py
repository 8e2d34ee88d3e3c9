"""What a `$metadata` document says of entity sets, their types, keys and columns."""

from __future__ import annotations

from collections.abc import Mapping
from xml.parsers import expat

from msgspec import Struct, field

ENUM = "Enum"


class Property(Struct):
    """One column."""

    name: str
    type: str
    length: int = 0
    nullable: bool = True


class EntityType(Struct):
    """What rows have; `bound` are a property, the type it refers to, and the navigation there."""

    name: str
    base: str = ""
    keys: list[str] = field(default_factory=list)
    properties: list[Property] = field(default_factory=list)
    bound: list[tuple[str, str, str]] = field(default_factory=list)


class Document(Struct):
    """What a metadata document says, as far as it is used. Types are known by their names with the namespace."""

    types: dict[str, EntityType] = field(default_factory=dict)
    sets: dict[str, str] = field(default_factory=dict)  # set → type
    enums: set[str] = field(default_factory=set)
    definitions: dict[str, str] = field(default_factory=dict)  # another name → the type that it stands for
    aliases: dict[str, str] = field(default_factory=dict)
    _type: EntityType | None = None
    _navigation: tuple[str, str] = ("", "")
    _schema: str = ""

    def start(self, tag: str, given: Mapping[str, str]) -> None:
        """An element begins."""
        match tag.rpartition(":")[2]:
            case "Schema" | "Include" as kind:
                self.aliases[given.get("Alias", "")] = given["Namespace"]
                self._schema = given["Namespace"] if kind == "Schema" else self._schema
            case "EntityType":
                self._type = EntityType(f"{self._schema}.{given['Name']}", given.get("BaseType", ""))
                self.types[self._type.name] = self._type
            case "EnumType":
                self.enums.add(f"{self._schema}.{given['Name']}")
            case "TypeDefinition":
                self.definitions[f"{self._schema}.{given['Name']}"] = given["UnderlyingType"]
            case "EntitySet":
                self.sets[given["Name"]] = given.get("EntityType", "")
            case inner if self._type is not None:
                self._inside(self._type, inner, given)

    def _inside(self, type_: EntityType, tag: str, given: Mapping[str, str]) -> None:
        match tag:
            case "PropertyRef":
                type_.keys.append(given["Name"])
            case "Property":
                type_.properties.append(_property(given))
            case "NavigationProperty":
                self._navigation = (given["Name"], given.get("Type", ""))
            case "ReferentialConstraint":
                name, target = self._navigation
                type_.bound.append((given["Property"], target, name))

    def end(self, tag: str) -> None:
        """An element ends."""
        if tag.rpartition(":")[2] == "EntityType":
            self._type = None

    def whole(self, name: str) -> str:
        """A type's name with its namespace rather than an alias, and of a collection that of its members."""
        space, _, short = name.removeprefix("Collection(").removesuffix(")").rpartition(".")
        return f"{self.aliases.get(space, space)}.{short}"

    def native(self, name: str) -> str:
        """The type of values: what another name stands for, ENUM for any enumeration."""
        whole = name if name.startswith("Collection(") else self.whole(name)
        return ENUM if whole in self.enums else self.definitions.get(whole, whole)

    def lineage(self, name: str) -> list[EntityType]:
        """A type and those that it is based on."""
        found: list[EntityType] = []
        while (one := self.types.get(self.whole(name))) is not None and one not in found:
            found.append(one)
            name = one.base
        return found


def _property(given: Mapping[str, str]) -> Property:
    length = given.get("MaxLength", "")
    nullable = given.get("Nullable", "true") != "false"
    return Property(given["Name"], given.get("Type", ""), int(length) if length.isdigit() else 0, nullable)


def parse(body: bytes) -> Document:
    """What a metadata document says. Raises ValueError for what is none."""
    document = Document()
    parser = expat.ParserCreate()
    parser.StartElementHandler = document.start
    parser.EndElementHandler = document.end
    parser.EntityDeclHandler = _refuse
    try:
        parser.Parse(body, True)
    except (expat.ExpatError, KeyError) as error:
        raise ValueError(f"$metadata cannot be read: {error}") from error
    return document


def _refuse(*_: object) -> None:
    raise ValueError("$metadata declares entities of its own, which no server needs")
