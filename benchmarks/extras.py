"""Figures without a bar: how long the event loop is held up, how fast a verification and the simulator's generator are.

`python -m benchmarks.extras SETTINGS WORK` runs one load or verification in this process and prints JSON.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from benchmarks.lanes import Lane
from benchmarks.loads import remove
from benchmarks.measure import Failed, Figure, python
from crmsync.service import open as open_app

BEAT = 0.002


async def _beat(late: list[float]) -> None:
    while True:
        began = time.perf_counter()
        await asyncio.sleep(BEAT)
        late.append(time.perf_counter() - began - BEAT)


async def work(settings: Path, what: str) -> dict[str, Any]:
    """A sync or a verification with a heart beating beside it."""
    late: list[float] = []
    async with open_app(settings) as app:
        connection = app.connection()
        heart = asyncio.create_task(_beat(late))
        began = time.perf_counter()
        ok = (await connection.sync()).status == "succeeded" if what == "sync" else (await connection.verify()).ok
        seconds = time.perf_counter() - began
        heart.cancel()
        with suppress(asyncio.CancelledError):
            await heart
    late.sort()
    return {"seconds": seconds, "p99": late[len(late) * 99 // 100], "most": late[-1], "ok": ok}


def beside(lane: Lane, records: int) -> Iterator[Figure]:
    """Lag of the event loop during a load, then a verification of it."""
    lane.hold(records)
    remove(lane.ours)
    for what in ("sync", "verify"):
        said = json.loads(python(["benchmarks.extras", "crmsync.toml", what], lane.folder).said)
        if not said["ok"]:
            raise Failed(f"{what} failed")
        lag = f"event loop late by {said['p99'] * 1000:.0f} ms (p99), {said['most'] * 1000:.0f} ms (most)"
        yield Figure(f"{what}, {lane.name}", f"{records / said['seconds']:,.0f} rec/s; {lag}")


def generated(folder: Path, records: int) -> Iterator[Figure]:
    """The simulator's generator."""
    code = (
        f"import time; t = time.perf_counter(); from crmsync_salesforce.simulator import Org; Org(records={records}); "
    )
    (folder / "generate.py").write_text(code + "print(time.perf_counter() - t)", "utf-8")
    seconds = float(python(["generate"], folder).said)
    yield Figure("simulator's generator", f"{records:,} contacts and what belongs to them in {seconds:.1f} s")


if __name__ == "__main__":
    print(json.dumps(asyncio.run(work(Path(sys.argv[1]), sys.argv[2]))))
