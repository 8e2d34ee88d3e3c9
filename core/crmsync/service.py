"""Put everything together: connections by name, cycles on schedule, a clean end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from difflib import get_close_matches
from pathlib import Path
from typing import TypeVar

from crmsync.asking import Actions
from crmsync.clock import Clock, SystemClock
from crmsync.connection import Connection, Summary
from crmsync.errors import (
    ConnectionStopped,
    CrmsyncError,
    Denied,
    LeaseHeld,
    LeaseLost,
    QuotaSpent,
    SchemaTooNew,
    SettingsError,
    StoreError,
)
from crmsync.plugins import load
from crmsync.settings import Settings, load_settings

T = TypeVar("T")

GRACE = 2.0
"""Seconds from the wish to stop until an answer of the CRM is not waited for any longer."""

Say = Callable[[str, str, CrmsyncError | Summary | None], None]
"""(connection, what happened, with what): "cycle", "failed", "stopped", "paused", "drained"."""


class App:
    """The connections of one settings file."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self._clock = clock
        self._open: dict[str, Connection] = {}

    @property
    def names(self) -> list[str]:
        """The connections by name."""
        return sorted(self.settings.connections)

    def connection(self, name: str | None = None) -> Connection:
        """A connection; without a name, the only one. Raises SettingsError that names what there is."""
        if name is None:
            if len(self.names) != 1:
                known = ", ".join(self.names) or "none"
                raise SettingsError(f"Which connection? The settings have: {known}.", hint="Give its name.")
            name = self.names[0]
        if name not in self.settings.connections:
            near = get_close_matches(name, self.names, n=1)
            hint = f"Did you mean {near[0]!r}?" if near else f"The settings have: {', '.join(self.names) or 'none'}."
            raise SettingsError(f"There is no connection {name!r}.", hint=hint)
        if name not in self._open:
            chosen = self.settings.connections[name]
            self._open[name] = Connection(name, chosen, load(chosen.connector), self._clock)
        return self._open[name]

    @property
    def actions(self) -> Actions:
        """What may be asked of the CRM, where there is only one connection. Raises SettingsError."""
        return self.connection().actions

    async def close(self) -> None:
        """Let go of every connection."""
        for connection in self._open.values():
            await connection.close()
        self._open.clear()

    async def run(self, stop: asyncio.Event, *, once: bool = False, say: Say = lambda _name, _what, _with: None) -> int:
        """Cycle after cycle for every connection, until `stop`; returns an exit code.

        A connection that somebody has to look after stops with the error, the others go on. Once `stop` is set every
        connection ends at the next page boundary. The code is the worst of the connections' errors, 0 without any.
        """
        loops = [self._loop(name, stop, once, say) for name in self.names]
        return max(await asyncio.gather(*loops), default=0)

    async def _loop(self, name: str, stop: asyncio.Event, once: bool, say: Say) -> int:
        try:
            connection = self.connection(name)
        except CrmsyncError as error:
            say(name, "stopped", error)
            return error.exit_code
        connection.opened.stop = stop
        return await _turns(connection, stop, once, say)


async def _turns(connection: Connection, stop: asyncio.Event, once: bool, say: Say) -> int:
    code = 0
    while not stop.is_set():
        code = await _turn(connection, say)
        if once or code < 0:
            break
        say(connection.name, "paused", None)
        with suppress(CrmsyncError):  # actions are served in the pause, too, and while the sync is disabled
            await connection.opened.lease()
        await _pause(stop, connection.settings.pause)
    await connection.close()
    return abs(code)


async def _turn(connection: Connection, say: Say) -> int:
    """One cycle; a negative code means that this connection cannot go on."""
    try:
        if not await connection.opened.enabled():
            return 0
        summary = await _soon(connection.sync(), connection.opened.stop)
    except (Denied, SettingsError, LeaseHeld, LeaseLost, SchemaTooNew) as error:
        say(connection.name, "stopped", error)
        return -error.exit_code
    except CrmsyncError as error:
        say(connection.name, "failed", error)
        if isinstance(error, ConnectionStopped | StoreError) and not isinstance(error, QuotaSpent):
            await connection.close()  # log in and open the file anew with the next cycle
        return error.exit_code
    except Exception as error:
        logging.getLogger("crmsync").exception("a mistake of the program ended a cycle")
        say(connection.name, "failed", CrmsyncError(f"{type(error).__name__}: {error}"))
        await connection.close()
        return CrmsyncError.exit_code
    if summary is None:
        say(connection.name, "drained", None)
        return 0
    say(connection.name, "cycle", summary)
    return 0 if summary.status != "failed" else 1


async def _soon(work: Awaitable[T], stop: asyncio.Event) -> T | None:
    """What the work gives. Once `stop` is set it has a moment to reach a page's end; then it is given up: None."""
    task, asked = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({task, asked}, return_when=asyncio.FIRST_COMPLETED)
        await asyncio.wait({task}, timeout=GRACE)
        return await task if task.done() else None
    finally:
        asked.cancel()
        if not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError, Exception):  # what it was about does not matter any more
                await task


async def _pause(stop: asyncio.Event, seconds: float) -> None:
    """Wait from the end of one cycle to the start of the next (R-001, R-003), or until asked to stop."""
    until = time.monotonic() + seconds
    while not stop.is_set() and (left := until - time.monotonic()) > 0:
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(stop.wait(), min(left, 3600.0))


@asynccontextmanager
async def open(  # noqa: A001 - the public door's own word
    path: Path | str | None = None, *, settings: Settings | None = None, clock: Clock | None = None
) -> AsyncIterator[App]:
    """The connections of a settings file (default crmsync.toml), closed at the end. Raises SettingsError."""
    app = App(settings or load_settings(Path(path) if path is not None else None), clock or SystemClock())
    try:
        yield app
    finally:
        await app.close()
