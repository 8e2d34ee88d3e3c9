"""Planned changes of the marketing side: done, and kept only where exactly what was planned came of it.

Each record is dealt with as in a cycle, from what the CRM says of it now; where anything else came of it than the plan
says, all of it is rolled back.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

import msgspec

from crmsync.entities import ENGINE_COLUMNS
from crmsync.model import Page, Value
from crmsync.store.batch import Batch
from crmsync.store.history.planned import Item, items, unwatch, watch
from crmsync.store.history.stage import Group, Key, Refused, Seen, Stage, page_of
from crmsync.store.links import apply_gone, apply_merged, link, row_values
from crmsync.store.quarantine import leave_quarantine
from crmsync.store.rows import apply_rows
from crmsync.store.sqlite import UNSTORABLE

T = TypeVar("T")


def attempt(con: sqlite3.Connection, stage: Stage, groups: Sequence[Group]) -> None:
    """Make what is planned; each group is then done, or has refused what moved since."""
    for one in groups:
        if one.plain:
            one.items = [item for item in one.items if _stands(con, stage.seen, one, item)]
    _try(con, stage, [one for one in groups if one.items])
    unwatch(con)


def _stands(con: sqlite3.Connection, seen: Seen, group: Group, item: Item) -> bool:
    """Whether both sides still have what the plan began with; refuses the change where not."""
    key = (item.object, str(item.crm_id))
    here, crm = here_now(con, item), seen.value(key, item.field)
    why = another(con, seen, item, key)
    if not why and here != item.old:
        why = "it has moved here"
    elif not why and crm != item.new:
        why = "it has moved in the CRM"
    if why:
        group.refused.append(Refused(item, why, here, crm))
    return not why


def here_now(con: sqlite3.Connection, item: Item) -> Value:
    """What this side has now where a change is planned."""
    return (row_values(con, item.entity, item.row_id) or {}).get(item.field)


def another(con: sqlite3.Connection, seen: Seen, item: Item, key: Key) -> str:
    """Why the record under `key` is not the one any more that a change was planned of; "" where it is."""
    found = link(con, *key)
    if found is None or found.role != "current" or found.row_id != item.row_id:
        return "the record is another one here now"
    return "" if key in seen.rows else f"the record is {seen.word(key)} in the CRM now"


def _try(con: sqlite3.Connection, stage: Stage, groups: Sequence[Group]) -> None:
    """All of them at once; where that comes to something else, in halves down to the one that does."""
    if not groups:
        return
    found: Counter[Any] = Counter()
    if tentatively(con, lambda: _made(con, stage, groups, found)):
        for one in groups:
            one.done = True
    elif len(groups) == 1:
        groups[0].refused += _why(con, stage.seen, groups[0], found)
    else:
        middle = len(groups) // 2
        _try(con, stage, groups[:middle])
        _try(con, stage, groups[middle:])


def tentatively(con: sqlite3.Connection, work: Callable[[], T]) -> T:
    """What `work` comes to; where that is nothing, the database is as it was before."""
    con.execute("SAVEPOINT planned")
    found = work()
    if not found:
        con.execute("ROLLBACK TO planned")
    con.execute("RELEASE planned")
    return found


def edit_of(con: sqlite3.Connection, item: Item) -> tuple[str, str | None] | None:
    """The state of the local edit that a change is about, and the reason for it."""
    sql = "SELECT state, reason FROM crmsync_edit WHERE entity = ? AND row_id = ? AND field = ?"
    row: tuple[str, str | None] | None = con.execute(sql, (item.entity, item.row_id, item.field)).fetchone()
    return row


def _made(con: sqlite3.Connection, stage: Stage, groups: Sequence[Group], found: Counter[Any]) -> bool:
    """Whether the changes come to what was planned; `found` is what they come to."""
    mark = watch(con)
    try:
        _apply(con, stage, groups)
    except UNSTORABLE:
        return False
    found.update(_same(one) for one in items(con, mark))
    return found == Counter(_same(item) for one in groups for item in one.items)


def _same(one: Item) -> tuple[Any, ...]:
    """What has to be equal of a planned and a real change: all but the row of a new record, and the rule."""
    row = None if one.operation == "create" else one.row_id
    values = msgspec.json.encode([one.old, one.new], order="deterministic")
    return (one.operation, one.object, one.crm_id, one.entity, row, one.field, values)


def _apply(con: sqlite3.Connection, stage: Stage, groups: Sequence[Group]) -> None:
    """As a cycle does: deletions, merges and conversions, then rows."""
    keys = {key for one in groups if not one.plain for key in one.keys}
    chain = stage.seen.chained(keys)
    for route in stage.ordered:
        gone = [one for key, one in stage.seen.gone.items() if key in keys and key[0] == route.object]
        apply_gone(con, stage.batch(route, Page()), gone)
    _winners(con, stage, keys, chain)
    for route in stage.ordered:
        merged = [one for key, one in stage.seen.merged.items() if key in chain and key[0] == route.object]
        apply_merged(con, stage.batch(route, Page()), merged, stage.roles)
    for route in stage.ordered:
        ids = sorted(crm_id for obj, crm_id in keys if obj == route.object and (obj, crm_id) in stage.seen.rows)
        if ids:
            _rows(con, stage.batch(route, page_of(stage.seen, route, ids)))
            leave_quarantine(con, route.object, ids)
        for columns, some in _by_columns(groups, route.object).items():
            _rows(con, stage.batch(route, page_of(stage.seen, route, some, columns), partial=True))


def _winners(con: sqlite3.Connection, stage: Stage, keys: set[Key], chain: set[Key]) -> None:
    """Records that others were merged into and that are not known yet come first, as in a cycle."""
    into = {
        (one.into_object, one.into) for key, one in stage.seen.merged.items() if key in chain and one.reason == "merged"
    }
    for obj, crm_id in sorted(into & keys & stage.seen.rows.keys()):
        if link(con, obj, crm_id) is None:
            route = stage.routes[obj]
            _rows(con, stage.batch(route, page_of(stage.seen, route, [crm_id])))


def _by_columns(groups: Iterable[Group], obj: str) -> dict[tuple[str, ...], list[str]]:
    """The ids with single values to change, by the columns that are to be changed."""
    found: dict[tuple[str, ...], list[str]] = {}
    for one in groups:
        if one.plain and one.items[0].object == obj:
            found.setdefault(tuple(sorted(item.field for item in one.items)), []).append(str(one.items[0].crm_id))
    return found


def _rows(con: sqlite3.Connection, batch: Batch) -> None:
    start = 0
    while start >= 0:
        _, start = apply_rows(con, batch, start)


def _why(con: sqlite3.Connection, seen: Seen, group: Group, found: Counter[Any]) -> Iterator[Refused]:
    """Every change of a group, since all are refused together; those that would not come first."""
    for item in sorted(group.items, key=lambda one: found[_same(one)] > 0):
        key = (item.object, str(item.crm_id))
        if item.field != "*" and (item.field in ENGINE_COLUMNS or item.operation != "update"):
            here, crm = (row_values(con, item.entity, item.row_id) or {}).get(item.field), seen.word(key)
        elif item.field == "*":
            here, crm = _word_here(con, key), seen.word(key)
        else:
            here, crm = (row_values(con, item.entity, item.row_id) or {}).get(item.field), seen.value(key, item.field)
        why = "something of the same record has moved" if found[_same(item)] else _moved(item, here, crm)
        yield Refused(item, why, here, crm)


def _word_here(con: sqlite3.Connection, key: Key) -> Value:
    found = link(con, *key)
    return "absent" if found is None else found.role


def _moved(item: Item, here: Any, crm: Any) -> str:
    if item.field not in ("*", *ENGINE_COLUMNS) and item.operation == "update":
        return "it has moved here" if here != item.old else "it has moved in the CRM"
    return f"it would not come to what was planned any more: {here} here, {crm} in the CRM"
