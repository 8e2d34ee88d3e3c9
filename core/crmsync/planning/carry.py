"""Carry a saved plan out: that and nothing else, each change only where both sides have what the plan began with.

No cursor moves: the next cycle reads what it would have read, and finds that it is here already.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from crmsync.connection import Connection
from crmsync.errors import SettingsError
from crmsync.known import know_routes
from crmsync.model import Counts, Gone, Kind, Query, Route
from crmsync.planning.file import Header, load
from crmsync.planning.push import PlannedPush
from crmsync.progress import Tell
from crmsync.pull import IDS_AT_ONCE
from crmsync.pull.reads import Read, fields_of
from crmsync.pull.run import DELETES, PUSHES, UPDATES, Drained, Pull
from crmsync.schema import fingerprint
from crmsync.store import records
from crmsync.store.history.attempt import attempt
from crmsync.store.history.planned import CRM, JOINED, Item
from crmsync.store.history.stage import Group, Key, Refused, Seen, Stage
from crmsync.store.memory import database_id

AT_ONCE = 500  # records

LATER = "only a cycle does this: it is left to the next one"


class Carried(Struct, frozen=True, kw_only=True):
    """What became of a plan: the run, how many changes were made, and those that were refused, with both values."""

    run: int
    status: str
    made: int
    refused: list[dict[str, Any]] = field(default_factory=list)


async def carry_out(connection: Connection, file: Path, *, progress: Tell | None = None) -> Carried:
    """Do what a saved plan says. Raises SettingsError for a plan of something else, or one that was changed."""
    header, found = load(file)
    await _check(connection, header, file)
    refused: list[Refused] = []
    async with connection.runs.of("plan", progress) as pull:
        await know_routes(connection.opened, pull)
        here = [one for one in found if one.side != CRM]
        there = [one for one in found if one.side == CRM]
        refused += await _marketing(pull, here)
        refused += await _crm(pull, there)
    return Carried(
        run=pull.run, status=pull.status, made=len(found) - len(refused), refused=[one.told() for one in refused]
    )


async def _check(connection: Connection, header: Header, file: Path) -> None:
    if not await connection.opened.enabled():
        raise SettingsError(f"The sync of {connection.name!r} is disabled.")
    store, session = await connection.opened.store(), await connection.opened.session()
    known = {
        "connection": (header.connection, connection.name),
        "org of the CRM": (header.org, session.identity.org),
        "database": (header.database, await store.read(database_id)),
    }
    for what, (planned, now) in known.items():
        if planned != now:
            raise SettingsError(f"The plan {file} is of another {what}: {planned}, not {now}.")
    if header.settings != fingerprint(connection.settings):
        raise SettingsError(
            f"The settings changed after the plan {file} was made.", hint="Make a new one: crmsync plan."
        )


async def _marketing(pull: Pull, found: Sequence[Item]) -> list[Refused]:
    """Make the changes of this side, records that came, went or were joined first."""
    refused = [Refused(one, LATER) for one in found if one.object not in pull.routes]
    groups = sorted(_groups([one for one in found if one.object in pull.routes]), key=lambda one: one.plain)
    cursors = await pull.store.read(records.cursors)
    loaded = {obj for (obj, kind), cursor in cursors.items() if kind is Kind.CHANGES and cursor.mark is not None}
    for start in range(0, len(groups), AT_ONCE):
        if pull.stopping():
            raise Drained
        some = groups[start : start + AT_ONCE]
        stage = _stage(pull, await _look(pull, some), loaded)
        await pull.store.write(attempt, stage, some)
        _count(pull, some)
    return refused + [one for group in groups for one in group.refused]


def _stage(pull: Pull, seen: Seen, loaded: Iterable[str]) -> Stage:
    loading = frozenset(pull.routes.keys() - set(loaded))
    return Stage(routes=pull.routes, roles=pull.roles, seen=seen, run=pull.run, at=pull.now(), loading=loading)


def _groups(found: Sequence[Item]) -> list[Group]:
    """The changes by record; records that are joined, and what the row becomes, are one group."""
    into: dict[Key, Key] = {}

    def root(key: Key) -> Key:
        while key in into:
            key = into[key]
        return key

    by_id: dict[str, list[Key]] = {}
    for one in found:
        by_id.setdefault(str(one.crm_id), []).append((one.object, str(one.crm_id)))
    for one in found:
        if one.rule in JOINED and one.field == "crm_id":
            for other in by_id.get(str(one.new), ()):
                if (mine := root((one.object, str(one.crm_id)))) != (theirs := root(other)):
                    into[theirs] = mine
    groups: dict[Key, list[Item]] = {}
    for one in found:
        groups.setdefault(root((one.object, str(one.crm_id))), []).append(one)
    return [Group(some) for some in groups.values()]


async def _look(pull: Pull, groups: Iterable[Group]) -> Seen:
    """Read the records by id, and what those that were joined to others live on as."""
    seen = Seen()
    wanted = {key for group in groups for key in group.keys}
    dying = {(one.object, str(one.crm_id)) for group in groups for one in group.items if one.operation == "delete"}
    known: set[Key] = set()
    while new := {key for key in seen.chained(wanted) if key[0] in pull.routes} - known:
        for obj, keys in groupby(sorted(new), key=itemgetter(0)):
            await _read(pull, pull.routes[obj], [crm_id for _, crm_id in keys], seen)
        known |= new
    await _miss(pull, dying - seen.rows.keys() - seen.gone.keys() - seen.merged.keys(), seen)
    return seen


async def _miss(pull: Pull, absent: Iterable[Key], seen: Seen) -> None:
    """What is to go and was not in the answer is gone, unless it is only filtered out by the settings (R-273)."""
    for obj, keys in groupby(sorted(absent), key=itemgetter(0)):
        ids, there, route = [crm_id for _, crm_id in keys], Seen(), pull.routes[obj]
        if route.scope.where:
            await _read(pull, replace(route, scope=replace(route.scope, where=())), ids, there)
        seen.gone |= {(obj, one): Gone(one) for one in ids if (obj, one) not in there.rows}


async def _read(pull: Pull, route: Route, ids: Sequence[str], seen: Seen) -> None:
    for start in range(0, len(ids), IDS_AT_ONCE):
        some = tuple(ids[start : start + IDS_AT_ONCE])
        query = Query(kind=Kind.IDS, object=route.object, fields=fields_of(route), ids=some, where=route.scope.where)
        read = Read(pull, route, query)
        try:
            while (page := await read.next()) is not None:
                if page.rows:
                    seen.columns[route.object] = page.columns
                seen.rows |= {(route.object, str(row[0])): row for row in page.rows}
                joined = {one.id for one in page.merged}
                seen.merged |= {(route.object, one.id): one for one in page.merged}
                seen.gone |= {(route.object, one.id): one for one in page.gone if one.id not in joined}
        finally:
            await read.close()


def _count(pull: Pull, groups: Iterable[Group]) -> None:
    for group in (one for one in groups if one.done):
        first = group.items[0]
        operation = DELETES if first.operation == "delete" else UPDATES
        step = pull.step(first.object, operation)
        counts = {"create": Counts(new=1), "link": Counts(new=1), "delete": Counts(deleted=1)}
        pull.keep(replace(step, counts=step.counts + counts.get(first.operation, Counts(updated=1))))


async def _crm(pull: Pull, found: Sequence[Item]) -> list[Refused]:
    """Send the planned edits, object by object."""
    refused = [Refused(one, LATER) for one in found if one.operation != "update" or one.object not in pull.routes]
    edits = [one for one in found if one.operation == "update" and one.object in pull.routes]
    for route in sorted(pull.routes.values(), key=lambda one: (one.order, one.object)):
        mine = [one for one in edits if one.object == route.object]
        for some in _rows(mine):
            if pull.stopping():
                raise Drained
            refused += await _send(pull, route, some)
    return refused


def _rows(found: Sequence[Item]) -> Iterator[Mapping[int, list[Item]]]:
    """The changes by row, a bounded number of rows at a time."""
    rows = {row: list(some) for row, some in groupby(sorted(found, key=_row_of), key=_row_of)}
    numbers = list(rows)
    for start in range(0, len(numbers), AT_ONCE):
        yield {number: rows[number] for number in numbers[start : start + AT_ONCE]}


def _row_of(one: Item) -> int:
    return int(one.row_id or 0)


async def _send(pull: Pull, route: Route, items: Mapping[int, Sequence[Item]]) -> list[Refused]:
    seen, ids = Seen(), {row: str(some[0].crm_id) for row, some in items.items()}
    pull.step(route.object, PUSHES)
    await _read(pull, route, list(ids.values()), seen)
    push = PlannedPush(pull, route, stage=_stage(pull, seen, pull.routes), items=items)
    await push.send(ids)
    await pull.store.read(push.unsent)
    return push.refused
