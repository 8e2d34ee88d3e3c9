"""Changes on their way to the CRM: patience where it helps and does no harm, and doubt told where no answer came."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from crmsync.connectors.concluding import Item, Lost, unknown
from crmsync.connectors.faults import Faulty
from crmsync.errors import CrmError, RetryLater
from crmsync.model import Field
from crmsync.pacing import Backoff
from crmsync.writes import Change, Operation, Outcome, Result

EXTRA_CALLS = 40
"""Calls that locks, limits and refusals may cost a batch beside its own; what is left then comes later."""

_TOUCHED = frozenset({Result.DONE, Result.UNKNOWN})
_MAKING = frozenset({Operation.CREATE, Operation.TASK})


class Known(Protocol):
    """What is known of an object."""

    @property
    def fields(self) -> Mapping[str, Field]:
        """Its fields by name."""


I = TypeVar("I", bound=Item)  # noqa: E741 - an item
K = TypeVar("K", bound=Known)
K_co = TypeVar("K_co", bound=Known, covariant=True)
S = TypeVar("S")
T = TypeVar("T")


class Describes(Protocol[K_co]):
    """What a session knows of objects."""

    async def last(self, obj: str) -> K_co:
        """The object as it was described last."""

    async def fresh(self, obj: str) -> K_co:
        """The object as it is now."""

    def forget(self, obj: str) -> None:
        """Describe the object anew the next time."""


class Batch(Struct, Generic[S, K, I]):
    """The changes of one call of the `apply` hook, all of one object and operation."""

    session: S
    object: str
    known: K
    items: list[I]
    extra: int = EXTRA_CALLS

    @property
    def open(self) -> list[I]:
        """Those that nothing has become of yet."""
        return [one for one in self.items if one.outcome is None]

    @property
    def touched(self) -> bool:
        """Whether anything was, or may have been, written."""
        return any(one.outcome is not None and one.outcome.result in _TOUCHED for one in self.items)

    def afford(self, calls: int) -> bool:
        """Take calls beside the batch's own, where there are so many left."""
        if self.extra < calls:
            return False
        self.extra -= calls
        return True


class Judge(Struct, frozen=True, kw_only=True):
    """What a connector knows of the errors that end a call."""

    certain: Callable[[Exception], bool]  # the call did nothing
    passing: Callable[[Exception], bool]  # the same call may work in a moment
    unreadable: type[Exception]  # an answer came and makes no sense
    code: str  # for which this is said
    unknown: Callable[[str, str], Outcome] = unknown  # of a code and what is said of it


async def answered(
    send: Callable[[], Awaitable[T]], items: Sequence[Item], backoff: Backoff, judge: Judge, *, repeatable: bool = True
) -> T:
    """The answer to one call, sent again where that may help and does no harm.

    Raises Faulty and ours where the call did nothing; else Lost, and every item is UNKNOWN.
    """
    attempt, lost = 0, False
    while True:
        attempt += 1
        try:
            return await send()
        except (Faulty, CrmError, judge.unreadable) as error:
            lost = lost or not judge.certain(error)
            if not (judge.passing(error) and (repeatable or not lost) and backoff.left(attempt)):
                if lost:
                    _doubt(items, error, judge)
                    raise Lost(str(error)) from error
                raise
            pause = error.retry_after if isinstance(error, Faulty | RetryLater) else None
        await asyncio.sleep(backoff.delay(attempt, pause))


def _doubt(items: Sequence[Item], error: Exception, judge: Judge) -> None:
    code = error.fault.code if isinstance(error, Faulty) else getattr(error, "code", "") or judge.code
    for item in items:
        item.outcome = judge.unknown(code, f"The answer to this change was lost: {error}")


def halves(items: Sequence[I]) -> tuple[Sequence[I], Sequence[I]]:
    """Two parts of what is too much for one call."""
    half = (len(items) + 1) // 2
    return items[:half], items[half:]


async def known(describes: Describes[K], obj: str, changes: Iterable[Change]) -> K:
    """The object as last described, or, where a value is of a field that was not there then, as it is now."""
    found = await describes.last(obj)
    fields = found.fields
    if any(name not in fields for one in changes for name in one.values):
        found = await describes.fresh(obj)
    return found


async def writable(
    describes: Describes[K], obj: str, operation: Operation, sent: Sequence[Iterable[str]]
) -> list[bool]:
    """For the fields of each change that was refused for one: whether the object, read anew, would take them all.

    Then it is a rule that refused it, and the schema did not move.
    """
    if not sent:
        return []
    describes.forget(obj)
    now, making = (await describes.fresh(obj)).fields, operation in _MAKING
    return [all(_takes(now.get(name), making=making) for name in names) for names in sent]


def _takes(field: Field | None, *, making: bool) -> bool:
    return field is not None and (field.createable if making else field.updateable)
