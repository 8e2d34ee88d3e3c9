"""Records by their ids."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from functools import partial

from crmsync.connectors.paging import in_order
from crmsync.model import Page
from crmsync_dynamics.decode import Decoded
from crmsync_dynamics.errors import Faulty
from crmsync_dynamics.narrowed import FILTER
from crmsync_dynamics.query import among, chunks
from crmsync_dynamics.reading import Reader, raised
from crmsync_dynamics.tables import Column

_SLACK = 200


async def by_id(reader: Reader) -> AsyncGenerator[Page, None]:
    """Records by id, merged and qualified ones as such; ids that are in no page are nowhere to be seen."""
    column = reader.key
    base = len(str(reader.select(reader.where()))) + _SLACK
    asks = (partial(_some, reader, column, some) for some in chunks(dict.fromkeys(reader.query.ids), column.wire, base))
    try:
        async with aclosing(in_order(asks, _at_once(reader))) as answers:
            async for pages in answers:
                for found in pages:
                    yield await reader.page(found, resume=None)
                if not reader.client.features.has(FILTER):
                    return  # all records were read, and those that were asked for kept
    except Faulty as error:
        raise raised(error, reader) from error


async def _some(reader: Reader, column: Column, ids: Sequence[str]) -> list[Decoded]:
    where = (*reader.where(), among(column.wire, ids, column.field.native))
    return [found async for found, _ in reader.pages(str(reader.select(where)), tracked=False)]


def _at_once(reader: Reader) -> int:
    """How many questions are asked at once: of a plain server, which may refuse the first, one after the other."""
    return 1 if reader.client.features.plain else reader.session.settings.concurrency
