"""Records by their ids."""

from __future__ import annotations

from collections.abc import AsyncGenerator

from crmsync.model import Page
from crmsync_dynamics.errors import Faulty
from crmsync_dynamics.narrowed import FILTER
from crmsync_dynamics.query import among, chunks
from crmsync_dynamics.reading import Reader, raised

_SLACK = 200


async def by_id(reader: Reader) -> AsyncGenerator[Page, None]:
    """Records by id, merged and qualified ones as such; ids that are in no page are nowhere to be seen."""
    column = reader.key
    base = len(str(reader.select(reader.where()))) + _SLACK
    try:
        for some in chunks(dict.fromkeys(reader.query.ids), column.wire, base):
            where = (*reader.where(), among(column.wire, some, column.field.native))
            async for found, _ in reader.pages(str(reader.select(where)), tracked=False):
                yield await reader.page(found, resume=None)
            if not reader.client.features.has(FILTER):
                return  # all records were read, and those that were asked for kept
    except Faulty as error:
        raise raised(error, reader) from error
