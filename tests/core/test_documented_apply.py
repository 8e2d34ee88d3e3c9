"""The `apply` that docs/hooks.md shows is one that an author can start from: it keeps every promise about writing."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from crmsync.errors import RecordRefused, RetryLater
from crmsync.hookspecs import hookimpl
from crmsync.model import Value
from crmsync.writes import Change, Operation, Outcome, Result
from support.whole import WRITING, Contract, Whole

DOCUMENT = Path(__file__).parents[2] / "docs/hooks.md"


def documented() -> Any:
    """The block with the connector's `apply`."""
    blocks = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text("utf-8"), re.DOTALL)
    (block,) = [block for block in blocks if "def apply(" in block and "wrapper=True" not in block]
    module = ModuleType("documented")
    exec(compile(block, str(DOCUMENT), "exec"), vars(module))
    return module


@dataclass
class Client:
    """What speaks with the CRM, one record a call."""

    crm: Whole

    async def upsert(self, obj: str, key: str, values: Mapping[str, Value]) -> str:
        return self._sent(Change(operation=Operation.CREATE, object=obj, row=0, key=key, values=values))

    async def update(self, obj: str, crm_id: str, values: Mapping[str, Value]) -> None:
        self._sent(Change(operation=Operation.UPDATE, object=obj, row=0, crm_id=crm_id, values=values))

    async def delete(self, obj: str, crm_id: str) -> None:
        self._sent(Change(operation=Operation.DELETE, object=obj, row=0, crm_id=crm_id))

    def _sent(self, change: Change) -> str:
        if change.crm_id is not None and change.crm_id not in self.crm.objects[change.object]:
            raise KeyError(change.crm_id)
        if why := self.crm.wrong({name: one for name, one in change.values.items() if name != "OwnerId"}):
            raise RecordRefused(why, code="refused")
        outcome = self.crm._apply(change)
        if self.crm.losing:
            self.crm.losing = False
            raise TimeoutError
        return str(outcome.crm_id)


class Documented(Whole):
    """The CRM in memory, written to as documented."""

    @hookimpl
    async def apply(self, session: Any, changes: Sequence[Change]) -> Sequence[Outcome]:
        found: Sequence[Outcome] = await documented().apply(Client(self), changes)
        return found


@pytest.mark.parametrize("promise", WRITING)
def test_the_documented_apply_keeps_every_promise(promise: str) -> None:
    getattr(type("Tried", (Contract,), {"broken": Documented})(), promise)()


class Busy(Client):
    """Throttled from some call on."""

    left = 2

    async def update(self, obj: str, crm_id: str, values: Mapping[str, Value]) -> None:
        if not self.left:
            raise RetryLater("too many calls", code="throttled")
        self.left -= 1
        await super().update(obj, crm_id, values)


def test_what_does_not_follow_a_change_that_was_written_is_to_be_tried_again() -> None:
    """Where some of a batch is written already nothing is raised; where none of it is the error is."""
    changes = [
        Change(operation=Operation.UPDATE, object="Contact", row=n, crm_id=f"003{n}", values={"Title": "x"})
        for n in range(4)
    ]
    client = Busy(Whole())
    told = asyncio.run(documented().apply(client, changes))
    assert [one.result for one in told] == [Result.DONE, Result.DONE, Result.RETRY, Result.RETRY]
    with pytest.raises(RetryLater):
        asyncio.run(documented().apply(client, changes))
