"""CRM to marketing: one page, one transaction.

fetch → map → in one transaction look links up, write what differs, journal it, write activities, renew versions, move
the cursor. A crash at any instruction loses nothing and repeats nothing visible.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from msgspec.structs import replace

from crmsync.model import Counts, Cursor, Gone, Kind, Merged, Page, Query, Route
from crmsync.pull.reads import Read, fields_of, versions
from crmsync.pull.run import CONVERSIONS, DELETES, PUSHES, UPDATES, Drained, Pull
from crmsync.store import memory, records
from crmsync.store.batch import Move
from crmsync.store.links import unlinked

IDS_AT_ONCE = 2_000


async def changes(pull: Pull, read: Read, first: Page | None, *, kind: Kind = Kind.CHANGES) -> None:
    """Apply a read's pages to their end. `first` was fetched, and its deletions and joins applied, before."""
    page, joined = first, True
    while page is not None:
        if pull.stopping():
            raise Drained
        if not joined:
            await joins(pull, read.route, page, kind)
        _note_gap(pull, read.route, page)
        await rows(pull, read.route, page, kind, moves(read, page))
        pull.on_page(pull.step(read.route.object, UPDATES), page.total)
        page, joined = (None if page.mark is not None else await read.next()), False


def moves(read: Read, page: Page) -> tuple[Move, ...]:
    """The cursors a page moves. The last page of a load starts the reads of changes and deletes where it began."""
    if page.mark is None and page.resume is None:
        return ()
    cursor = Cursor(mark=page.mark, resume=page.resume, made_with=read.query.cursor.made_with)
    found = [Move(object=read.route.object, kind=read.query.kind, cursor=cursor)]
    if read.query.kind is Kind.LOAD and page.mark is not None and not read.again:
        follow = replace(cursor, resume=None)
        found += [Move(object=read.route.object, kind=kind, cursor=follow) for kind in (Kind.CHANGES, Kind.DELETES)]
    return tuple(found)


async def joins(pull: Pull, route: Route, page: Page, kind: Kind) -> None:
    """Apply what a page says of ids that ended: merges and conversions, then deletions."""
    merged = [one for one in page.merged if one.reason != "converted"]
    converted = [one for one in page.merged if one.reason == "converted"]
    batch = pull.batch(route, replace(page, rows=()), kind)
    if merged and kind is not Kind.LOAD:  # a contact that a lead became takes the lead's row, known or not
        await _know_winners(pull, merged)
    for found, operation in ((merged, DELETES), (converted, CONVERSIONS)):
        if found:
            step = pull.step(route.object, operation)
            pull.keep(await pull.store.merged(batch, found, step, pull.roles))
    _, gone = _unclear(page)
    if gone:
        empty = replace(batch, page=Page())
        pull.keep(await pull.store.gone(empty, gone, pull.step(route.object, DELETES)))


async def _know_winners(pull: Pull, merged: Sequence[Merged]) -> None:
    wanted: dict[str, list[str]] = {}
    for one in merged:
        wanted.setdefault(one.into_object, []).append(one.into)
    await _read_unlinked(pull, wanted)


async def _read_unlinked(pull: Pull, wanted: Mapping[str, Sequence[str]]) -> None:
    """Read by id what is referred to but not stored; what is not visible is asked for once a run."""
    for obj, ids in wanted.items():
        route = pull.routes.get(obj)
        if route is None or not ids:
            continue
        missing = [one for one in await pull.store.read(unlinked, obj, list(ids)) if (obj, one) not in pull.unseen]
        if missing:
            pull.unseen.update((obj, one) for one in missing)
            await by_id(pull, route, missing)


def _unclear(page: Page) -> tuple[list[str], list[Gone]]:
    """Ids that one page has both as present and as gone, and the deletions that are clear."""
    if not page.gone or not page.rows:
        return [], list(page.gone)
    present = {str(row[0]) for row in page.rows}
    return [one.id for one in page.gone if one.id in present], [one for one in page.gone if one.id not in present]


async def rows(pull: Pull, route: Route, page: Page, kind: Kind, moved: Sequence[Move]) -> None:
    """Apply the rows of a page and move the cursors; ids that are unclear are read by id first."""
    unclear, _ = _unclear(page)
    if unclear:
        drop = set(unclear)
        page = replace(page, rows=[row for row in page.rows if str(row[0]) not in drop])
    if kind is Kind.CHANGES:
        await _read_unlinked(pull, _parents(pull, route, page))
    step = pull.step(route.object, UPDATES)
    if not page.rows and not page.skipped and not unclear and moved and page.mark is not None and kind is not Kind.LOAD:
        cost = Counts(pages=1, calls=page.calls, bytes=page.bytes)
        _defer(pull, moved)
        pull.keep(replace(step, counts=step.counts + cost))
        return
    applied, step = await pull.store.apply(pull.batch(route, page, kind), step, () if unclear else moved)
    pull.keep(step)
    if unclear or applied.unclear:
        await by_id(pull, route, [*unclear, *applied.unclear], gone_if_absent=True)
        _defer(pull, moved)


