"""COUNT, MIN, MAX, SUM and AVG, with and without GROUP BY."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.fields import Row
from crmsync_salesforce.simulator.reader import Reader
from crmsync_salesforce.simulator.soql import tree
from crmsync_salesforce.simulator.soql.render import Record
from crmsync_salesforce.simulator.table import Table

_MOST_GROUPS = 2000
_FUNCTIONS: dict[str, Callable[[Sequence[Any]], Any]] = {
    "COUNT": len,
    "COUNT_DISTINCT": lambda values: len(set(values)),
    "MIN": lambda values: min(values, default=None),
    "MAX": lambda values: max(values, default=None),
    "SUM": lambda values: sum(values) if values else None,
    "AVG": lambda values: sum(values) / len(values) if values else None,
}


def grouped(query: tree.Query, reader: Reader, table: Table, rows: Iterable[Row]) -> list[Record]:
    """One record per group, with `expr0`, `expr1` … for functions without an alias."""
    keys = [(path, reader.path(table, path)[1]) for path in query.groups]
    buckets: dict[tuple[Any, ...], list[Row]] = {} if query.groups else {(): []}
    for row in rows:
        buckets.setdefault(tuple(read(row) for _, read in keys), []).append(row)
    if len(buckets) > _MOST_GROUPS:
        raise Refusal("EXCEEDED_ID_LIMIT", "Aggregate query does not support queryMore(), use LIMIT")
    made = [_group(query, reader, table, key, bucket) for key, bucket in buckets.items()]
    return made[query.offset :][: query.limit]


def _group(query: tree.Query, reader: Reader, table: Table, key: tuple[Any, ...], rows: list[Row]) -> Record:
    record: Record = {"attributes": {"type": "AggregateResult"}}
    unnamed = 0
    for item in query.items:
        if isinstance(item, str):
            if item not in query.groups:
                raise Refusal("MALFORMED_QUERY", f"Field must be grouped or aggregated: {item}")
            record[item.rpartition(".")[2]] = key[query.groups.index(item)]
        elif isinstance(item, tree.Call):
            name = item.alias or f"expr{unnamed}"
            unnamed += item.alias is None
            record[name] = _apply(item, reader, table, rows)
    return record


def _apply(call: tree.Call, reader: Reader, table: Table, rows: list[Row]) -> Any:
    function = _FUNCTIONS.get(call.name)
    if function is None:
        raise Refusal("MALFORMED_QUERY", f"unexpected token: '{call.name}('")
    if call.path is None:
        return len(rows)
    read = reader.path(table, call.path)[1]
    return function([value for row in rows if (value := read(row)) is not None])
