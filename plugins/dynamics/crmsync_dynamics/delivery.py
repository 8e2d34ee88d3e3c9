"""Sending changes: many in a batch, patience with those that may work in a moment, doubt told where no answer came."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from urllib.parse import urlsplit

import msgspec

from crmsync.connectors import concluding, delivering
from crmsync.connectors.concluding import Lost
from crmsync.connectors.delivering import Judge, answered, halves
from crmsync.connectors.faults import declined, lost_fields, never_left
from crmsync.errors import CrmError, RetryLater
from crmsync.model import Value
from crmsync.writes import Result
from crmsync_dynamics import batch as multipart
from crmsync_dynamics import outcomes, wire
from crmsync_dynamics.behind import Behind
from crmsync_dynamics.describe import Known
from crmsync_dynamics.errors import POLICIES, Faulty, Policy
from crmsync_dynamics.items import Item, Reply
from crmsync_dynamics.owning import Uncounted, places
from crmsync_dynamics.routes import FILTER
from crmsync_dynamics.session import DynamicsSession

PARTS = 200
"""Changes in one batch: the server has two minutes for all of them."""
NETWORK = "network"
_TOO_LARGE, _NOT_IMPLEMENTED = 413, 501
_AGAIN = frozenset({Policy.THROTTLED, Policy.RETRY, Policy.NARROW, Policy.ONCE})
_LACKING = frozenset({Policy.OBJECT, Policy.ABSENT, Policy.MISTAKE})

Read = Callable[[Item, Reply], None]
"""What is made of an answer that says done."""


def done(item: Item, reply: Reply) -> None:
    """The change of the record is done."""
    del reply
    item.outcome = outcomes.done(item.id)


class Batch(delivering.Batch[DynamicsSession, Known, Item]):
    """The changes of one call of the hook, and how they are sent."""

    @property
    def behind(self) -> Behind:
        """Questions about records on the way."""
        return Behind(self.session, Uncounted())

    async def prepare(self, records: Mapping[Item, Mapping[str, Value]]) -> None:
        """Spell the values of changes; one whose value is none of its field's type is refused here.

        Raises SchemaMoved for a field that is not there any more, Faulty and ours.
        """
        columns = self.known.table.columns
        if lost := {name for values in records.values() for name in values if name not in columns}:
            raise lost_fields(self.object, lost, "0x80041103")
        bound = await places(self.session, self.known, records.values())
        for item, values in records.items():
            if FILTER in values:
                said = f"{FILTER} is the CRM's alone, and never written from here."
                item.outcome = outcomes.refused("filter", said, hint="Change it in the CRM.", fields=(FILTER,))
                continue
            try:
                item.values, item.body = values, wire.record(values, columns, bound)
            except wire.Unfit as error:
                item.outcome = outcomes.refused("value", str(error), fields=(error.field,))

    async def deliver(self, items: Sequence[Item], read: Read = done) -> None:
        """Send items in as few calls as may be, several calls at a time. Raises Faulty, Lost and ours."""
        chunks = [items[start : start + PARTS] for start in range(0, len(items), PARTS)]
        apart = len({one.id for one in items}) == len(items)
        if not apart or not self.session.client.features.has("batch"):
            for chunk in chunks:
                await self._send(chunk, read)
            return
        found = await asyncio.gather(*(self._send(chunk, read) for chunk in chunks), return_exceptions=True)
        errors = [one for one in found if isinstance(one, BaseException)]
        if errors:
            raise next((one for one in errors if isinstance(one, Lost)), errors[0])

    async def _send(self, items: Sequence[Item], read: Read, attempt: int = 1) -> None:
        if len(items) > 1 and not self.session.client.features.has("batch"):
            for item in items:
                await self._send([item], read)
            return
        try:
            replies = await self._answers(items)
        except Faulty as error:
            await self._spoiled(items, read, error)
            return
        for item, reply in zip(items, replies, strict=True):
            self._settle(item, reply, read)
        again = [one for one in items if one.outcome is None or (one.fault and one.fault.policy in _AGAIN)]
        if again and await self._patient(again, attempt):
            for one in again:
                one.again()
            await self._send(again, read, attempt + 1)
        for one in again:
            _give_up(one)

    def _settle(self, item: Item, reply: Reply | None, read: Read) -> None:
        if reply is None:  # the batch ended before it, or its answer did
            item.lost = True
            return
        item.fault, item.retry_after = reply.fault, reply.retry_after
        if item.fault is not None:
            item.outcome = outcomes.of_fault(item, item.fault, self.known.table)
            return
        try:
            read(item, reply)
        except (msgspec.MsgspecError, AttributeError, TypeError) as error:
            item.outcome = concluding.unknown("not_json", f"It was done, and the answer cannot be read: {error}")

    async def _patient(self, again: Sequence[Item], attempt: int) -> bool:
        """Wait for another attempt, where one may help: as long as the server says, and nobody begins anything."""
        client = self.session.client
        if not client.backoff.left(attempt) or not self.afford(1):
            return False
        if attempt > 1 and all(one.fault is not None and one.fault.policy is Policy.ONCE for one in again):
            return False
        throttled = [one for one in again if one.fault is not None and one.fault.policy is Policy.THROTTLED]
        wait = client.backoff.delay(attempt, max((one.retry_after or 0 for one in throttled), default=0) or None)
        if wait > client.settings.patience_seconds:
            return False
        if throttled:
            client.throttle.pause(wait)
        else:
            await asyncio.sleep(wait)
        return True

    async def _spoiled(self, items: Sequence[Item], read: Read, error: Faulty) -> None:
        """A batch that was refused as a whole: because it is one, for its size, or for a reason of its own."""
        if error.fault.status == _TOO_LARGE and self.afford(2):
            for half in halves(items):
                await self._send(half, read)
        elif error.policy in _LACKING or error.fault.status == _NOT_IMPLEMENTED:
            self.session.client.features.miss("batch", error.fault.code)
            _lose(items)  # some of it may have been done before it was refused
            await self._send(items, read)
        else:
            raise error

    async def _answers(self, items: Sequence[Item]) -> Sequence[Reply | None]:
        """The replies of one call, sent again where that may help. Raises Faulty, Lost and ours."""
        alone = len(items) == 1 and (len(items[0].requests) == 1 or not self.session.client.features.has("batch"))

        async def send() -> Sequence[Reply | None]:
            try:
                return [await self._alone(items[0])] if alone else await self._together(items)
            except (Faulty, CrmError, ValueError) as error:
                if not certain(error):
                    _lose(items)
                elif alone and isinstance(error, Faulty):
                    return [Reply(status=error.fault.status, fault=error.fault, retry_after=error.retry_after)]
                raise

        return await answered(send, items, self.session.client.backoff, _JUDGE)

    async def _alone(self, item: Item) -> Reply:
        client, reply = self.session.client, Reply(status=204)
        for one in item.requests:
            answer = await client.request(
                one.method, one.path, headers=one.headers, body=one.body, repeatable=False
            )  # fmt: skip
            headers = {name.lower(): value for name, value in answer.headers.items()}
            reply = multipart.of_http(answer.status, headers, answer.body)
        return reply

    async def _together(self, items: Sequence[Item]) -> Sequence[Reply | None]:
        client, boundary = self.session.client, multipart.new_boundary()
        body = multipart.compose([one.requests for one in items], urlsplit(client.settings.root).path, boundary)
        headers = {"Content-Type": multipart.kind(boundary), "Prefer": "odata.continue-on-error"}
        answer = await client.request("POST", "$batch", headers=headers, body=body, repeatable=False)
        return multipart.replies(answer.body, answer.headers.get("Content-Type", ""), len(items))


def _give_up(item: Item) -> None:
    """Say what is left of a change that was tried often enough."""
    if item.outcome is None:
        item.outcome = concluding.unknown("missing", "The answer to a batch said nothing of this change.")
    elif item.lost and item.outcome.result is Result.RETRY:
        item.outcome = concluding.unknown(item.outcome.code, item.outcome.message)


def _lose(items: Sequence[Item]) -> None:
    for one in items:
        one.lost = True


def certain(error: Exception) -> bool:
    """Whether an error says that the call it ended did nothing: it was refused, rolled back, or never left."""
    if isinstance(error, Faulty):
        return declined(error.fault) or error.fault.code in POLICIES
    if isinstance(error, RetryLater) and error.code == NETWORK:
        return never_left(error)
    return isinstance(error, CrmError)


def _passing(error: Exception) -> bool:
    if isinstance(error, Faulty):
        return error.policy in (Policy.RETRY, Policy.NARROW)
    return not isinstance(error, CrmError) or error.code == NETWORK


_JUDGE = Judge(certain=certain, passing=_passing, unreadable=ValueError, code="not_multipart")
