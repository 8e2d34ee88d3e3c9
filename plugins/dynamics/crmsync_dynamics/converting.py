"""Leads qualified: into a new contact that belongs to no account of our making, and an opportunity only by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from crmsync.model import Value
from crmsync.writes import Outcome, Result
from crmsync_dynamics import outcomes, wire
from crmsync_dynamics.behind import ORIGIN
from crmsync_dynamics.changed import ANY, address
from crmsync_dynamics.delivery import Batch
from crmsync_dynamics.errors import Policy
from crmsync_dynamics.items import Item, Reply, Request
from crmsync_dynamics.owning import places

QUALIFIED = 1
_STATUS = 3  # of a qualified lead, as the vendor ships it
_ACTION = "QualifyLead"
_UNKNOWN = frozenset({Policy.OBJECT, Policy.ABSENT, Policy.MISTAKE})
_SALES = (
    "Leads are qualified by the Sales app, which this environment lacks: install it, or make the contact in the CRM "
    "and merge the person with it."
)
_CLOSED = "0x80040519"
_KIND = "#Microsoft.Dynamics.CRM."
_BECAME = ("_parentcontactid_value", "_contactid_value")


async def convert(batch: Batch) -> None:
    """Qualify the leads of a batch. Raises as `Batch.deliver` does."""
    for one in batch.open:
        _spell(batch, one)
    await batch.deliver(batch.open, _read)
    _without_sales(batch)
    await _before(batch)
    await _finish(batch)


def _spell(batch: Batch, item: Item) -> None:
    try:
        status = _status(batch, item.change.wish.status)
    except wire.Unfit as error:
        item.outcome = outcomes.refused("value", str(error), fields=(error.field,))
        return
    body = {
        "CreateAccount": False, "CreateContact": True, "CreateOpportunity": bool(item.change.wish.opportunity),
        "Status": status,
    }  # fmt: skip
    path = f"{address(batch, item.id)}/Microsoft.Dynamics.CRM.{_ACTION}"
    item.requests = [Request(method="POST", path=path, body=msgspec.json.encode(body))]


def _status(batch: Batch, label: str) -> int:
    """The reason to qualify leads with: the one that is wished for, else the first there is."""
    column = batch.known.table.columns.get(wire.REASON)
    if label and column is not None:
        return wire.number_of(column, label)
    states = column.states if column is not None else {}
    return next((reason for reason, state in states.items() if state == QUALIFIED), _STATUS)


def _read(item: Item, reply: Reply) -> None:
    found: list[dict[str, Any]] = msgspec.json.decode(reply.body).get("value", [])
    made = {}
    for one in found:
        table = str(one.get("@odata.type", "")).removeprefix(_KIND)
        made[table] = str(one.get(f"{table}id", ""))
    item.outcome = outcomes.done(made.get("contact"), made=made)


async def _before(batch: Batch) -> None:
    """What was qualified before, by anybody or by a call whose answer was lost, is done: a read says into what."""
    doubted = {one.id: one for one in batch.items if _doubtful(one)}
    if not doubted:
        return
    rows = await _rows(batch, batch.known.table.key, doubted, ("statecode", *_there(batch)))
    told = {str(row[batch.known.table.key]): row for row in rows if row.get("statecode") == QUALIFIED}
    silent = [lead for lead, row in told.items() if not _contact(row)]
    made = await _made_of(batch, silent)
    for lead, row in told.items():
        if contact := _contact(row) or made.get(lead, ""):
            doubted[lead].outcome = outcomes.done(contact, made={"contact": contact}, code="converted")
            doubted[lead].fault = None


def _without_sales(batch: Batch) -> None:
    """An environment that knows leads and cannot qualify them refuses each; everything else of leads goes on."""
    for one in batch.items:
        fault = one.fault
        if fault is not None and fault.policy in _UNKNOWN and _ACTION.lower() in fault.message.lower():
            one.outcome, one.fault = outcomes.refused(fault.code, fault.message, hint=_SALES), None


def _doubtful(item: Item) -> bool:
    closed = item.fault is not None and item.fault.code == _CLOSED
    outcome = item.outcome
    return closed or (outcome is not None and outcome.result is Result.DONE and not outcome.crm_id)


def _there(batch: Batch) -> list[str]:
    wires = {one.wire for one in batch.known.table.columns.values()}
    return [one for one in _BECAME if one in wires]


def _contact(row: Mapping[str, Any]) -> str:
    return next((str(row[one]) for one in _BECAME if row.get(one)), "")


async def _made_of(batch: Batch, leads: Sequence[str]) -> dict[str, str]:
    """Contacts by the lead that they were made of."""
    contact = (await batch.session.describes.last("contact")).table
    if not leads or ORIGIN not in contact.columns:
        return {}
    wire_ = contact.columns[ORIGIN].wire
    rows = await batch.behind.rows(contact, wire_, leads, (wire_,))
    return {str(row[wire_]): str(row[contact.key]) for row in rows}


async def _rows(batch: Batch, column: str, ids: Mapping[str, Item], columns: Sequence[str]) -> list[dict[str, Any]]:
    return await batch.behind.rows(batch.known.table, column, ids, columns)


async def _finish(batch: Batch) -> None:
    """Give the contact to whom it was wished for, and the opportunity its name; what is refused of that is told."""
    for one in batch.items:
        outcome, wish = one.outcome, one.change.wish
        if outcome is None or outcome.result is not Result.DONE or not outcome.crm_id or outcome.code:
            continue
        if wish.owner:
            await _give(batch, one, outcome, "contact", {"ownerid": wish.owner})
        if wish.opportunity and "opportunity" in outcome.made:
            await _give(batch, one, outcome, "opportunity", {"name": wish.opportunity})


async def _give(batch: Batch, item: Item, outcome: Outcome, obj: str, values: Mapping[str, Value]) -> None:
    known = await batch.session.describes.last(obj)
    try:
        body = wire.record(values, known.table.columns, await places(batch.session, known, [values]))
    except wire.Unfit as error:
        item.outcome = _told(outcome, str(error))
        return
    path = f"{known.table.set}({outcome.made[obj]})"
    item.requests = [Request(method="PATCH", path=path, body=body, headers={"If-Match": ANY})]
    item.again()
    await batch.deliver([item])
    said = "" if item.fault is None else item.fault.message
    item.fault, item.outcome = None, _told(outcome, said)


def _told(outcome: Outcome, said: str) -> Outcome:
    return outcome if not said else outcomes.done(outcome.crm_id, made=outcome.made, message=said)
