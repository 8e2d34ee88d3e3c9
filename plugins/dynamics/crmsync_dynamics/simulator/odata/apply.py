"""`$apply`: rows filtered, grouped and aggregated, as far as the vendor lets many of them be."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from crmsync_dynamics.simulator.errors import Refusal, bad_syntax
from crmsync_dynamics.simulator.fields import Entity, Row
from crmsync_dynamics.simulator.odata import options
from crmsync_dynamics.simulator.odata.conditions import Compiler
from crmsync_dynamics.simulator.odata.parser import parse
from crmsync_dynamics.simulator.odata.paths import Getter, Reach

MOST_ROWS = 50_000
_STEP = re.compile(r"(\w+)\((.*)\)", re.DOTALL)
_COUNT = re.compile(r"\$count as (\w+)")
_SUM = re.compile(r"([\w/]+) with (sum|min|max|average) as (\w+)")
_WORK: dict[str, Callable[[list[Any]], Any]] = {
    "sum": sum,
    "min": min,
    "max": max,
    "average": lambda values: Decimal(sum(values)) / len(values),
}
Aggregates = list[tuple[str, Callable[[Sequence[Row]], Any]]]


def run(reach: Reach, entity: Entity, text: str, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """What is left of rows behind the steps `filter(…)`, then `aggregate(…)` or `groupby((…),aggregate(…))`."""
    *before, last = options.split(text, "/")
    for step in before:
        name, inner = _read(step)
        if name != "filter":
            raise bad_syntax()
        judge = Compiler(reach, entity).condition(parse(inner))
        rows = [row for row in rows if judge(row)]
    if len(rows) > MOST_ROWS:
        raise Refusal("0x8004e023", f"AggregateQueryRecordLimit exceeded. Cannot perform this over {MOST_ROWS} rows.")
    name, inner = _read(last)
    if name == "aggregate":
        return [_summed(_aggregates(reach, entity, inner), rows)]
    if name != "groupby":
        raise bad_syntax()
    keys, *rest = options.split(inner, ",")
    work = _aggregates(reach, entity, _read(rest[0])[1]) if rest else []
    return _grouped(_getters(reach, entity, keys.strip("()")), work, rows)


def _read(step: str) -> tuple[str, str]:
    found = _STEP.fullmatch(step.strip())
    if found is None:
        raise bad_syntax()
    return found[1], found[2]


def _getters(reach: Reach, entity: Entity, names: str) -> list[tuple[str, Getter]]:
    return [(one, reach.path(entity, tuple(one.split("/")))[2]) for one in options.split(names, ",")]


def _aggregates(reach: Reach, entity: Entity, text: str) -> Aggregates:
    found: Aggregates = []
    for part in options.split(text, ","):
        counted, summed = _COUNT.fullmatch(part), _SUM.fullmatch(part)
        if counted is not None:
            found.append((counted[1], len))
        elif summed is not None:
            getter = reach.path(entity, tuple(summed[1].split("/")))[2]
            found.append((summed[3], _over(getter, _WORK[summed[2]])))
        else:
            raise bad_syntax()
    return found


def _over(getter: Getter, work: Callable[[list[Any]], Any]) -> Callable[[Sequence[Row]], Any]:
    def over(rows: Sequence[Row]) -> Any:
        values = [value for row in rows if (value := getter(row)) is not None]
        return work(values) if values else None

    return over


def _summed(work: Aggregates, rows: Sequence[Row]) -> dict[str, Any]:
    return {name: over(rows) for name, over in work}


def _grouped(keys: list[tuple[str, Getter]], work: Aggregates, rows: Sequence[Row]) -> list[dict[str, Any]]:
    groups: dict[tuple[Any, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(tuple(getter(row) for _, getter in keys), []).append(row)
    names = [name for name, _ in keys]
    return [{**dict(zip(names, key, strict=True)), **_summed(work, group)} for key, group in groups.items()]
