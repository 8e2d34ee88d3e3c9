"""What the objects of a cycle end with: one that stops does not hold up the others.

Only what concerns the whole connection ends the cycle.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import ParamSpec

from msgspec import Struct, field
from msgspec.structs import replace

from crmsync.errors import ConnectionStopped, CrmsyncError, QuotaKept, RetryLater, SchemaMoved, StoreError
from crmsync.model import Route
from crmsync.pacing import claiming
from crmsync.pull.run import READING, Drained, Pull
from crmsync.store import records

P = ParamSpec("P")
FATAL = (ConnectionStopped, StoreError, Drained)
RETRIES_IN_A_ROW = 2  # objects that answer "later" before the cycle waits for its next turn


class Guard(Struct):
    """Does the work of one object after the other, and keeps why objects stopped."""

    pull: Pull
    failed: dict[str, BaseException] = field(default_factory=dict)
    later: int = 0

    async def run(
        self, route: Route, operation: str, work: Callable[P, Awaitable[object]], *args: P.args, **kwargs: P.kwargs
    ) -> None:
        """Do a piece of an object's work, unless the object stopped before. Raises only what ends the whole cycle."""
        if self._left_out(route, operation):
            return
        claims = self.pull.claims
        try:
            with claiming(claims.pulls if operation in READING else claims.pushes):
                await work(*args, **kwargs)
            self.later = 0
        except QuotaKept as error:
            await self.broken(route, operation, error, "incomplete")
        except FATAL as error:
            await self.broken(route, operation, error, "incomplete")
            raise
        except SchemaMoved as error:
            self.failed[route.object] = error
        except CrmsyncError as error:
            await self.broken(route, operation, error, "failed")
            self.later += isinstance(error, RetryLater)
            if self.later >= RETRIES_IN_A_ROW:
                raise
        except Exception as error:  # noqa: BLE001 - a connector's own mistake stops its object, not the others
            await self.broken(route, operation, error, "failed")

    async def broken(self, route: Route, operation: str, error: BaseException, status: str) -> None:
        """Note that an object stopped: with its step, and listed where calls are not merely short."""
        self.failed[route.object] = error
        step = self.pull.step(route.object, operation)
        self.pull.keep(replace(step, status=status, message=str(error)[:2000]))
        if not isinstance(error, Drained | StoreError | QuotaKept):  # calls that are short are told once, for all
            one = records.trouble(error, run=self.pull.run, obj=route.object, operation=operation)
            with suppress(StoreError):
                await self.pull.store.write(records.save_trouble, one, self.pull.now())

    def _left_out(self, route: Route, operation: str) -> bool:
        """Whether an object stopped: one that there are no calls to read for is still written."""
        error = self.failed.get(route.object)
        return error is not None and (operation in READING or not isinstance(error, QuotaKept))
