"""One process that does one thing after another, instead of one for each."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any, Self

from support.engine import Engine


class Lasting:
    """In front of an `Engine`: one process does one thing after another until it ends, and can be cancelled inside."""

    _runner: asyncio.Runner | None = None
    _task: asyncio.Task[Any]

    def cancel(self) -> None:
        """Cancel what runs, at its next step; the process ends."""
        self._task.cancel()

    def use(self, work: Any) -> Any:
        if self._runner is None:
            self._runner, self._stack = asyncio.Runner(), AsyncExitStack()
            self._connection = self._runner.run(self._stack.enter_async_context(self.process()))  # type: ignore[attr-defined]
        self.renew()
        result = self._runner.run(self._run(work))
        if isinstance(result, asyncio.CancelledError):
            self.end()
        elif isinstance(result, BaseException):
            raise result
        return result

    async def _run(self, work: Any) -> Any:
        self._task = asyncio.create_task(work(self._connection))
        return (await asyncio.gather(self._task, return_exceptions=True))[0]

    def renew(self) -> None:
        """Set up the CRM for what is done next."""

    def end(self) -> None:
        """End the process in good order; the next thing is done by another one."""
        if self._runner is not None:
            self._runner.run(self._stack.aclose())
            self._runner.close()
            self._runner = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()


class LastingEngine(Lasting, Engine):
    """A connection to the CRM in memory that stays open."""