def _defer(pull: Pull, moved: Sequence[Move]) -> None:
    for move in moved:
        pull.store.defer(records.save_cursor, move, pull.now())


def _parents(pull: Pull, route: Route, page: Page) -> dict[str, list[str]]:
    wanted: dict[str, list[str]] = {}
    for column, obj in route.parents.items():
        if column in page.columns and obj in pull.routes:
            at = page.columns.index(column)
            ids = {str(row[at]) for row in page.rows if row[at] is not None}
            wanted.setdefault(obj, []).extend(sorted(ids))
    return wanted


async def by_id(pull: Pull, route: Route, ids: Sequence[str], *, gone_if_absent: bool = False) -> None:
    """Read records by id and apply what the CRM says of them now."""
    for start in range(0, len(ids), IDS_AT_ONCE):
        some = tuple(dict.fromkeys(ids[start : start + IDS_AT_ONCE]))
        query = Query(kind=Kind.IDS, object=route.object, fields=fields_of(route), ids=some, where=route.scope.where)
        read, seen = Read(pull, route, query), set[str]()
        try:
            while (page := await read.next()) is not None:
                seen |= {str(row[0]) for row in page.rows} | {g.id for g in page.gone} | {m.id for m in page.merged}
                await joins(pull, route, page, Kind.IDS)
                await rows(pull, route, page, Kind.IDS, ())
        finally:
            await read.close()
        if gone_if_absent and (absent := [one for one in some if one not in seen]):
            out = await _filtered_out(pull, route, absent) if route.scope.where else set()
            gone = [Gone(one) for one in absent if one not in out]
            batch = pull.batch(route, Page(), Kind.IDS)
            pull.keep(await pull.store.gone(batch, gone, pull.step(route.object, DELETES)))


async def before_write(pull: Pull, route: Route, ids: Sequence[str], only: Iterable[str]) -> dict[str, str]:
    """Read some columns of these records and merge them with the local edits.

    Returns the ids that are to be seen, with the versions that were merged: newer than the stored ones where somebody,
    this program too, has written since the last cycle. What was deleted, merged or converted meanwhile is dealt with as
    in any read.
    """
    fields, seen = fields_of(route, only), dict[str, str]()
    for start in range(0, len(ids), IDS_AT_ONCE):
        query = Query(kind=Kind.IDS, object=route.object, fields=fields, ids=tuple(ids[start : start + IDS_AT_ONCE]))
        read = Read(pull, route, query)
        try:
            while (page := await read.next()) is not None:
                await joins(pull, route, page, Kind.IDS)
                _, step = await pull.store.apply(
                    pull.batch(route, page, Kind.IDS, partial=True), pull.step(route.object, PUSHES)
                )
                pull.keep(step)
                seen |= versions(page)
        finally:
            await read.close()
    return seen


async def _filtered_out(pull: Pull, route: Route, ids: Sequence[str]) -> set[str]:
    """Those of some ids that are there and left the filter: they are kept as they are (R-273)."""
    query = Query(kind=Kind.IDS, object=route.object, fields=fields_of(route, ("crm_id",)), ids=tuple(ids))
    read, there = Read(pull, route, query), set[str]()
    try:
        while (page := await read.next()) is not None:
            there |= {str(row[0]) for row in page.rows}
    finally:
        await read.close()
    return there


async def deletes(pull: Pull, read: Read, joined: AbstractSet[str] = frozenset()) -> None:
    """Apply an object's own feed of deletions to its end, but for ids that were `joined` to others."""
    step = pull.step(read.route.object, DELETES)
    while (page := await read.next()) is not None:
        if pull.stopping():
            raise Drained
        moved = moves(read, page)
        _note_gap(pull, read.route, page)
        cost = Counts(pages=1, calls=page.calls, bytes=page.bytes)
        gone = [one for one in page.gone if one.id not in joined]
        if gone:
            batch = pull.batch(read.route, replace(page, rows=()), Kind.DELETES)
            step = pull.keep(await pull.store.gone(batch, gone, pull.step(read.route.object, DELETES), moved))
        else:
            _defer(pull, moved)
            step = pull.keep(replace(pull.step(read.route.object, DELETES), counts=step.counts + cost))
        if page.mark is not None:
            return


def _note_gap(pull: Pull, route: Route, page: Page) -> None:
    """Remember, with the cursor that passes it, that deletions may have been missed."""
    if page.gap and route.object not in pull.gaps:
        pull.gaps.add(route.object)
        pull.store.defer(memory.remember, {f"gap:{route.object}": pull.now()})
