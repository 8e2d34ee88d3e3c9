"""Sending changes: patience where it helps, halves where one record or one limit spoils a whole call, doubt told."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import aiohttp
import msgspec

from crmsync.concluding import Lost
from crmsync.errors import CrmError, RetryLater, SchemaMoved
from crmsync.model import Value
from crmsync.writes import Result
from crmsync_salesforce import outcomes, wire
from crmsync_salesforce.describe import Known
from crmsync_salesforce.errors import Faulty, Policy, translate
from crmsync_salesforce.items import Item, Mark, Way, Written, chunked
from crmsync_salesforce.session import SalesforceSession

EXTRA_CALLS = 40
"""Calls that locks, limits and unreadable records may cost a batch beside its own; what is left then comes later."""

_REFUSED, _SERVER, _TIMED_OUT = 300, 500, 408
_OF_ONE = frozenset({Policy.ABSENT, Policy.MISTAKE})
_SPOILED = frozenset({"HTTP_413", "EXCEEDED_ID_LIMIT"})


@dataclass(slots=True)
class Batch:
    """The changes of one call of the hook, all of one object and operation."""

    session: SalesforceSession
    object: str
    known: Known
    items: list[Item]
    extra: int = EXTRA_CALLS

    @property
    def open(self) -> list[Item]:
        """Those that nothing has become of yet."""
        return [one for one in self.items if one.outcome is None]

    @property
    def touched(self) -> bool:
        """Whether anything was, or may have been, written."""
        return any(one.outcome is not None and one.outcome.result in _TOUCHED for one in self.items)

    def prepare(self, item: Item, values: Mapping[str, Value]) -> None:
        """Spell the values of a change; one whose value is none of its field's type is refused here."""
        fields = self.known.fields
        if lost := [name for name in values if name not in fields]:
            raise SchemaMoved(
                f"{self.object}: there is no field {', '.join(lost)} any more.", hint="The schema is read again.",
                code="INVALID_FIELD",
            )  # fmt: skip
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
        if len(again) == len(items) > 1 and not locked and self._afford(2):
            await self._halves(again, way)
        elif backoff.left(attempt) and self._afford(1):
            await asyncio.sleep(backoff.delay(attempt))
            await self._send(again, way, attempt + 1)

    async def _spoiled(self, items: Sequence[Item], way: Way, error: Faulty) -> None:
        """A call that was refused as a whole: by its only record, by one of many, or for a reason of its own."""
        ours = error.policy is Policy.RECORD or error.fault.code in _SPOILED
        if len(items) == 1 and (ours or (way.alone and error.policy in _OF_ONE)):
            self.settle(items[0], Written(faults=(error.fault,)))
        elif not ours:
            raise error
        elif self._afford(2):
            await self._halves(items, way)
        else:
            for item in items:
                item.fault, item.outcome = error.fault, outcomes.later(translate(error, obj=self.object))

    async def _halves(self, items: Sequence[Item], way: Way) -> None:
        half = (len(items) + 1) // 2
        await self._send(items[:half], way)
        await self._send(items[half:], way)

    def _afford(self, calls: int) -> bool:
        if self.extra < calls:
            return False
        self.extra -= calls
        return True

    async def _answer(self, items: Sequence[Item], way: Way) -> Sequence[Written]:
        """The results of one call, sent again where that may help and does no harm. Raises Faulty, Lost and ours."""
        backoff, attempt, lost = self.session.client.backoff, 0, False
        while True:
            attempt += 1
            try:
                return _complete(way.read(await way.send(items)), items)
            except (Faulty, CrmError, msgspec.MsgspecError) as error:
                lost = lost or not certain(error)
                if not (_passing(error) and (way.repeatable or not lost) and backoff.left(attempt)):
                    if lost:
                        self._doubt(items, error)
                        raise Lost(str(error)) from error
                    raise
                pause = error.retry_after if isinstance(error, Faulty | RetryLater) else None
            await asyncio.sleep(backoff.delay(attempt, pause))

    def _doubt(self, items: Sequence[Item], error: Exception) -> None:
        code = error.fault.code if isinstance(error, Faulty) else getattr(error, "code", "") or "not_json"
        for item in items:
            item.outcome = outcomes.unknown(code, f"The answer to this change was lost: {error}")


_TOUCHED = frozenset({Result.DONE, Result.UNKNOWN})


def certain(error: Exception) -> bool:
    """Whether an error says that the call it ended did nothing: it was refused, or never left."""
    if isinstance(error, Faulty):
        return _REFUSED <= error.fault.status < _SERVER and error.fault.status != _TIMED_OUT
    if isinstance(error, RetryLater):
        return isinstance(error.__cause__, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
    return isinstance(error, CrmError)


def _passing(error: Exception) -> bool:
    return not isinstance(error, Faulty | CrmError) or (
        error.policy is Policy.RETRY if isinstance(error, Faulty) else isinstance(error, RetryLater)
    )


def _complete(written: Sequence[Written], items: Sequence[Item]) -> Sequence[Written]:
    if len(written) != len(items):
        raise msgspec.ValidationError(f"{len(written)} results for {len(items)} records")
    return written
