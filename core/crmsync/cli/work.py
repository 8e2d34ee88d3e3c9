"""How a command's coroutine runs: with the settings open, and stopped by signals without a traceback."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

import typer

from crmsync import service
from crmsync.cli import screen
from crmsync.connection import Connection

T = TypeVar("T")

INTERRUPTED = 130


def run(work: Awaitable[T], *, signals: bool = True) -> T:
    """Run to the end. Control-C and SIGTERM cancel it: what was committed stays, the rest is given up.

    Without `signals` the coroutine listens to them itself.
    """
    try:
        return asyncio.run(_stoppable(work) if signals else _plainly(work))
    except (KeyboardInterrupt, asyncio.CancelledError):
        screen.mention("Stopped. What was committed stays; the next sync goes on from there.")
        raise typer.Exit(INTERRUPTED) from None


async def _plainly(work: Awaitable[T]) -> T:
    return await work


async def _stoppable(work: Awaitable[T]) -> T:
    task = asyncio.ensure_future(work)
    on_signals(task.cancel)
    return await task


def on_signals(stop: Callable[[], object]) -> None:
    """Call `stop` on SIGTERM and on Control-C."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        # Not every system lets a loop hear signals; there, Control-C arrives as KeyboardInterrupt.
        with suppress(NotImplementedError, RuntimeError, ValueError):
            loop.add_signal_handler(number, stop)


def with_app(settings: Path | None, use: Callable[[service.App], Awaitable[T]]) -> T:
    """Open the settings, use them, close everything."""

    async def opened() -> T:
        async with service.open(settings) as app:
            return await use(app)

    return run(opened())


def with_connection(settings: Path | None, name: str | None, use: Callable[[Connection], Awaitable[T]]) -> T:
    """The same for one connection, by name or the only one there is."""

    async def chosen(app: service.App) -> T:
        return await use(app.connection(name))

    return with_app(settings, chosen)


def on_terminal() -> bool:
    """Whether a person watches standard error."""
    return sys.stderr.isatty()
