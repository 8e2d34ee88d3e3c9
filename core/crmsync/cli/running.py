"""Commands that run until they are told to stop."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from typing import Annotated

import typer
from msgspec import to_builtins

from crmsync import service
from crmsync.cli import work
from crmsync.cli.options import Settings
from crmsync.cli.plugins import simulated
from crmsync.connection import Summary
from crmsync.errors import CrmsyncError


class LogFormat(StrEnum):
    """How a log line looks."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least level that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


def run(
    *,
    settings: Settings = None,
    once: Annotated[bool, typer.Option("--once", help="one cycle of every connection, then leave")] = False,
    log_format: Annotated[
        LogFormat | None, typer.Option(help="lines for people, or one JSON object a line [`log` of the settings]")
    ] = None,
    log_level: Annotated[LogLevel, typer.Option(help="log from this level on")] = LogLevel.INFO,
) -> None:
    """Run all connections, cycle after cycle.

    Logs go to standard error. SIGTERM or Control-C ends it within seconds at a page boundary; a second one at once.
    Exit codes: 0 stopped as asked, 1 a connection failed, 2 settings, 3 the CRM refused, 4 a database failed, 5
    another process holds a lease, 6 the CRM cannot be reached, 7 the quota is spent, 130 interrupted twice.
    """

    async def serve() -> int:
        stop = asyncio.Event()
        task = asyncio.current_task()
        assert task is not None
        work.on_signals(lambda: task.cancel() if stop.is_set() else stop.set())
        async with service.open(settings) as app:
            from crmsync import logs  # noqa: PLC0415 - a fifth of every command's start, and only this one logs

            logs.configure(as_json=(log_format or app.settings.log) == "json", level=log_level)
            return await app.run(stop, once=once, say=tell)

    raise typer.Exit(work.run(serve(), signals=False))


def tell(connection: str, what: str, told: CrmsyncError | Summary | None) -> None:
    """Log what became of a connection's turn; the names of these events are stable."""
    import structlog  # noqa: PLC0415 - as above

    log = structlog.get_logger("crmsync").bind(connection=connection)
    if isinstance(told, Summary):
        counts = {name: value for name, value in to_builtins(told.counts).items() if value}
        log.info(what, status=told.status, seconds=round(told.seconds, 3), run=told.run, **counts)
        for note in told.notes:
            log.warning("note", note=note)
    elif told is not None:
        log.error(what, error=told.message, hint=told.hint, exit_code=told.exit_code)
    else:
        log.debug(what)


def simulate(
    name: Annotated[str, typer.Argument(help="connector whose simulator is wanted: crmsync plugins")],
    *,
    port: Annotated[int, typer.Option(min=0, max=65535, help="port on 127.0.0.1; 0 for any that is free")] = 0,
    records: Annotated[int, typer.Option(min=0, help="contacts to make; everything else in proportion")] = 5000,
    seed: Annotated[int, typer.Option(help="the same seed makes the same records")] = 7,
    big: Annotated[int, typer.Option(min=0, help="contacts of one big account, beside the others")] = 0,
    tls: Annotated[bool, typer.Option("--tls", help="https, with a certificate made on the spot")] = False,
    users: Annotated[bool, typer.Option("--users", help="further users with other permissions")] = False,
) -> None:
    """Run a simulated CRM until it is stopped.

    Prints one JSON line when it is ready: how to reach it. SIGTERM or Control-C stops it. Exit codes: 0 stopped, 1
    the port is taken, 2 no such connector, or it has no simulator.
    """
    build = simulated(name)

    from crmsync.simulate.ready import serve_until_signal  # noqa: PLC0415 - brings what only a simulator needs

    async def serve() -> None:
        async with build(port=port, records=records, seed=seed, tls=tls, users=users, big=big) as simulation:
            await serve_until_signal(simulation.ready)

    work.run(serve(), signals=False)
