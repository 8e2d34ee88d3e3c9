"""Changes on their way to the CRM: which function does each operation, and what is said of those that never left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import compress

from crmsync.connectors import delivering
from crmsync.connectors.concluding import conclude
from crmsync.writes import Change, Operation, Outcomes, Wish
from crmsync_salesforce import outcomes
from crmsync_salesforce.converting import convert
from crmsync_salesforce.created import create
from crmsync_salesforce.delivery import Batch
from crmsync_salesforce.errors import Faulty, Policy, translate
from crmsync_salesforce.ingest import suits, upload
from crmsync_salesforce.items import Item
from crmsync_salesforce.members import member
from crmsync_salesforce.merging import merge
from crmsync_salesforce.session import SalesforceSession
from crmsync_salesforce.sobjects import deleting, headers_of, updating, write

_WHOLE = frozenset({Policy.MOVED, Policy.OBJECT})
"""What is said of one record and concerns them all."""


async def apply(session: SalesforceSession, changes: Sequence[Change]) -> Outcomes:
    """Write changes of one object and operation, as the contract of the `apply` hook says."""
    if not changes:
        return []
    first = changes[0]
    known = await delivering.known(session.describes, first.object, changes)
    batch = Batch(session, first.object, known, [Item(one) for one in changes])
    ours, moved = partial(translate, obj=first.object), partial(session.describes.forget, first.object)
    return await conclude(batch, _work(batch), ours, moved)


async def _work(batch: Batch) -> None:
    await _OPERATIONS[batch.items[0].change.operation](batch)
    await _moved(batch)
    _whole(batch)


async def _moved(batch: Batch) -> None:
    """What was refused for a field: by a schema that moved, or by a rule that reading the schema does not cure."""
    moved = [one for one in batch.items if one.fault is not None and one.fault.policy is Policy.MOVED]
    sent, operation = [one.values for one in moved], batch.items[0].change.operation
    there = await delivering.writable(batch.session.describes, batch.object, operation, sent)
    for one in compress(moved, there):
        if one.fault is not None:
            one.outcome = outcomes.refused(one.fault.code, one.fault.message, fields=one.fault.fields)
            one.fault = None


def _whole(batch: Batch) -> None:
    """Raise what was said of every record that was sent, where nothing was written."""
    faults = [one.fault for one in batch.items if one.fault is not None]
    if faults and not batch.touched and all(one.policy in _WHOLE for one in faults):
        raise Faulty(faults[0])


async def _update(batch: Batch) -> None:
    for one in batch.items:
        batch.prepare(one, one.change.values)
    plain = [one for one in batch.open if not one.change.wish.duplicates]
    if suits(batch, plain):
        await upload(batch, plain)
    for duplicates in (False, True):
        items = [one for one in batch.open if one.change.wish.duplicates is duplicates]
        if items:
            await write(batch, items, updating(batch.object), headers_of(Wish(duplicates=duplicates)))


async def _delete(batch: Batch) -> None:
    await write(batch, batch.items, deleting(batch.object), headers_of(Wish()))


_OPERATIONS: dict[Operation, Callable[[Batch], Awaitable[None]]] = {
    Operation.CREATE: create,
    Operation.UPDATE: _update,
    Operation.DELETE: _delete,
    Operation.CONVERT: convert,
    Operation.MERGE: merge,
    Operation.MEMBER: member,
    Operation.TASK: create,
}
