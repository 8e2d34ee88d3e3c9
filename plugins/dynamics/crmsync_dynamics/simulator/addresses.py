"""The rows that paths and bindings name: an entity set, and in brackets a GUID, the key by name or an alternate key."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

from msgspec import Struct, field

from crmsync_dynamics.simulator import ids
from crmsync_dynamics.simulator.errors import Refusal, bad_syntax, missing, no_segment
from crmsync_dynamics.simulator.fields import Column, Entity, Target, Values
from crmsync_dynamics.simulator.state import State
from crmsync_dynamics.simulator.table import Table
from crmsync_dynamics.simulator.values import canonical

_PLACE = re.compile(r"(?P<set>\w+)\((?P<key>.*)\)", re.DOTALL)
_PAIR = re.compile(r"\s*(\w+)\s*=\s*('(?:[^']|'')*'|[^,']+)\s*(,|$)")
_BARRED = re.compile(r"[/<>*%&:\\?+]")


class Address(Struct, frozen=True):
    """Where a row is, or would be: its id, or the values of its alternate key by logical name."""

    entity: Entity
    identity: str | None
    keys: Values = field(default_factory=dict)


def read(state: State, set_name: str, key: str) -> Address:
    """The address a decoded path spells; raises Refusal for one that names no table, no key or no legal value."""
    entity = state.entity_of_set(set_name)
    if entity is None:
        raise no_segment(set_name)
    bare = ids.normalise(key) if not key.startswith("{") else None
    return Address(entity, bare) if bare is not None else _by_name(entity, _pairs(key))


def of_reference(state: State, text: object) -> Address:
    """The address in the value of a binding: absolute, from the root of the service, or the bare entity set."""
    path = unquote(urlsplit(text).path) if isinstance(text, str) else ""
    found = _PLACE.fullmatch(re.sub(r"^(/api/data/v[\d.]+)?/", "", path))
    if found is None:
        raise bad_syntax()
    return read(state, found["set"], found["key"])


def _pairs(key: str) -> dict[str, str]:
    pairs, place = {}, 0
    while place < len(key):
        found = _PAIR.match(key, place)
        if found is None:
            raise bad_syntax()
        pairs[found[1]] = found[2]
        place = found.end()
    if not pairs:
        raise bad_syntax()
    return pairs


def _by_name(entity: Entity, pairs: dict[str, str]) -> Address:
    only = ids.normalise(next(iter(pairs.values()))) if len(pairs) == 1 else None
    if only and set(pairs) == {"ownerid" if entity.name in {"systemuser", "team"} else entity.key}:
        return Address(entity, only)
    columns = [column for name in pairs if (column := entity.find(name)) is not None]
    named = {column.name for column in columns}
    if len(named) < len(pairs) or named not in map(set, ready_keys(entity)):
        raise Refusal("0x80060890", f"The key attributes {', '.join(pairs)} are no defined key of {entity.name}.")
    texts = zip(columns, pairs.values(), strict=True)
    return Address(entity, None, {column.name: _literal(column, text) for column, text in texts})


def _literal(column: Column, text: str) -> Any:
    quoted = text.startswith("'")
    value = text[1:-1].replace("''", "'") if quoted else text.strip()
    if quoted != column.textual or (column.textual and _BARRED.search(value)):
        raise bad_syntax()
    try:
        number = column.type in {"Integer", "Picklist"}
        return canonical(column, int(value) if number else value)
    except (ValueError, TypeError) as error:
        raise bad_syntax() from error


def ready_keys(entity: Entity) -> list[tuple[str, ...]]:
    """The columns of each alternate key whose index is built."""
    return [names for key, names in entity.keys.items() if key not in entity.pending_keys]


def holders(table: Table, key: Values) -> set[str]:
    """The ids of the rows that have these values, none where one of them is null."""
    if None in key.values():
        return set()
    return set.intersection(*(set(table.find(name, value)) for name, value in key.items()))


def collection(state: State, entity: Entity, name: str) -> tuple[Entity, Column, Target] | None:
    """The other side of a collection: the table that is in it, and its look-up and target that point here."""
    for other in state.entities.values():
        for column in other.columns.values():
            for target in column.targets:
                if target.table == entity.name and target.collection == name:
                    return other, column, target
    return None


def find(state: State, address: Address) -> str | None:
    """The id of the row at an address, None when there is none; raises Refusal when an alternate key finds several."""
    table = state.tables[address.entity.name]
    if address.identity is not None:
        return address.identity if address.identity in table.by_id else None
    found = holders(table, address.keys)
    if len(found) > 1:
        raise Refusal("0x8006089d", f"More than one {address.entity.name} record has the key that was given.")
    return next(iter(found), None)


def need(state: State, address: Address) -> str:
    """The id of the row at an address; raises the vendor's refusal when there is none."""
    found = find(state, address)
    if found is not None:
        return found
    if address.identity is not None:
        raise missing(address.entity.name, address.identity)
    keys = ",".join(f"{name}={value}" for name, value in address.keys.items())
    raise Refusal(
        "0x80060891", f"A record with the specified key values does not exist in {address.entity.name}: {keys}."
    )
