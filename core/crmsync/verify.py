"""Compare every synced record and field with the CRM.

A difference that a rule explains is told apart, with the rule, and leaves the verdict good; every other one names the
record on both sides. Each side's records also make a digest that does not depend on their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from hashlib import blake2b
from typing import Any

from msgspec import Struct, field

from crmsync.clock import moment, stamp
from crmsync.entities import IDENTITY
from crmsync.model import Cursor, Direction, Gone, Kind, Page, Query, Route, Row
from crmsync.pull.reads import Read, count, fields_of
from crmsync.pull.run import Pull
from crmsync.store import lookup, quarantine
from crmsync.store.lookup import Stored
from crmsync.store.records import cursors

SET_ASIDE = "in quarantine; `crmsync errors --quarantine` tells why"
DELETED = "deleted in the CRM after the last cycle"
UNTOLD = "deleted in the CRM at {}, and no feed has told: kept as it was; the row can be deleted here"
GONE = "deleted in the CRM for good: the next cycle notices it, or no feed tells; then the row can be deleted here"
HIDDEN = (
    "deleted in the CRM for good, or hidden from these credentials (R-258), which the CRM does not tell: kept as it "
    "was; `crmsync check` says what they see, and where it is gone the row can be deleted here"
)

MARGIN = timedelta(minutes=15)


class Verification(Struct, kw_only=True):
    """What a verification found. `ok` means that nothing differs without a rule that explains it."""

    ok: bool = True
    objects: list[dict[str, Any]] = field(default_factory=list)
    different: list[dict[str, Any]] = field(default_factory=list)
    explained: list[dict[str, Any]] = field(default_factory=list)
    calls: int = 0


class _Check(Struct):
    """One object being compared."""

    pull: Pull
    route: Route
    columns: list[str]
    mark_at: str
    seen_at: dict[str, str]
    result: Verification
    crm: int = 0
    equal: int = 0
    explained: int = 0
    different: int = 0
    digest_crm: int = 0
    digest_db: int = 0
    suspects: dict[str, Row] = field(default_factory=dict)

    def explain(self, crm_id: str, rule: str, name: str | None = None) -> None:
        self.explained += name is None
        self.result.explained.append({"object": self.route.object, "crm_id": crm_id, "field": name, "rule": rule})

    def differ(self, crm_id: str, row_id: int | None, name: str | None, crm: Any, db: Any) -> None:
        self.result.ok = False
        self.result.different.append(
            {"object": self.route.object, "crm_id": crm_id, "row_id": row_id, "field": name, "crm": crm, "db": db}
        )


async def verify_routes(pull: Pull, routes: Sequence[Route]) -> Verification:
    """Compare these objects one after the other."""
    result = Verification()
    before = pull.session.usage().calls
    known = await pull.store.read(cursors)
    for route in sorted(routes, key=lambda route: (route.order, route.object)):
        mark = known.get((route.object, Kind.CHANGES), Cursor()).mark
        if mark is None:
            result.objects.append({"object": route.object, "note": "not loaded yet"})
            continue
        await _verify(pull, route, result)
    result.calls = pull.session.usage().calls - before
    return result


async def _verify(pull: Pull, route: Route, result: Verification) -> None:
    columns = [m.column for m in route.maps if m.column not in IDENTITY]
    check = _Check(
        pull, route, list(dict.fromkeys(columns)), await _read_until(pull, route),
        await pull.store.read(lookup.first_seen, route.object), result,
    )  # fmt: skip
    await pull.store.read(lookup.note_seen, None)
    expected = await count(pull, route) if Kind.COUNT in route.kinds else None
    query = Query(
        kind=Kind.LOAD, object=route.object, fields=fields_of(route), where=route.scope.where, expected=expected
    )
    await _pages(check, query, _compare_page)
    for start in range(0, len(ids := list(check.suspects)), 2_000):  # what differs is read again, by id
        again = Query(
            kind=Kind.IDS, object=route.object, fields=fields_of(route), ids=tuple(ids[start : start + 2_000])
        )
        await _pages(check, again, _settle_page)
    for crm_id in check.suspects:
        check.explain(crm_id, DELETED)
    await _only_here(check)
    db = await pull.store.read(lookup.live, route.object)
    result.objects.append(
        {
            "object": route.object, "crm_records": check.crm, "db_records": db, "equal": check.equal,
            "explained": check.explained, "different": check.different,
            "crm_digest": f"{check.digest_crm:016x}", "db_digest": f"{check.digest_db:016x}",
        }
    )  # fmt: skip


async def _read_until(pull: Pull, route: Route) -> str:
    """From when on a record may have been saved after the last read: the CRM's clock is not ours, and saves lag."""
    at = await pull.store.read(lookup.read_at, route.object)
    return stamp(moment(at) - MARGIN) if at else ""


async def _pages(check: _Check, query: Query, work: Any) -> None:
    read = Read(check.pull, check.route, query)
    try:
        while (page := await read.next()) is not None:
            await work(check, page)
            if page.mark is not None:
                break
    finally:
        await read.close()


async def _stored(check: _Check, page: Page) -> tuple[int, dict[str, Stored]]:
    skip = sum(name in IDENTITY for name in page.columns)
    ids = [str(row[0]) for row in page.rows]
    return skip, await check.pull.store.read(lookup.stored, check.route, page.columns[skip:], ids)


