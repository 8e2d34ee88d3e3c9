"""The hook `apply` around the work itself: what was said of one record, and concerns them all or none."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from itertools import compress
from typing import Any, Generic, Protocol, TypeVar

from msgspec import Struct

from crmsync.connectors import concluding
from crmsync.connectors.concluding import conclude
from crmsync.connectors.delivering import Batch, Describes, known, writable
from crmsync.connectors.faults import Faulty
from crmsync.errors import CrmError
from crmsync.model import Value
from crmsync.writes import Change, Operation, Outcome, Outcomes


class Item(concluding.Item, Protocol):
    """One change on its way: what was sent of it, and the vendor's error where it was not done."""

    change: Change
    values: Mapping[str, Value]
    fault: Any


class Session(Protocol):
    """What describes objects."""

    @property
    def describes(self) -> Describes[Any]:
        """What is known of them."""


I = TypeVar("I", bound=Item)  # noqa: E741 - an item
B = TypeVar("B", bound=Batch[Any, Any, Any])
S = TypeVar("S", bound=Session)


class Writer(Struct, Generic[S, B, I], frozen=True, kw_only=True):
    """The hook for a vendor: how each operation is done, and what the vendor's errors mean."""

    batch: Callable[[S, str, Any, list[I]], B]
    item: Callable[[Change], I]
    operations: Mapping[Operation, Callable[[B], Awaitable[None]]]
    faulty: Callable[[Any], Faulty[Any]]  # of a fault
    ours: Callable[..., CrmError]  # of the Faulty that ended the work, and `obj`
    moved: Callable[[Any], bool]  # whether a fault says that the schema did
    refused: Callable[[Any], Outcome]  # of a fault
    whole: Callable[[B, Any], bool]  # whether a fault is said of one record and concerns them all

    async def apply(self, session: S, changes: Sequence[Change]) -> Outcomes:
        """Write changes of one object and operation, as the contract of the `apply` hook says."""
        if not changes:
            return []
        obj = changes[0].object
        found = await known(session.describes, obj, changes)
        batch = self.batch(session, obj, found, [self.item(one) for one in changes])
        ours, moved = partial(self.ours, obj=obj), partial(session.describes.forget, obj)
        return await conclude(batch, self._work(batch), ours, moved)

    async def _work(self, batch: B) -> None:
        operation = batch.items[0].change.operation
        await self.operations[operation](batch)
        await self._by_rule(batch, operation)
        self._all(batch)

    async def _by_rule(self, batch: B, operation: Operation) -> None:
        """What was refused for a field: by a schema that moved, or by a rule that reading the schema does not cure."""
        moved = [one for one in batch.items if one.fault is not None and self.moved(one.fault)]
        there = await writable(batch.session.describes, batch.object, operation, [one.values for one in moved])
        for one in compress(moved, there):
            one.outcome, one.fault = self.refused(one.fault), None

    def _all(self, batch: B) -> None:
        """Raise what was said of every record that was sent, where nothing was written."""
        faults = [one.fault for one in batch.items if one.fault is not None]
        if faults and not batch.touched and all(self.whole(batch, one) for one in faults):
            raise self.faulty(faults[0])
