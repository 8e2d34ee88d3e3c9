"""What the vendor's own code makes of a row before a save: numbers it gives out, and columns that follow others."""

from __future__ import annotations

from collections.abc import Callable

from crmsync_dynamics.simulator.fields import Entity, Ref, Row, Values
from crmsync_dynamics.simulator.state import State

COMPLETED = 1


def prepare(state: State, entity: Entity, before: Row | None, cells: Values) -> None:
    """Complete the cells that are about to be saved; `before` is the row they change, None for a new one."""
    rule = _RULES.get(entity.name)
    if rule is not None:
        rule(state, before, cells)


def _list(state: State, before: Row | None, cells: Values) -> None:
    del state
    if before is None:
        cells |= {"membertype": cells.get("createdfromcode"), "membercount": 0}


def _campaign(state: State, before: Row | None, cells: Values) -> None:
    if before is None and cells.get("codename") is None:
        cells["codename"] = f"CMP-01001-{state.version % 1_000_000:06d}"


def _opportunity(state: State, before: Row | None, cells: Values) -> None:
    del before
    customer = cells.get("customerid")
    if state.settings.mirror_customer and isinstance(customer, Ref):
        cells.setdefault(f"parent{customer.table}id", customer)


def _task(state: State, before: Row | None, cells: Values) -> None:
    if cells.get("statecode") == COMPLETED and not (before or {}).get("actualend"):
        cells.setdefault("actualend", state.stamp())


_RULES: dict[str, Callable[[State, Row | None, Values], None]] = {
    "list": _list,
    "campaign": _campaign,
    "opportunity": _opportunity,
    "task": _task,
}
