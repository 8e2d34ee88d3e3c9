"""A vendor's error on its way to being one of ours: how it is said, and which of ours it becomes in every connector."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Generic, Protocol, TypeVar

import aiohttp

from crmsync.errors import CrmError, RecordRefused, RetryLater, RouteStopped, SchemaMoved

_REFUSED, _SERVER, _TIMED_OUT = 300, 500, 408
_READ_AGAIN = "The schema is read again."


class Fault(Protocol):
    """One error as a vendor tells it."""

    @property
    def code(self) -> str:
        """What the vendor calls it."""

    @property
    def message(self) -> str:
        """What the vendor says of it."""

    @property
    def status(self) -> int:
        """The HTTP status that it came with; 0 where it came inside of an answer."""


F = TypeVar("F", bound=Fault)


class Faulty(Exception, Generic[F]):
    """The vendor answered with an error. Never leaves the connector, which turns it into one of ours."""

    def __init__(self, fault: F, *, what: str = "", retry_after: float | None = None) -> None:
        super().__init__(f"{fault.code}: {fault.message}")
        self.fault = fault
        self.what = what
        self.retry_after = retry_after


def told(error: Faulty[Any], message: str, *, obj: str = "", record: str = "") -> str:
    """What happened, and to which object and record, with the vendor's code; `message` is fit to be shown."""
    where = " ".join(filter(None, (obj, record))) or error.what
    said = f"{message} ({error.fault.code})"
    return f"{where}: {said}" if where else said


def moved(said: str, error: Faulty[Any], _: str = "") -> CrmError:
    """A field is gone."""
    return SchemaMoved(said, hint=_READ_AGAIN, code=error.fault.code)


def refused(said: str, error: Faulty[Any], _: str = "") -> CrmError:
    """The record is not taken."""
    return RecordRefused(said, code=error.fault.code)


def mistaken(said: str, error: Faulty[Any], _: str = "") -> CrmError:
    """The vendor was asked wrongly."""
    return RouteStopped(said, code=error.fault.code)


def later(said: str, error: Faulty[Any], _: str = "", *, hint: str = "") -> CrmError:
    """It may work another time."""
    return RetryLater(said, hint=hint, code=error.fault.code, retry_after=error.retry_after)


def lost_fields(obj: str, names: Iterable[str], code: str) -> SchemaMoved:
    """Fields that were to be written are not there any more."""
    return SchemaMoved(f"{obj}: there is no field {', '.join(sorted(names))} any more.", hint=_READ_AGAIN, code=code)


def declined(fault: Fault) -> bool:
    """Whether an answer's status says that the call it came for did nothing."""
    return _REFUSED <= fault.status < _SERVER and fault.status != _TIMED_OUT


def never_left(error: RetryLater) -> bool:
    """Whether a call failed before anything of it was sent."""
    return isinstance(error.__cause__, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError)
