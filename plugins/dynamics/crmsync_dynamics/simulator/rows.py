"""The primitive writes: a row made, changed and deleted, with stamps, defaults and what follows for other rows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from crmsync_dynamics.simulator.errors import missing
from crmsync_dynamics.simulator.fields import Entity, Ref, Row, Values
from crmsync_dynamics.simulator.state import State
from crmsync_dynamics.simulator.values import canonical

CASCADES = frozenset(
    {
        ("opportunity", "customerid"), ("task", "regardingobjectid"), ("listmember", "listid"),
        ("listmember", "entityid"), ("connection", "record1id"), ("connection", "record2id"),
        ("contact", "parentcustomerid"), ("fieldpermission", "fieldsecurityprofileid"),
        ("new_subscriptionitem", "new_subscription"),
    }
)  # fmt: skip
"""Tables and look-ups whose rows go when the row goes that they point to; any other look-up is emptied."""


def stored(entity: Entity, values: Mapping[str, Any]) -> Values:
    """Values by logical name in their stored form; raises KeyError for a column that is not there, or ValueError."""
    return {name: canonical(entity.columns[name], value) for name, value in values.items()}


def create(state: State, name: str, values: Values, user: str) -> str:
    """Make a row of stored values, with defaults and stamps where they are not given; returns its id."""
    entity = state.entities[name]
    row: Row = {**_defaults(entity), **values}
    identity: str = row.get(entity.key) or next(state.ids)
    row[entity.key] = identity
    stamp, by = state.stamp(), Ref("systemuser", user)
    fresh = {"createdon": stamp, "modifiedon": stamp, "createdby": by, "modifiedby": by, "ownerid": by}
    for column, value in fresh.items():
        if column in entity.columns:
            row.setdefault(column, value)
    if row.get("overriddencreatedon"):
        row["createdon"] = row["overriddencreatedon"]
    _settle_state(entity, row, values)
    _finish(state, entity, row)
    state.save(state.tables[name], _bare(row))
    return identity


def update(state: State, name: str, identity: str, values: Values, user: str | None) -> None:
    """Change some stored values of a row; with a user, its stamps move. Raises the refusal of a missing row."""
    table = state.tables[name]
    before = table.by_id.get(identity)
    if before is None:
        raise missing(name, identity)
    row = {**before}
    if user is not None and "modifiedon" in table.entity.columns:
        row |= {"modifiedon": state.stamp(), "modifiedby": Ref("systemuser", user)}
    row |= values
    _settle_state(table.entity, row, values)
    _finish(state, table.entity, row)
    state.save(table, _bare(row))


def delete(state: State, name: str, identity: str) -> None:
    """Delete a row, the rows that go with it, and every look-up and pair that names it."""
    table = state.tables[name]
    if identity not in table.by_id:
        raise missing(name, identity)
    state.drop(table, identity)
    for entity in list(state.entities.values()):
        for column in entity.columns.values():
            if column.stored and any(target.table == name for target in column.targets):
                _let_go(state, entity, column.name, Ref(name, identity))
    for pairing in state.pairings.values():
        if name in {pairing.one, pairing.two}:
            state.pairs[pairing.name] = {pair for pair in state.pairs[pairing.name] if identity not in pair}


def _let_go(state: State, entity: Entity, column: str, ref: Ref) -> None:
    table = state.tables[entity.name]
    for identity in sorted(table.find(column, ref)):
        if identity not in table.by_id or table.by_id[identity].get(column) != ref:
            continue
        if (entity.name, column) in CASCADES:
            delete(state, entity.name, identity)
        elif column not in {"createdby", "modifiedby", "ownerid"}:
            update(state, entity.name, identity, {column: None}, None)


def _defaults(entity: Entity) -> Row:
    return {
        name: canonical(column, column.default)
        for name, column in entity.columns.items()
        if column.default is not None and column.stored
    }


def _settle_state(entity: Entity, row: Row, values: Values) -> None:
    column = entity.columns.get("statecode")
    if column is None:
        return
    row["statecode"] = row.get("statecode") or 0
    if values.get("statuscode") is None and ("statecode" in values or row.get("statuscode") is None):
        row["statuscode"] = next(one.status for one in column.options if one.value == row["statecode"])


def _finish(state: State, entity: Entity, row: Row) -> None:
    if "fullname" in entity.columns:
        parts = (row.get(name) for name in ("firstname", "middlename", "lastname"))
        row["fullname"] = " ".join(part for part in parts if part) or None
    monies = (name for name, column in entity.columns.items() if column.type == "Money" and column.stored)
    unpriced = "transactioncurrencyid" in entity.columns and not row.get("transactioncurrencyid")
    if unpriced and any(row.get(name) is not None for name in monies):
        row["transactioncurrencyid"] = Ref("transactioncurrency", state.people.currency)


def _bare(row: Row) -> Row:
    return {name: value for name, value in row.items() if value is not None}
