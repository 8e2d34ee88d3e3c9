"""The kinds of reads, and which function does each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import replace

import msgspec

from crmsync.model import Kind, Page, Query
from crmsync_salesforce.changes import changes
from crmsync_salesforce.deletes import deletes
from crmsync_salesforce.errors import Faulty
from crmsync_salesforce.load import LIVE, load
from crmsync_salesforce.query import among, chunks, conditions, counting, encoded, whole_id
from crmsync_salesforce.reading import Reader, raised
from crmsync_salesforce.sent import sent
from crmsync_salesforce.session import SalesforceSession

_SLACK = 100


async def fetch(session: SalesforceSession, query: Query) -> AsyncIterator[Page]:
    """Read pages, as the contract of the `fetch` hook says."""
    reader = Reader(session, query, await session.describes.facts(query.object))
    if query.kind is Kind.DELETES and query.cursor.resume:
        reader.query = replace(query, cursor=replace(query.cursor, mark=query.cursor.resume))
    async with aclosing(_READS[query.kind](reader)) as pages:
        async for page in pages:
            await session.client.know_quota()
            yield page


async def _by_id(reader: Reader) -> AsyncGenerator[Page, None]:
    """Records by id, deleted ones as gone or merged; ids that are in no page are nowhere to be seen."""
    reader.prepare(life=True)
    ids = dict.fromkeys(whole_id(one) for one in reader.query.ids)
    base = len(encoded(str(reader.select(())))) + _SLACK
    try:
        for some in chunks(ids, base):
            select = reader.select((among(some),))
            async for found, _ in reader.pages(reader.ask(select, everything=reader.facts.deleted)):
                yield reader.page(found, resume=None)
    except Faulty as error:
        raise raised(error, reader) from error


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
    Kind.IDS: _by_id,
    Kind.COUNT: _count,
    Kind.SENT: sent,
}