async def _compare_page(check: _Check, page: Page) -> None:
    skip, known = await _stored(check, page)
    await check.pull.store.read(lookup.note_seen, [str(row[0]) for row in page.rows] + [s.id for s in page.skipped])
    for refused in page.skipped:
        check.crm += 1
        check.explain(refused.id, SET_ASIDE)
    for row in page.rows:
        crm_id = str(row[0])
        check.crm += 1
        check.digest_crm ^= digest(crm_id, row[skip:])
        one = known.get(crm_id)
        if one is not None and one.role == "current" and one.values is not None:
            check.digest_db ^= digest(crm_id, one.values)
            if one.values == row[skip:]:
                check.equal += 1
                continue
        check.suspects[crm_id] = row


def digest(crm_id: str, values: Sequence[Any]) -> int:
    """64 bits that stand for a record; True and 1, and 2.0 and 2, are the same value."""
    text = "\x1f".join(["" if v is None else str(int(v)) if isinstance(v, bool) else f"{v}" for v in values])
    return int.from_bytes(blake2b(f"{crm_id}\x1e{text}".encode("utf-8", "replace"), digest_size=8).digest(), "big")


async def _settle_page(check: _Check, page: Page) -> None:
    skip, known = await _stored(check, page)
    quarantined = set(await check.pull.store.read(quarantine.in_quarantine, check.route.object))
    for row in page.rows:
        crm_id = str(row[0])
        check.suspects.pop(crm_id, None)
        _settle(check, row, page.columns[skip:], known.get(crm_id), crm_id in quarantined)
    for refused in page.skipped:
        if check.suspects.pop(refused.id, None) is not None:
            check.explain(refused.id, SET_ASIDE)
    for gone in page.gone:
        if check.suspects.pop(gone.id, None) is not None:
            check.explain(gone.id, _deleted(check, gone))
    for joined in page.merged:
        if check.suspects.pop(joined.id, None) is not None:
            check.explain(joined.id, f"{joined.reason} in the CRM after the last cycle")


def _settle(check: _Check, row: Row, columns: Sequence[str], one: Stored | None, quarantined: bool) -> None:
    crm_id, saved = str(row[0]), str(row[1] or "")
    if one is None or one.values is None or one.role != "current":
        _settle_missing(check, row, one, quarantined)
        return
    if saved > one.modified_at and saved >= check.mark_at:
        check.explain(crm_id, "saved in the CRM after the last cycle")
        return
    apart = [(n, c, d) for n, c, d in zip(columns, row[len(row) - len(columns) :], one.values, strict=True) if c != d]
    left = [(n, c, d) for n, c, d in apart if not _field_rule(check, crm_id, n, one, saved)]
    for name, crm, db in left:
        check.differ(crm_id, one.row_id, name, crm, db)
    check.different += bool(left)
    check.explained += bool(apart) and not left
    check.equal += not apart


def _settle_missing(check: _Check, row: Row, one: Stored | None, quarantined: bool) -> None:
    crm_id, saved = str(row[0]), str(row[1] or "")
    if quarantined:
        check.explain(crm_id, SET_ASIDE)
    elif one is not None and one.role in ("converted", "merged"):
        check.explain(crm_id, f"{one.role}: it lives on under another id")
    elif one is not None and one.role == "current":
        check.explain(crm_id, "deleted here alone; the next CRM update brings it back (R-313)")
    elif saved >= check.mark_at:
        check.explain(crm_id, "saved in the CRM after the last cycle")
    else:
        check.different += 1
        check.differ(crm_id, one.row_id if one else None, None, "present", "absent")


def _field_rule(check: _Check, crm_id: str, name: str, one: Stored, saved: str) -> bool:
    calculated = any(m.column == name and m.field.calculated for m in check.route.maps)
    blocked = any(m.column == name and Direction.PULL in m.blocked for m in check.route.maps)
    if name in one.edited:
        check.explain(crm_id, "local edit (R-095, R-097)", name)
    elif blocked:
        check.explain(crm_id, "blocked for values of the CRM after the first (R-239)", name)
    elif calculated and saved == one.modified_at:
        check.explain(crm_id, "formula: a new result moves no stamp (R-221)", name)
    elif one.modified_at < check.seen_at.get(name, ""):
        check.explain(crm_id, "field added, or visible again, later (R-201); `crmsync refresh --field` fills it", name)
    else:
        return False
    return True


async def _only_here(check: _Check) -> None:
    """Records that are stored and were not in the CRM's answer."""
    ids = await check.pull.store.read(lookup.not_seen, check.route.object)
    for start in range(0, len(ids), 2_000):
        some = tuple(ids[start : start + 2_000])
        found: dict[str, str] = {}
        query = Query(kind=Kind.IDS, object=check.route.object, fields=fields_of(check.route), ids=some)
        read = Read(check.pull, check.route, query)
        try:
            while (page := await read.next()) is not None:
                found |= {gone.id: _deleted(check, gone) for gone in page.gone}
                found |= {m.id: f"{m.reason} in the CRM after the last cycle" for m in page.merged}
                found |= {str(row[0]): "filtered out by the settings (R-273): kept as it was" for row in page.rows}
        finally:
            await read.close()
        for crm_id in some:
            check.explain(crm_id, found.get(crm_id, GONE if check.route.scope.whole else HIDDEN))


def _deleted(check: _Check, gone: Gone) -> str:
    """Why a record is here that was deleted there: nobody asked since, or nobody was told."""
    return UNTOLD.format(gone.at) if gone.at and gone.at < check.mark_at else DELETED
