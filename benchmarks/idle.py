"""A warm process and an org in which nothing happens: `python -m benchmarks.idle SETTINGS CONTROL CYCLES` prints JSON.

Every cycle looks at the schema again, which it would do hourly otherwise.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.measure import Failed, Figure, ask, at_most, python, serving
from crmsync.service import open as open_app
from crmsync.store.database import Database

CALLS, FOR_CUSTOM, MILLISECONDS = 3, 5, 2.0
WARM = 3


def counting(counts: dict[str, int]) -> None:
    """Count the transactions of this process."""
    plain: Callable[..., Any] = Database.write

    async def write(self: Database, work: Callable[..., Any], *args: Any, **options: Any) -> Any:
        counts["writes"] = counts.get("writes", 0) + 1
        return await plain(self, work, *args, **options)

    Database.write = write  # type: ignore[method-assign]


async def cycles(settings: Path, control: str, rounds: int) -> dict[str, Any]:
    """A first load, some cycles to warm up, and then those that count; the org itself counts the calls."""
    counts: dict[str, int] = {}
    found: list[tuple[float, int, int]] = []
    counting(counts)
    async with open_app(settings) as app:
        connection = app.connection()
        for _ in range(WARM):
            summary = await connection.sync()
        objects = {step["object"] for step in summary.steps}
        for _ in range(rounds):
            counts["writes"], charged = 0, ask(f"{control}/statistics")["charged"]
            began = time.process_time()
            summary = await connection.sync()
            cost = time.process_time() - began
            found.append((cost, counts["writes"], ask(f"{control}/statistics")["charged"] - charged))
    return {
        "objects": len(objects), "custom": sum(name.endswith("__c") for name in objects), "status": summary.status,
        "cpu": median(one[0] for one in found), "writes": max(one[1] for one in found),
        "calls": max(one[2] for one in found), "changed": summary.counts.touched,
    }  # fmt: skip


def idle(folder: Path, records: int, rounds: int) -> Iterator[Figure]:
    """The idle cycle on the simulated org."""
    simulate = ["crmsync", "simulate", "salesforce", "--port", "0", "--records", str(records)]
    with serving(simulate, folder) as ready:
        (folder / "idle.toml").write_text(
            f"""[connections.idle]
connector = "salesforce"
database = "idle.db"
schema_every = 0

[connections.idle.settings]
url = "{ready["url"]}"
client_id = "{ready["client_id"]}"
client_secret = "{ready["client_secret"]}"
""",
            "utf-8",
        )
        said = json.loads(python(["benchmarks.idle", "idle.toml", ready["control_url"], str(rounds)], folder).said)
    if said["changed"]:
        raise Failed(f"a cycle was not idle: {said}")
    milliseconds = said["cpu"] * 1000
    allowed = CALLS + -(-said["custom"] // FOR_CUSTOM)
    name = f"idle cycle, {said['objects']} objects"
    yield Figure(f"{name}: CPU", f"{milliseconds:.1f} ms")
    yield at_most(f"{name}: CPU an object", milliseconds / said["objects"], MILLISECONDS, " ms")
    yield at_most(f"{name}: API calls, {said['custom']} custom", said["calls"], allowed)
    yield at_most(f"{name}: transactions", said["writes"], 1)


if __name__ == "__main__":
    print(json.dumps(asyncio.run(cycles(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])))))
