"""How many records a load would read. The vendor counts exactly only as far as it likes."""

from __future__ import annotations

from collections.abc import AsyncGenerator

import msgspec

from crmsync.model import Page
from crmsync_dynamics.apart import LEAD, MASTER, QUALIFIED
from crmsync_dynamics.errors import Faulty, Policy
from crmsync_dynamics.narrowed import refuses
from crmsync_dynamics.query import encoded, name
from crmsync_dynamics.reading import Reader, raised
from crmsync_dynamics.routes import STATE

CAP = 5_000


async def count(reader: Reader) -> AsyncGenerator[Page, None]:
    """One page with one number, or none where nobody can tell."""
    try:
        found = await _counted(reader)
        if found is not None and found >= CAP and not reader.client.features.plain:
            found = await _aggregated(reader) or await _remembered(reader)
    except Faulty as error:
        if not refuses(error, reader.client.features):
            raise raised(error, reader) from error
        found = None
    if found is not None:
        yield reader.meter.on(Page(columns=("count",), rows=[(found,)]))


def _where(reader: Reader) -> tuple[str, ...]:
    columns = reader.known.table.columns
    where = reader.where()
    if MASTER in columns:
        where = (*where, f"{name(columns[MASTER].wire)} eq null")
    if reader.object == LEAD and STATE in columns:
        where = (*where, f"{STATE} ne {QUALIFIED}")
    return where


async def _counted(reader: Reader) -> int | None:
    table = reader.known.table
    tail = f"&$filter={encoded(' and '.join(where))}" if (where := _where(reader)) else ""
    path = f"{table.set}?$select={name(table.key)}&$count=true{tail}"
    return _number(reader.meter.add(await reader.client.get(path, prefer="odata.maxpagesize=1")).body, "@odata.count")


async def _aggregated(reader: Reader) -> int | None:
    """The exact number of some ten thousands; None beyond."""
    where = " and ".join(_where(reader))
    steps = f"filter({where})/aggregate($count as n)" if where else "aggregate($count as n)"
    return await _asked(reader, f"{reader.known.table.set}?$apply={encoded(steps)}", "n")


async def _remembered(reader: Reader) -> int | None:
    """About how many rows the table has, without any filter, as the vendor counted them within the last day."""
    names = encoded(f"['{name(reader.known.table.name)}']")
    return await _asked(reader, f"RetrieveTotalRecordCount(EntityNames=@names)?@names={names}", "Values")


async def _asked(reader: Reader, path: str, key: str) -> int | None:
    try:
        return _number(reader.meter.add(await reader.client.get(path)).body, key)
    except Faulty as error:
        if error.policy in (Policy.NARROW, Policy.MISTAKE, Policy.MOVED, Policy.OBJECT, Policy.ABSENT):
            return None
        raise


def _number(body: bytes, key: str) -> int | None:
    try:
        found = msgspec.json.decode(body)
        if "EntityRecordCountCollection" in found:
            return int(found["EntityRecordCountCollection"][key][0])
        row = found if key in found else found["value"][0]
        return int(row[key])
    except (msgspec.MsgspecError, LookupError, TypeError, ValueError):
        return None
