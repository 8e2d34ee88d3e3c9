"""Changes on their way, one by one, and the ways to send some of them in one call."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterator, Mapping, Sequence

from msgspec import Struct, field

from crmsync.model import Value
from crmsync.writes import Change, Outcome
from crmsync_salesforce.client import Answer
from crmsync_salesforce.errors import Fault
from crmsync_salesforce.query import whole_id

Mark = Callable[["Item"], Hashable]
"""What no two changes of one call may share."""


class Item(Struct, eq=False):
    """One change on its way: the record it is about, the values to write, the same as JSON, and what became of it."""

    change: Change
    id: str = ""
    values: Mapping[str, Value] = field(default_factory=dict)
    body: bytes = b"{}"
    outcome: Outcome | None = None
    fault: Fault | None = None

    def __post_init__(self) -> None:
        self.id = self.id or whole_id(self.change.crm_id or "")


class Written(Struct, frozen=True, kw_only=True):
    """What the vendor said of one record."""

    id: str | None = None
    faults: tuple[Fault, ...] = ()
    made: dict[str, str] = field(default_factory=dict)


class Way(Struct, frozen=True, kw_only=True):
    """A way to send some records in one call: what is sent, and how its answer is read, a result a record."""

    send: Callable[[Sequence[Item]], Awaitable[Answer]]
    read: Callable[[Answer], Sequence[Written]]
    repeatable: bool
    most: int = 200

    @property
    def alone(self) -> bool:
        """Whether a refusal of the call is one of its only record."""
        return self.most == 1


def chunked(items: Sequence[Item], most: int, mark: Mark) -> Iterator[list[Item]]:
    """Items in groups of at most `most`, none of which has two of one mark; those of one mark stay in order."""
    left = list(items)
    while left:
        chunk: list[Item] = []
        rest: list[Item] = []
        seen: set[Hashable] = set()
        for one in left:
            if len(chunk) < most and (key := mark(one)) not in seen:
                seen.add(key)
                chunk.append(one)
            else:
                rest.append(one)
        yield chunk
        left = rest
