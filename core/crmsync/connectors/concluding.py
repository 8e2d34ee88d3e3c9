"""What became of changes, in the shapes that every connector needs; whatever ends a batch, none is left without."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from crmsync.connectors.faults import Faulty
from crmsync.errors import CrmError, RetryLater, SchemaMoved
from crmsync.redact import clean
from crmsync.writes import Change, Operation, Outcome, Outcomes, Result

_LONGEST = 400


class Lost(Exception):
    """Something was sent and its answer never came; those changes are UNKNOWN already, and nothing more is sent."""


class Item(Protocol):
    """One change on its way."""

    outcome: Outcome | None


class Batch(Protocol):
    """The changes of one call of `apply`."""

    @property
    def items(self) -> Sequence[Item]:
        """All of them, in order."""

    @property
    def touched(self) -> bool:
        """Whether anything was, or may have been, written."""


async def conclude(
    batch: Batch, work: Awaitable[None], ours: Callable[[Any], CrmError], moved: Callable[[], None]
) -> Outcomes:
    """Do the work of a batch, and tell an outcome a change.

    `ours` translates the vendor's error that ended the work, a Faulty; `moved` hears that the schema did. Raises our
    error where nothing was written; else what was not sent comes later.
    """
    try:
        await work
    except Lost as error:
        _rest(batch, CrmError(str(error), code="network"))
    except (Faulty, CrmError) as error:
        found = ours(error) if isinstance(error, Faulty) else error
        if isinstance(found, SchemaMoved):
            moved()
        if not batch.touched:
            raise found from error
        _rest(batch, found)
    return [_settled(one) for one in batch.items]


def _rest(batch: Batch, error: CrmError) -> None:
    for one in batch.items:
        one.outcome = one.outcome or later(error)


def _settled(item: Item) -> Outcome:
    assert item.outcome is not None
    return item.outcome


def refused(code: str, message: str, hint: str, fields: tuple[str, ...] = ()) -> Outcome:
    """A change that the CRM would never take as it is."""
    return Outcome(result=Result.REFUSED, code=code, message=said(message), hint=hint, fields=fields)


def later(error: CrmError) -> Outcome:
    """A change that was not sent, for the reason why nothing more is."""
    pause = error.retry_after if isinstance(error, RetryLater) else None
    return Outcome(
        result=Result.RETRY, code=error.code, message=said(error.message), hint=error.hint, retry_after=pause
    )


def gone(change: Change, code: str, message: str) -> Outcome:
    """A change of a record that is not there: what was to end has ended."""
    ended = change.operation is Operation.DELETE or change.wish.remove
    if ended:
        code = "absent"
    return Outcome(result=Result.DONE if ended else Result.GONE, crm_id=change.crm_id, code=code, message=said(message))


def unknown(code: str, message: str) -> Outcome:
    """A change that was sent and has no answer."""
    hint = "The record is read to find out what became of the change."
    return Outcome(result=Result.UNKNOWN, code=code, message=said(message), hint=hint)


def said(message: str) -> str:
    """A vendor's words on one line, short enough to be kept, without secrets."""
    return str(clean(" ".join(message.split())[:_LONGEST]))
