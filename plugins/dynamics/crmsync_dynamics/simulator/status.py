"""The legal path of state and status: which pairs exist, which steps there are, and which rows are closed to edits."""

from __future__ import annotations

from crmsync_dynamics.simulator.errors import Refusal
from crmsync_dynamics.simulator.fields import Column, Entity, Option, Row, Values

OPEN = 0
QUALIFIED, DISQUALIFIED = 1, 2


def settle(
    entity: Entity, before: Row | None, cells: Values, *, closing: bool = False, edit_closed: bool = True
) -> None:
    """Fill in the half of a state and status pair that was not given; raises Refusal for a pair or step not there is.

    `closing` is the vendor's own action for deals, which may close what no plain update does; `edit_closed` is whether
    leads that are qualified or disqualified may be written.
    """
    state, status = entity.columns.get("statecode"), entity.columns.get("statuscode")
    if state is None or status is None:
        return
    now: int = (before or {}).get("statecode") or OPEN
    given = cells.get("statecode")
    wanted: int = now if given is None else given
    if cells.keys() & {"statecode", "statuscode"} or before is None:
        reason = cells.get("statuscode")
        if reason is None:
            kept = before["statuscode"] if before is not None and wanted == now else None
            reason = kept if kept is not None else _default(state, wanted)
        _need_pair(entity, before, _option(state, wanted), _option(status, reason))
        cells["statecode"], cells["statuscode"] = wanted, reason
    if before is None:
        if wanted != OPEN:
            raise _no_pair(entity, before, _option(state, OPEN), cells["statuscode"])
        return
    _need_step(entity, now, wanted, closing=closing, edit_closed=edit_closed)


def _option(column: Column, value: int) -> Option:
    return next(one for one in column.options if one.value == value)


def _default(state: Column, value: int) -> int:
    return _option(state, value).status or 0


def _need_pair(entity: Entity, before: Row | None, state: Option, status: Option) -> None:
    if status.state != state.value:
        raise _no_pair(entity, before, state, status.value)


def _no_pair(entity: Entity, before: Row | None, state: Option, status: int) -> Refusal:
    identity = (before or {}).get(entity.key, "00000000-0000-0000-0000-000000000000")
    text = f"{status} is not a valid status code for state code {entity.schema}State.{state.label}"
    return Refusal("0x80048408", f"{text} on {entity.name} with Id {identity}.")


def _need_step(entity: Entity, now: int, wanted: int, *, closing: bool, edit_closed: bool) -> None:
    if entity.name == "lead":
        if {now, wanted} == {QUALIFIED, DISQUALIFIED}:
            raise Refusal("0x80048408", "A lead that is qualified or disqualified has to be reopened first.")
        if now != OPEN and wanted == now and not edit_closed:
            raise inactive()
    if entity.name == "opportunity" and OPEN == now != wanted and not closing:
        raise Refusal("0x80040516", "The opportunity cannot be closed this way: use WinOpportunity or LoseOpportunity.")
    if entity.activity and now in {1, 2} and wanted == now:
        raise inactive()


def inactive() -> Refusal:
    """The refusal of an edit to a row that is closed."""
    return Refusal("0x80040230", "The object cannot be updated because it is inactive.")
