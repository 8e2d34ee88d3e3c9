"""The lease: which one process runs the cycles of a database, and the token that fences off the one before."""

from __future__ import annotations

import os
import socket
import sqlite3
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path

from crmsync.clock import stamp
from crmsync.errors import LeaseHeld, LeaseLost

LEASE_SECONDS = 60


def holder_name() -> str:
    """This process, as a lease names it: host, process id and the moment the process started."""
    return f"{socket.gethostname()}:{os.getpid()}:{_started(os.getpid())}"


def is_dead(holder: str) -> bool:
    """Whether a holder was a process of this host that is not running any more. Others may be alive."""
    host, _, rest = holder.partition(":")
    pid, _, started = rest.partition(":")
    if host != socket.gethostname() or not pid.isdigit():
        return False
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except OSError:
        return False
    return bool(started) and _started(int(pid)) not in ("", started)


def _started(pid: int) -> str:
    """Kernel ticks at the start of a process, where the system tells: a process id may be used again."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rsplit(")", 1)[1].split()[19]
    except (OSError, IndexError, ValueError):
        return ""


def take_lease(con: sqlite3.Connection, holder: str, now: datetime, dead: Callable[[str], bool] = is_dead) -> int:
    """Become the one process that runs cycles here; returns the fencing token.

    Raises LeaseHeld, naming the holder, while another one's lease has not expired.
    """
    row = con.execute("SELECT holder, token, expires_at FROM crmsync_lease WHERE name = 'cycles'").fetchone()
    if row and row[0] != holder and row[2] > stamp(now) and not dead(row[0]):
        who, pid, _ = f"{row[0]}::".split(":", 2)
        raise LeaseHeld(
            f"Process {pid} on {who} runs the cycles of this database (lease until {row[2]}).",
            hint="Stop it, or wait until its lease has expired; commands that only read work all the while.",
        )
    token = int(row[1]) + 1 if row else 1
    con.execute(
        "INSERT INTO crmsync_lease VALUES ('cycles', ?, ?, ?) ON CONFLICT (name) DO UPDATE SET "
        "holder = excluded.holder, token = excluded.token, expires_at = excluded.expires_at",
        (holder, token, _until(now)),
    )
    at = stamp(now)
    con.execute("UPDATE crmsync_step SET status = 'cleaned up', ended_at = ? WHERE status = 'in process'", [at])
    con.execute("UPDATE crmsync_run SET status = 'cleaned up', ended_at = ? WHERE status = 'in process'", [at])
    return token


def _until(now: datetime) -> str:
    return stamp(now + timedelta(seconds=LEASE_SECONDS))


def check_lease(con: sqlite3.Connection, token: int) -> None:
    """Raise LeaseLost unless `token` is still the newest."""
    row = con.execute("SELECT token, holder FROM crmsync_lease WHERE name = 'cycles'").fetchone()
    if not row or row[0] != token:
        raise LeaseLost(
            f"{row[1] if row else 'Another process'} took over the cycles of this database; nothing more was written."
        )


def renew_lease(con: sqlite3.Connection, token: int, now: datetime) -> None:
    """Hold the lease for another while."""
    check_lease(con, token)
    con.execute("UPDATE crmsync_lease SET expires_at = ? WHERE name = 'cycles'", [_until(now)])


def release_lease(con: sqlite3.Connection, token: int, now: datetime) -> None:
    """Give the lease up at once, if it is still ours."""
    con.execute("UPDATE crmsync_lease SET expires_at = ? WHERE name = 'cycles' AND token = ?", (stamp(now), token))


def drop_lease(con: sqlite3.Connection) -> None:
    """Take the lease away from whoever holds it: only a copy of a database may be treated so."""
    con.execute("DELETE FROM crmsync_lease")
