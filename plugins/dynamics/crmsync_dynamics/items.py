"""Changes on their way, one by one: the requests that each of them takes, and what was answered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct, field

from crmsync.model import Value
from crmsync.writes import Change, Outcome
from crmsync_dynamics.errors import Fault
from crmsync_dynamics.query import is_guid


class Request(Struct, frozen=True, kw_only=True):
    """One request, by its path below the root of the service; a body is JSON."""

    method: str
    path: str
    body: bytes | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


class Reply(Struct, frozen=True, kw_only=True):
    """The answer to one request; `fault` is what the vendor says where it did not do it."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    fault: Fault | None = None
    retry_after: float | None = None


class Item(Struct, eq=False):
    """One change on its way: its record, its values and their JSON, its requests, and what became of it.

    Several requests are done all or none. `lost` is whether it was sent once without an answer.
    """

    change: Change
    id: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    body: bytes = b"{}"
    requests: Sequence[Request] = ()
    outcome: Outcome | None = None
    fault: Fault | None = None
    retry_after: float | None = None
    lost: bool = False

    def __post_init__(self) -> None:
        given = self.change.crm_id or ""
        self.id = self.id or (given.lower() if is_guid(given) else given)

    def again(self) -> None:
        """Forget what was answered: it is sent once more."""
        self.outcome = self.fault = self.retry_after = None
