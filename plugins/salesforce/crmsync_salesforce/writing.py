"""Changes on their way to the CRM: which function does each operation, and what is said of those that never left."""

from __future__ import annotations

from collections.abc import Sequence

from crmsync.connectors.applying import Writer
from crmsync.writes import Change, Operation, Outcome, Outcomes, Wish
from crmsync_salesforce import outcomes
from crmsync_salesforce.converting import convert
from crmsync_salesforce.created import create
from crmsync_salesforce.delivery import Batch
from crmsync_salesforce.errors import Fault, Faulty, Policy, translate
from crmsync_salesforce.ingest import suits, upload
from crmsync_salesforce.items import Item
from crmsync_salesforce.members import member
from crmsync_salesforce.merging import merge
from crmsync_salesforce.session import SalesforceSession
from crmsync_salesforce.sobjects import deleting, headers_of, updating, write


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


def _refused(fault: Fault) -> Outcome:
    return outcomes.refused(fault.code, fault.message, fields=fault.fields)


_WRITER: Writer[SalesforceSession, Batch, Item] = Writer(
    batch=Batch,
    item=Item,
    operations={
        Operation.CREATE: create,
        Operation.UPDATE: _update,
        Operation.DELETE: _delete,
        Operation.CONVERT: convert,
        Operation.MERGE: merge,
        Operation.MEMBER: member,
        Operation.TASK: create,
    },
    faulty=Faulty,
    ours=translate,
    moved=lambda fault: fault.policy is Policy.MOVED,
    refused=_refused,
    whole=lambda _, fault: fault.policy in (Policy.MOVED, Policy.OBJECT),
)


async def apply(session: SalesforceSession, changes: Sequence[Change]) -> Outcomes:
    """Write changes of one object and operation, as the contract of the `apply` hook says."""
    return await _WRITER.apply(session, changes)
