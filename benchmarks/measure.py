"""Whole processes, measured: wall and CPU time and the most memory they held; and what is said of them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
TIMES = " ×"  # noqa: RUF001 - the sign, not the letter


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table. `bar` says what is asked of it; `met` is None where nothing is."""

    name: str
    value: str
    bar: str = ""
    met: bool | None = None


@dataclass(frozen=True, slots=True)
class Spent:
    """What one process cost."""

    wall: float
    cpu: float
    megabytes: float
    said: str


class Failed(Exception):
    """A process that was to be measured did not do its work."""


def at_least(name: str, value: float, bar: float, unit: str = TIMES) -> Figure:
    """A figure that must not be lower."""
    return Figure(name, f"{value:.2f}{unit}", f"≥ {bar:g}{unit}", value >= bar)


def at_most(name: str, value: float, bar: float, unit: str = "") -> Figure:
    """A figure that must not be higher."""
    return Figure(name, f"{value:.2f}{unit}", f"≤ {bar:g}{unit}", value <= bar)


def environment(folder: Path) -> dict[str, str]:
    """Byte code is kept for both sides, as an installation has it; out of the tree, if nobody says where."""
    paths = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    mine = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE" and not k.startswith("CRMSYNC_")}
    return {"PYTHONPYCACHEPREFIX": str(folder / "bytecode"), **mine, "PYTHONPATH": paths}


def python(args: Sequence[str], folder: Path) -> Spent:
    """Run a module in a process of its own to its end. Raises Failed."""
    out, err = folder / "stdout", folder / "stderr"
    with out.open("wb") as stdout, err.open("wb") as stderr:
        began = time.perf_counter()
        process = subprocess.Popen(  # noqa: S603 - our own modules
            [sys.executable, "-m", *args], stdout=stdout, stderr=stderr, cwd=folder, env=environment(folder)
        )
        _, status, used = os.wait4(process.pid, 0)
        wall = time.perf_counter() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        said = (err.read_text("utf-8") + out.read_text("utf-8"))[-3000:]
        raise Failed(f"{' '.join(args)} ended with {process.returncode}:\n{said}")
    kilobytes = used.ru_maxrss / (1024 if sys.platform == "darwin" else 1)
    return Spent(wall, used.ru_utime + used.ru_stime, kilobytes / 1024, out.read_text("utf-8"))


@contextmanager
def serving(args: Sequence[str], folder: Path) -> Iterator[dict[str, Any]]:
    """A server process that prints where it is as a line of JSON; ended afterwards."""
    with subprocess.Popen(  # noqa: S603 - our own modules
        [sys.executable, "-m", *args], stdout=subprocess.PIPE, cwd=folder, env=environment(folder)
    ) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            if not line:
                raise Failed(f"{' '.join(args)} did not start")
            yield json.loads(line)
        finally:
            process.terminate()


def ask(address: str, body: object = None) -> Any:
    """Ask a server on loopback for JSON, past any proxy; with a body, by POST."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    data = None if body is None else json.dumps(body).encode()
    with opener.open(address, data=data, timeout=60) as answer:
        return json.loads(answer.read())
