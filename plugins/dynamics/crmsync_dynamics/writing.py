"""Changes on their way to the CRM: which function does each operation, and what is said of those that never left."""

from __future__ import annotations

from collections.abc import Sequence

from crmsync.connectors.applying import Writer
from crmsync.writes import Change, Operation, Outcome, Outcomes
from crmsync_dynamics import outcomes
from crmsync_dynamics.changed import delete, update
from crmsync_dynamics.converting import convert
from crmsync_dynamics.created import create
from crmsync_dynamics.delivery import Batch
from crmsync_dynamics.describe import Known
from crmsync_dynamics.errors import Fault, Faulty, Policy, translate
from crmsync_dynamics.items import Item
from crmsync_dynamics.members import member
from crmsync_dynamics.merging import merge
from crmsync_dynamics.query import is_guid
from crmsync_dynamics.session import DynamicsSession

_WHOLE = frozenset({Policy.MOVED, Policy.OBJECT, Policy.STOP, Policy.FULL})
"""What is said of one record and concerns them all."""


def _batch(session: DynamicsSession, obj: str, known: Known, items: list[Item]) -> Batch:
    """A batch in which an id that cannot be one of the vendor's names a record that never was."""
    for one in items:
        if one.id and not session.client.features.plain and not is_guid(one.id):
            one.outcome = outcomes.gone(one.change, "value", f"{one.id[:80]!r} is no id of a record.")
    return Batch(session, obj, known, items)


def _refused(fault: Fault) -> Outcome:
    return outcomes.refused(fault.code, fault.message)


def _whole(batch: Batch, fault: Fault) -> bool:
    own = fault.policy is Policy.PRIVILEGE and outcomes.is_own(fault, batch.known.table)
    return own or fault.policy in _WHOLE


_WRITER: Writer[DynamicsSession, Batch, Item] = Writer(
    batch=_batch,
    item=Item,
    operations={
        Operation.CREATE: create,
        Operation.UPDATE: update,
        Operation.DELETE: delete,
        Operation.CONVERT: convert,
        Operation.MERGE: merge,
        Operation.MEMBER: member,
        Operation.TASK: create,
    },
    faulty=Faulty,
    ours=translate,
    moved=lambda fault: fault.policy is Policy.MOVED,
    refused=_refused,
    whole=_whole,
)


async def apply(session: DynamicsSession, changes: Sequence[Change]) -> Outcomes:
    """Write changes of one object and operation, as the contract of the `apply` hook says."""
    return await _WRITER.apply(session, changes)
