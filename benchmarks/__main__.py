"""`python -m benchmarks`: measure, print a table, and leave with 1 where a bar was missed."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

from benchmarks import extras, idle, loads, pushes
from benchmarks.lanes import VENDORS, WAYS, Lane
from benchmarks.measure import Failed, Figure, serving

BENCHES = ("first", "reload", "memory", "push", "idle", "extras")
WIDTH = 52


def options(args: list[str] | None = None) -> argparse.Namespace:
    """What to measure."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("bench", nargs="*", help=f"which of {', '.join(BENCHES)}; all of them if none is named")
    parser.add_argument("-n", "--records", type=int, default=100_000, help="records of a load")
    parser.add_argument("--many", type=int, default=0, help="records of the big load (ten times as many)")
    parser.add_argument("--rounds", type=int, default=5, help="times each pair is measured")
    parser.add_argument("--lane", choices=tuple(WAYS), action="append", help="only this way to read")
    parser.add_argument("--no-bars", action="store_true", help="measure without judging")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    found = parser.parse_args(args)
    if wrong := set(found.bench) - set(BENCHES):
        parser.error(f"no such bench: {', '.join(sorted(wrong))}")
    return found


def figures(chosen: argparse.Namespace, folder: Path) -> Iterator[Figure]:
    """Every figure that was asked for, as it comes."""
    benches = chosen.bench or BENCHES
    for vendor in VENDORS:
        names = [name for name in chosen.lane or WAYS if WAYS[name].vendor is vendor]
        if names and set(benches) - {"idle"}:
            with serving([f"benchmarks.{vendor.name}.standin"], folder) as ready:
                lanes = [Lane(WAYS[name], ready, folder) for name in names]
                yield from _read(chosen, lanes)
                if "push" in benches:
                    yield from pushes.push(Lane(pushes.way(vendor), ready, folder), chosen.records, chosen.rounds)
    if "idle" in benches:
        yield from idle.idle(folder, min(chosen.records, 2_000), 20)
    if "extras" in benches:
        yield from extras.generated(folder, chosen.records)


def _read(chosen: argparse.Namespace, lanes: list[Lane]) -> Iterator[Figure]:
    benches, records = chosen.bench or BENCHES, chosen.records
    for lane in lanes:
        if "first" in benches:
            yield from loads.first(lane, records, chosen.rounds)
        if "reload" in benches:
            yield from loads.again(lane, records, chosen.rounds)
        if "extras" in benches:
            yield from extras.beside(lane, records)
        if "memory" in benches:
            yield from loads.memory(lane, records, chosen.many or 10 * records)


def main() -> int:
    """Measure; the exit code says whether every bar was met."""
    chosen = options()
    done: list[Figure] = []
    with tempfile.TemporaryDirectory(prefix="crmsync-bench-") as folder:
        try:
            for one in figures(chosen, Path(folder)):
                done.append(one)
                if not chosen.json:
                    verdict = "" if one.met is None or chosen.no_bars else "pass" if one.met else "FAIL"
                    print(f"{one.name:{WIDTH}} {one.value:44} {one.bar:12} {verdict}".rstrip(), flush=True)
        except Failed as error:
            print(error, file=sys.stderr)
            return 1
    passed = chosen.no_bars or all(one.met is not False for one in done)
    if chosen.json:
        print(json.dumps({"ok": passed, "figures": [asdict(one) for one in done]}, indent=2))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
