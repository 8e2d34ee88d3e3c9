"""The members of static marketing lists: who may be one, who comes, who goes, and the list's own count."""

from __future__ import annotations

from crmsync_dynamics.simulator import rows
from crmsync_dynamics.simulator.errors import Refusal, missing
from crmsync_dynamics.simulator.fields import Ref, Row
from crmsync_dynamics.simulator.state import State
from crmsync_dynamics.simulator.writes import Writer


def add(state: State, writer: Writer, identity: str, member: Ref) -> str:
    """Put a row on a list and return the id of its membership, the old one when it is on it already."""
    found = _open_list(state, writer, identity)
    if state.entities[member.table].code != found.get("createdfromcode"):
        raise Refusal("0x80040301", "The member is not of the type that the list takes.")
    if state.get(member) is None:
        raise missing(member.table, member.id)
    there = membership(state, identity, member)
    if there is None:
        cells = {"listid": Ref("list", identity), "entityid": member}
        there = rows.create(state, "listmember", cells, writer.user_id)
        _count(state, identity)
    return there


def remove(state: State, writer: Writer, identity: str, member: str) -> None:
    """Take a row off a list; raises Refusal for one that is not on it."""
    found = _open_list(state, writer, identity)
    table = next(one.name for one in state.entities.values() if one.code == found.get("createdfromcode"))
    there = membership(state, identity, Ref(table, member))
    if there is None:
        raise Refusal("0x80048458", "The record is not a member of the marketing list.")
    rows.delete(state, "listmember", there)
    _count(state, identity)


def membership(state: State, identity: str, member: Ref) -> str | None:
    """The id of a row's membership of a list."""
    table = state.tables["listmember"]
    mine = (one for one in table.find("entityid", member) if table.by_id[one]["entityid"] == member)
    return next((one for one in mine if table.by_id[one]["listid"].id == identity), None)


def _open_list(state: State, writer: Writer, identity: str) -> Row:
    found = writer.row("Write", state.entities["list"], identity)
    if found.get("lockstatus"):
        raise Refusal("0x80040302", "The list is locked.")
    if found.get("type"):
        raise Refusal("0x80040203", "The members of a dynamic list are found by its query.")
    return found


def _count(state: State, identity: str) -> None:
    number = len(state.tables["listmember"].find("listid", Ref("list", identity)))
    rows.update(state, "list", identity, {"membercount": number}, None)
