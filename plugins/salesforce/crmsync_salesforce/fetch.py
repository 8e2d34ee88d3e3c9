"""The kinds of reads, and which function does each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

import msgspec
from msgspec.structs import replace

from crmsync.model import Kind, Page, Query
from crmsync_salesforce.by_id import by_id
from crmsync_salesforce.changes import changes
from crmsync_salesforce.deletes import deletes
from crmsync_salesforce.errors import Faulty
from crmsync_salesforce.load import LIVE, load
from crmsync_salesforce.query import conditions, counting
from crmsync_salesforce.reading import Reader, raised
from crmsync_salesforce.sent import sent
from crmsync_salesforce.session import SalesforceSession


async def fetch(session: SalesforceSession, query: Query) -> AsyncIterator[Page]:
    """Read pages, as the contract of the `fetch` hook says."""
    reader = Reader(session, query, await session.describes.facts(query.object))
    if query.kind is Kind.DELETES and query.cursor.resume:
        reader.query = replace(query, cursor=replace(query.cursor, mark=query.cursor.resume))
    async with aclosing(_READS[query.kind](reader)) as pages:
        async for page in pages:
            await session.client.know_quota()
            yield page


async def _count(reader: Reader) -> AsyncGenerator[Page, None]:
    """One page with one number: the records that a load would read."""
    facts, where = reader.facts, reader.where()
    whole = facts.archived and facts.deleted
    if whole:
        where = (*where, *conditions((LIVE,)))
    if facts.converted and not reader.client.features.plain:
        where = (*where, "IsConverted = FALSE")
    try:
        answer = await reader.ask(counting(reader.object, where), everything=whole, together=True)
        found = msgspec.json.decode(answer.body)["totalSize"]
    except Faulty as error:
        raise raised(error, reader) from error
    except (msgspec.MsgspecError, KeyError, TypeError):
        return
    yield reader.meter.on(Page(columns=("count",), rows=[(int(found),)]))


_READS: dict[Kind, Callable[[Reader], AsyncGenerator[Page, None]]] = {
    Kind.LOAD: load,
    Kind.CHANGES: changes,
    Kind.DELETES: deletes,
    Kind.IDS: by_id,
    Kind.COUNT: _count,
    Kind.SENT: sent,
}
