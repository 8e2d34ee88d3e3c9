"""Changes on their way to the CRM: which function does each operation, and what is said of those that never left."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from itertools import compress

from crmsync.connectors import delivering
from crmsync.connectors.concluding import conclude
from crmsync.writes import Change, Operation, Outcomes
from crmsync_dynamics import outcomes
from crmsync_dynamics.changed import delete, update
from crmsync_dynamics.converting import convert
from crmsync_dynamics.created import create
from crmsync_dynamics.delivery import Batch
from crmsync_dynamics.errors import Fault, Faulty, Policy, translate
from crmsync_dynamics.items import Item
from crmsync_dynamics.members import member
from crmsync_dynamics.merging import merge
from crmsync_dynamics.query import is_guid
from crmsync_dynamics.session import DynamicsSession

_WHOLE = frozenset({Policy.MOVED, Policy.OBJECT, Policy.STOP, Policy.FULL})
"""What is said of one record and concerns them all."""


async def apply(session: DynamicsSession, changes: Sequence[Change]) -> Outcomes:
    """Write changes of one object and operation, as the contract of the `apply` hook says."""
    if not changes:
        return []
    first = changes[0]
    known = await delivering.known(session.describes, first.object, changes)
    batch = Batch(session, first.object, known, [Item(one) for one in changes])
    _nobody(batch)
    ours, moved = partial(translate, obj=first.object), partial(session.describes.forget, first.object)
    return await conclude(batch, _work(batch), ours, moved)


async def _work(batch: Batch) -> None:
    await _OPERATIONS[batch.items[0].change.operation](batch)
    await _moved(batch)
    _whole(batch)


def _nobody(batch: Batch) -> None:
    """An id that cannot be one of the vendor's names a record that never was."""
    plain = batch.session.client.features.plain
    for one in batch.items:
        if one.id and not plain and not is_guid(one.id):
            one.outcome = outcomes.gone(one.change, "value", f"{one.id[:80]!r} is no id of a record.")


async def _moved(batch: Batch) -> None:
    """What was refused for a field: by a schema that moved, or by a rule that reading the schema does not cure."""
    moved = [one for one in batch.items if one.fault is not None and one.fault.policy is Policy.MOVED]
    sent, operation = [one.values for one in moved], batch.items[0].change.operation
    there = await delivering.writable(batch.session.describes, batch.object, operation, sent)
    for one in compress(moved, there):
        if one.fault is not None:
            one.outcome = outcomes.refused(one.fault.code, one.fault.message)
            one.fault = None


def _whole(batch: Batch) -> None:
    """Raise what was said of every record that was sent, where nothing was written."""
    faults = [one.fault for one in batch.items if one.fault is not None]
    if faults and not batch.touched and all(_of_all(batch, one) for one in faults):
        raise Faulty(faults[0])


def _of_all(batch: Batch, fault: Fault) -> bool:
    own = fault.policy is Policy.PRIVILEGE and outcomes.is_own(fault, batch.known.table)
    return own or fault.policy in _WHOLE


_OPERATIONS: dict[Operation, Callable[[Batch], Awaitable[None]]] = {
    Operation.CREATE: create,
    Operation.UPDATE: update,
    Operation.DELETE: delete,
    Operation.CONVERT: convert,
    Operation.MERGE: merge,
    Operation.MEMBER: member,
    Operation.TASK: create,
}
