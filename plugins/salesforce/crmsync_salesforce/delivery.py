"""Sending changes: patience where it helps, halves where one record or one limit spoils a whole call, doubt told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

import msgspec

from crmsync.connectors import concluding, delivering
from crmsync.connectors.delivering import Judge, answered, halves
from crmsync.connectors.faults import declined, lost_fields, never_left
from crmsync.errors import CrmError, RetryLater
from crmsync.model import Value
from crmsync_salesforce import outcomes, wire
from crmsync_salesforce.describe import Known
from crmsync_salesforce.errors import Faulty, Policy, translate
from crmsync_salesforce.items import Item, Mark, Way, Written, chunked
from crmsync_salesforce.session import SalesforceSession

_OF_ONE = frozenset({Policy.ABSENT, Policy.MISTAKE})
_SPOILED = frozenset({"HTTP_413", "EXCEEDED_ID_LIMIT"})


class Batch(delivering.Batch[SalesforceSession, Known, Item]):
    """The changes of one call of the hook, and how they are sent."""

    def prepare(self, item: Item, values: Mapping[str, Value]) -> None:
        """Spell the values of a change; one whose value is none of its field's type is refused here."""
        fields = self.known.fields
        if lost := values.keys() - fields.keys():
            raise lost_fields(self.object, lost, "INVALID_FIELD")
        try:
            item.values, item.body = values, wire.record(values, fields)
        except wire.Unfit as error:
            item.outcome = outcomes.refused("value", str(error), fields=(error.field,))

    def settle(self, item: Item, written: Written) -> None:
        """Note what became of a change."""
        item.fault = written.faults[0] if written.faults else None
        if item.fault is None:
            item.outcome = outcomes.done(written.id or item.id, made=written.made)
        else:
            fields = self.known.fields
            refers = any(fields[name].references for name in item.values if name in fields)
            item.outcome = outcomes.of_fault(item.fault, item.change, refers=refers)

    async def deliver(self, items: Sequence[Item], way: Way, mark: Mark) -> None:
        """Send items in as few calls as may be, those of one mark in different ones. Raises Faulty, Lost and ours."""
        for chunk in chunked(items, way.most, mark):
            await self._send(chunk, way)

    async def _send(self, items: Sequence[Item], way: Way, attempt: int = 1) -> None:
        try:
            written = await self._answer(items, way)
        except Faulty as error:
            await self._spoiled(items, way, error)
            return
        for item, one in zip(items, written, strict=True):
            self.settle(item, one)
        await self._again([one for one in items if one.fault and outcomes.crowded(one.fault)], items, way, attempt)

    async def _again(self, again: Sequence[Item], items: Sequence[Item], way: Way, attempt: int) -> None:
        """What met a lock or a limit once more: in halves where the size of the call was the matter, or later."""
        backoff = self.session.client.backoff
        if not again:
            return
        locked = all(one.fault is not None and one.fault.code == outcomes.LOCKED for one in again)
        if len(again) == len(items) > 1 and not locked and self.afford(2):
            await self._halves(again, way)
        elif backoff.left(attempt) and self.afford(1):
            await asyncio.sleep(backoff.delay(attempt))
            await self._send(again, way, attempt + 1)

    async def _spoiled(self, items: Sequence[Item], way: Way, error: Faulty) -> None:
        """A call that was refused as a whole: by its only record, by one of many, or for a reason of its own."""
        ours = error.policy is Policy.RECORD or error.fault.code in _SPOILED
        if len(items) == 1 and (ours or (way.alone and error.policy in _OF_ONE)):
            self.settle(items[0], Written(faults=(error.fault,)))
        elif not ours:
            raise error
        elif self.afford(2):
            await self._halves(items, way)
        else:
            for item in items:
                item.fault, item.outcome = error.fault, concluding.later(translate(error, obj=self.object))

    async def _halves(self, items: Sequence[Item], way: Way) -> None:
        for half in halves(items):
            await self._send(half, way)

    async def _answer(self, items: Sequence[Item], way: Way) -> Sequence[Written]:
        """The results of one call, sent again where that may help and does no harm. Raises Faulty, Lost and ours."""

        async def send() -> Sequence[Written]:
            return _complete(way.read(await way.send(items)), items)

        return await answered(send, items, self.session.client.backoff, _JUDGE, repeatable=way.repeatable)


def _certain(error: Exception) -> bool:
    """Whether an error says that the call it ended did nothing: it was refused, or never left."""
    if isinstance(error, Faulty):
        return declined(error.fault)
    return never_left(error) if isinstance(error, RetryLater) else isinstance(error, CrmError)


def _passing(error: Exception) -> bool:
    if isinstance(error, Faulty):
        return error.policy is Policy.RETRY
    return isinstance(error, RetryLater) or not isinstance(error, CrmError)


def _complete(written: Sequence[Written], items: Sequence[Item]) -> Sequence[Written]:
    if len(written) != len(items):
        raise msgspec.ValidationError(f"{len(written)} results for {len(items)} records")
    return written


_JUDGE = Judge(
    certain=_certain, passing=_passing, unreadable=msgspec.MsgspecError, code="not_json", unknown=outcomes.unknown
)
