"""The members of marketing lists as collections: of a list its rows of one table, of a row the lists it is on."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from crmsync_dynamics.simulator.fields import Entity, Ref, Row
from crmsync_dynamics.simulator.state import State

MEMBERS = {
    "listaccount_association": "account",
    "listcontact_association": "contact",
    "listlead_association": "lead",
}
"""The tables behind the navigation properties, which both sides have."""


def side(state: State, entity: Entity, name: str) -> tuple[Entity, Callable[[Row], Iterable[Row]]] | None:
    """The other side of such a collection, and how its rows are found; None for what is none."""
    member = MEMBERS.get(name)
    if member is None or entity.name not in {member, "list"}:
        return None
    near, far = ("listid", "entityid") if entity.name == "list" else ("entityid", "listid")
    other, kept = state.entities[member if entity.name == "list" else "list"], state.tables["listmember"]

    def find(row: Row) -> Iterable[Row]:
        own = Ref(entity.name, row[entity.key])
        refs = (one[far] for key in sorted(kept.find(near, own)) if (one := kept.by_id[key])[near] == own)
        rows = (state.get(ref) for ref in refs if ref.table == other.name)
        return [one for one in rows if one is not None]

    return other, find
