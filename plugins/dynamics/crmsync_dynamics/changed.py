"""Records changed and deleted: only what is named, only where nobody changed the record since it was read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from crmsync.connectors.plainly import encoded
from crmsync_dynamics import outcomes, wire
from crmsync_dynamics.bulk import suits, update_many
from crmsync_dynamics.delivery import Batch
from crmsync_dynamics.errors import Policy
from crmsync_dynamics.items import Item, Request
from crmsync_dynamics.query import identity, is_guid

ANY = "*"
"""The precondition that the record is there at all: without one, a change of a deleted record makes it anew."""
_NO_PAIR = "0x80048408"
_OPEN = 0


def address(batch: Batch, crm_id: str) -> str:
    """Where a record of the batch's table is."""
    table = batch.known.table
    return f"{table.set}({crm_id.lower() if is_guid(crm_id) else identity(crm_id, table.key_native)})"


def patch(batch: Batch, item: Item, body: bytes, condition: str = ANY) -> Request:
    """Change the record of an item."""
    return Request(method="PATCH", path=address(batch, item.id), body=body, headers={"If-Match": condition})


async def update(batch: Batch) -> None:
    """Change the records of a batch. Raises as `Batch.deliver` does."""
    await batch.prepare({one: one.change.values for one in batch.open})
    for one in batch.open:
        if not one.values:
            one.outcome = outcomes.done(one.id)
        one.requests = [patch(batch, one, one.body, _condition(batch, one))]
    if suits(batch, batch.open):
        await update_many(batch, batch.open)
    await batch.deliver(batch.open)
    await _unconditional(batch)
    await _by_way_of_open(batch)


def _condition(batch: Batch, item: Item) -> str:
    """The version that the values were merged with, where it is one and the table takes versions."""
    version = item.change.version or ""
    takes = batch.known.table.versioned and f"versions of {batch.object}" not in batch.session.lacks
    return f'W/"{version}"' if takes and version.isdigit() else ANY


async def _unconditional(batch: Batch) -> None:
    """A table that turns out to take no versions is written without."""
    found = [one for one in batch.items if one.fault is not None and one.fault.policy is Policy.UNCONDITIONAL]
    if not found:
        return
    batch.session.lacks.add(f"versions of {batch.object}")
    await _once_more(batch, found, lambda one: [patch(batch, one, one.body)])


async def _by_way_of_open(batch: Batch) -> None:
    """From one closed state to another it goes by way of the open one, both steps or none."""
    reopen = encoded({wire.STATE: _OPEN}, {})
    found = [one for one in batch.items if one.fault is not None and _closes(one)]
    await _once_more(batch, found, lambda one: [patch(batch, one, reopen), patch(batch, one, one.body)])


def _closes(item: Item) -> bool:
    closing = {wire.STATE, wire.REASON} & item.values.keys()
    return bool(item.fault and item.fault.code == _NO_PAIR and closing)


async def _once_more(batch: Batch, items: Sequence[Item], requests: Callable[[Item], Sequence[Request]]) -> None:
    for one in items:
        one.again()
        one.requests = requests(one)
    await batch.deliver(items)


async def delete(batch: Batch) -> None:
    """Delete the records of a batch; what is gone already is done. Raises as `Batch.deliver` does."""
    for one in batch.open:
        one.requests = [Request(method="DELETE", path=address(batch, one.id))]
    await batch.deliver(batch.open)
