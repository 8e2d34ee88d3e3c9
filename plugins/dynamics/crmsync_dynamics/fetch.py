"""The kinds of reads, and which function does each."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from crmsync.model import Kind, Page, Query
from crmsync_dynamics.by_id import by_id
from crmsync_dynamics.changes import changes
from crmsync_dynamics.counting import count
from crmsync_dynamics.errors import Faulty
from crmsync_dynamics.load import load
from crmsync_dynamics.reading import Reader, failed
from crmsync_dynamics.sent import sent
from crmsync_dynamics.session import DynamicsSession


async def fetch(session: DynamicsSession, query: Query) -> AsyncIterator[Page]:
    """Read pages, as the contract of the `fetch` hook says."""
    known = await session.describes.last(query.object)
    try:
        reader = Reader(session, query, known)
    except Faulty as error:
        raise failed(error, session, query.object) from error
    async with aclosing(_READS[query.kind](reader)) as pages:
        async for page in pages:
            yield page


_READS: dict[Kind, Callable[[Reader], AsyncGenerator[Page, None]]] = {
    Kind.LOAD: load,
    Kind.CHANGES: changes,
    Kind.IDS: by_id,
    Kind.COUNT: count,
    Kind.SENT: sent,
}
