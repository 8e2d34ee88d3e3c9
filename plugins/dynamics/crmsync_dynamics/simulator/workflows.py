"""The CRM's own workflow that keeps the sync filter: who has an e-mail address is to be synced, and what belongs to it.

Its rules are R-269 to R-272. It runs as the administrator, at once or some seconds after the save.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

from crmsync_dynamics.simulator import rows
from crmsync_dynamics.simulator.fields import Ref, Row
from crmsync_dynamics.simulator.state import State

FILTER = "new_synctomkto"
Rule = Callable[[State, Ref, Row, Row], None]


def saved(state: State, ref: Ref, before: Row | None) -> None:
    """Run what is set up for a row that was just saved, or note that it is due later."""
    workflow = state.automation.sync_filter
    if workflow is None or ref.table not in _RULES or FILTER not in state.entities[ref.table].columns:
        return
    if workflow.delay:
        state.automation.due.append((state.now() + timedelta(seconds=workflow.delay), ref, before or {}))
    else:
        _run(state, ref, before or {})


def run_due(state: State) -> None:
    """Run the workflows whose time has come, in the order of the saves that began them."""
    now, due = state.now(), state.automation.due
    ripe = [one for one in due if one[0] <= now]
    state.automation.due = [one for one in due if one[0] > now]
    for _, ref, before in ripe:
        _run(state, ref, before)


def _run(state: State, ref: Ref, before: Row) -> None:
    row = state.get(ref)
    if row is not None:
        _RULES[ref.table](state, ref, before, row)


def _set(state: State, ref: Ref | None, value: bool) -> None:
    if ref is not None and state.get(ref) is not None:
        rows.update(state, ref.table, ref.id, {FILTER: value}, state.people.admin)


def _lead(state: State, ref: Ref, before: Row, row: Row) -> None:
    if not before or row.get("emailaddress1") != before.get("emailaddress1"):
        _set(state, ref, row.get("emailaddress1") is not None)


def _contact(state: State, ref: Ref, before: Row, row: Row) -> None:
    account = _account(row, "parentcustomerid")
    if not before or row.get("emailaddress1") != before.get("emailaddress1"):
        _set(state, ref, row.get("emailaddress1") is not None)
        if row.get("emailaddress1") is not None:
            _set(state, account, value=True)
    elif row.get(FILTER) and row.get("parentcustomerid") != before.get("parentcustomerid"):
        _set(state, account, value=True)


def _account(row: Row, column: str) -> Ref | None:
    ref = row.get(column)
    return ref if isinstance(ref, Ref) and ref.table == "account" else None


def _opportunity(state: State, ref: Ref, before: Row, row: Row) -> None:
    changed = [one for one in ("customerid", "parentcontactid") if row.get(one) != before.get(one)]
    if any((state.get(row.get(one)) or {}).get(FILTER) for one in changed):
        _set(state, ref, value=True)


_RULES: dict[str, Rule] = {"lead": _lead, "contact": _contact, "opportunity": _opportunity}
