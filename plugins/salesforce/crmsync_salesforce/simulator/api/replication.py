"""getUpdated and getDeleted, with the vendor's windows and its care for transactions that still run."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from crmsync_salesforce.simulator import moments
from crmsync_salesforce.simulator.api.call import Call, Reply
from crmsync_salesforce.simulator.api.metadata import visible
from crmsync_salesforce.simulator.api.site import Site
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.table import Table

UPDATED_DAYS, DELETED_DAYS, MOST_IDS = 30, 15, 600_000
_MINUTE = timedelta(minutes=1)


def _moment(call: Call, name: str) -> datetime:
    text = call.query.get(name)
    if not text:
        raise Refusal("MISSING_ARGUMENT", f"{name} is required")
    try:
        found = moments.read(text.replace(" ", "+"))
    except ValueError as error:
        raise Refusal("INVALID_REPLICATION_DATE", f"not a date-time: {text}") from error
    return found.replace(second=0, microsecond=0)


def _window(site: Site, call: Call, days: int) -> tuple[datetime, datetime]:
    start, end = _moment(call, "start"), _moment(call, "end")
    if start >= end:
        raise Refusal("INVALID_REPLICATION_DATE", "startDate before endDate is required")
    if start < site.state.now() - timedelta(days=days, minutes=1):
        raise Refusal("INVALID_REPLICATION_DATE", f"startDate cannot be more than {days} days ago")
    return start, end


def _table(site: Site, call: Call, name: str) -> Table:
    kind = visible(site, call, name)
    if not kind.replicateable:
        raise Refusal("INVALID_TYPE_FOR_OPERATION", f"{kind.name} is not replicateable")
    site.state.settle()
    return site.state.tables[kind.name]


def _covered(site: Site, end: datetime) -> str:
    oldest = site.state.oldest_pending()
    now = site.state.now()
    known = min(end, now) if oldest is None else min(end, now, datetime.fromtimestamp(oldest, UTC))
    return moments.spell(known.replace(second=0, microsecond=0))


def updated(site: Site, call: Call, name: str) -> Reply:
    """The ids of live records whose stamp lies in a window of the last 30 days."""
    site.need("getUpdated")
    table = _table(site, call, name)
    start, end = _window(site, call, UPDATED_DAYS)
    last = moments.spell(end - timedelta(seconds=1))
    found = [
        row[0]
        for row in table.stamped(moments.spell(start), last)
        if table.live(row) and call.rights.sees_row(table.kind.name, row)
    ]
    _limit(found)
    return Reply(body={"ids": found, "latestDateCovered": _covered(site, end)})


def deleted(site: Site, call: Call, name: str) -> Reply:
    """The records that were deleted in a window of the last 15 days, those gone for good included."""
    site.need("getDeleted")
    table = _table(site, call, name)
    start, end = _window(site, call, DELETED_DAYS)
    if end - start <= _MINUTE:
        raise Refusal("INVALID_REPLICATION_DATE", "endDate must be more than one minute after startDate")
    low, high = moments.spell(start), moments.spell(end)
    found = [
        {"id": one, "deletedDate": stamp}
        for one, stamp in table.gone.items()
        if low <= stamp < high and _seen(call, table, one)
    ]
    _limit(found)
    earliest = moments.spell(moments.whole(site.state.now()) - timedelta(days=DELETED_DAYS))
    body = {"deletedRecords": found, "earliestDateAvailable": earliest, "latestDateCovered": _covered(site, end)}
    return Reply(body=body)


def _seen(call: Call, table: Table, identity: str) -> bool:
    if identity in table.pending:
        return False
    row = table.by_id.get(identity, [identity])
    return call.rights.sees_row(table.kind.name, row)


def _limit(found: list[object] | list[str] | list[dict[str, str]]) -> None:
    if len(found) > MOST_IDS:
        raise Refusal("EXCEEDED_ID_LIMIT", "Too many ids in the window; ask for a smaller one")
