"""Merging two rows: the loser is deactivated and names its master, and what pointed to it points to the winner."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crmsync_dynamics.simulator import rows
from crmsync_dynamics.simulator.errors import Refusal
from crmsync_dynamics.simulator.fields import Entity, Ref, Row
from crmsync_dynamics.simulator.state import State
from crmsync_dynamics.simulator.writes import Writer

_CLOSED = {"account": (1, 2), "contact": (1, 2), "lead": (2, 7)}
_STAY = frozenset({"masterid", "createdby", "modifiedby"})


def merge(state: State, writer: Writer, winner: Ref, loser: Ref, content: Mapping[str, Any], *, parents: bool) -> None:
    """Merge the loser into the winner, which takes the content; raises Refusal when they cannot be merged.

    `parents` is whether two rows, of which one is the parent of the other, are refused.
    """
    entity = state.entities[winner.table]
    kept, gone = _both(writer, entity, winner, loser)
    if parents and (_points(kept, loser) or _points(gone, winner)):
        raise Refusal("0x80045300", "Merge could create cyclical parenting.")
    if content:
        writer.update(entity, winner.id, content)
    _move(state, writer, winner, loser)
    now, reason = _CLOSED[entity.name]
    cells = {"statecode": now, "statuscode": reason, "merged": True, "masterid": winner}
    rows.update(state, entity.name, loser.id, cells, writer.user_id)
    rows.update(state, entity.name, winner.id, {}, writer.user_id)


def _both(writer: Writer, entity: Entity, winner: Ref, loser: Ref) -> tuple[Row, Row]:
    if entity.name not in _CLOSED or loser.table != winner.table:
        raise Refusal("0x80040203", "Merge takes two rows of account, contact or lead.")
    if winner == loser:
        raise Refusal("0x80045305", "Merge cannot be performed on sub-entity that is the same as the master.")
    try:
        kept, gone = (writer.row("Write", entity, one.id) for one in (winner, loser))
    except Refusal as refusal:
        if refusal.code == "0x80040220":
            raise Refusal("0x80045301", "Merge is not allowed: caller does not have the privilege or access.") from None
        raise
    if kept.get("statecode") or gone.get("statecode"):
        raise Refusal("0x80045304", "Merge cannot be performed on master or sub-entity that is inactive.")
    return kept, gone


def _points(row: Row, ref: Ref) -> bool:
    return any(row.get(name) == ref for name in ("parentaccountid", "parentcustomerid"))


def _move(state: State, writer: Writer, winner: Ref, loser: Ref) -> None:
    for entity in list(state.entities.values()):
        table = state.tables[entity.name]
        for column in entity.columns.values():
            if not column.stored or column.name in _STAY or winner.table not in {one.table for one in column.targets}:
                continue
            for one in sorted(table.find(column.name, loser)):
                _point(state, writer, entity, one, column.name, winner)


def _point(state: State, writer: Writer, entity: Entity, identity: str, column: str, winner: Ref) -> None:
    row = state.tables[entity.name].by_id[identity]
    if entity.name == "listmember" and _is_member(state, row, winner):
        rows.delete(state, entity.name, identity)
    elif Ref(entity.name, identity) != winner:
        rows.update(state, entity.name, identity, {column: winner}, writer.user_id)
    else:
        rows.update(state, entity.name, identity, {column: None}, writer.user_id)


def _is_member(state: State, row: Row, winner: Ref) -> bool:
    members = state.tables["listmember"]
    return any(members.by_id[one].get("listid") == row.get("listid") for one in members.find("entityid", winner))
