"""Processes that sync one connection and may be killed: forked from a server that has imported everything."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import sqlite3
import time
from collections import Counter
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Any

import crmsync_salesforce.plugin
from crmsync.clock import SystemClock
from crmsync.connection import Connection
from crmsync.plugins import wire
from crmsync.settings import ConnectionSettings

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["support.nursery"])


OPEN = "SELECT COUNT(*) FROM crm_action WHERE state IN ('waiting', 'running')"


def cycle(settings: dict[str, Any]) -> None:
    """One cycle, in a process of its own, and what was asked for beside it."""

    async def run() -> None:
        chosen = ConnectionSettings(**settings)
        connection = Connection("acme", chosen, wire("salesforce", crmsync_salesforce.plugin), SystemClock())
        try:
            await connection.sync()
            while await connection.report(lambda con: con.execute(OPEN).fetchone()[0]):  # noqa: ASYNC110 - only it tells
                await asyncio.sleep(0.05)
        finally:
            await connection.close()

    asyncio.run(run())


def born(settings: dict[str, Any]) -> ForkServerProcess:
    """A process that runs one cycle."""
    process = CONTEXT.Process(target=cycle, args=(settings,))
    process.start()
    return process


def completed(settings: dict[str, Any]) -> float:
    """Run a cycle to its end; how long it took, in seconds."""
    began = time.monotonic()
    process = born(settings)
    process.join()
    assert process.exitcode == 0, f"the cycle ended with {process.exitcode}"
    return time.monotonic() - began


def killed(settings: dict[str, Any], after: float) -> bool:
    """Start a cycle and kill it with signal 9 after some seconds; whether it was still running."""
    process = born(settings)
    process.join(after)
    alive = process.exitcode is None
    if alive and process.pid:
        os.kill(process.pid, signal.SIGKILL)
    process.join()
    return alive


def picture(path: Path) -> dict[str, Any]:
    """Rows, links, activities and journal values, without times, run ids and row numbers."""
    con = sqlite3.connect(path)
    try:
        names = [row[0] for row in con.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        own = ("crmsync_", "sqlite_", "activity", "program", "crm_action")
        kept = [name for name in names if not name.startswith(own)]
        seen: dict[str, Any] = {name: _rows(con, name) for name in kept}
        ids = " UNION ALL ".join(f"SELECT '{name}' AS entity, id, crm_id FROM {name}" for name in kept)
        con.execute(f"CREATE TEMP TABLE named AS {ids}")
        con.execute("CREATE INDEX temp.named_index ON named (entity, id)")
        seen["links"] = con.execute(
            "SELECT l.object, l.crm_id, l.role, l.modified_at, n.crm_id FROM crmsync_link l "
            "LEFT JOIN named n ON n.entity = l.entity AND n.id = l.row_id ORDER BY 1, 2"
        ).fetchall()
        seen["activities"] = Counter(
            con.execute(
                "SELECT n.crm_id, a.kind, a.field, a.old_value, a.new_value, a.object, a.crm_id FROM activity a "
                "JOIN named n ON n.entity = 'person' AND n.id = a.person_id"
            ).fetchall()
        )
        seen["journal"] = Counter(
            con.execute(
                "SELECT j.entity, n.crm_id, j.field, iif(j.field = '*', NULL, j.old), j.new, j.side, j.rule "
                "FROM crmsync_journal j LEFT JOIN named n ON n.entity = j.entity AND n.id = j.row_id "
                "WHERE j.rule <> 'push'"  # what one process has sent another finds there
            ).fetchall()
        )
        sql = "SELECT entity, field, base, state FROM crmsync_edit WHERE state <> 'done' ORDER BY 1, 2, 3"
        seen["edits"] = con.execute(sql).fetchall()
        return seen
    finally:
        con.close()


def _rows(con: sqlite3.Connection, table: str) -> list[tuple[Any, ...]]:
    columns = [row[1] for row in con.execute(f"PRAGMA table_info({table})") if row[1] not in ("id", "created_at")]
    return con.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY crm_id").fetchall()
