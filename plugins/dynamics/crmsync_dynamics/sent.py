"""What a create made whose answer was lost: the record under the id of our making is it, or there is none."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from datetime import timedelta

from msgspec.structs import replace

from crmsync.clock import moment
from crmsync.model import Page
from crmsync_dynamics.by_id import by_id
from crmsync_dynamics.created import id_of
from crmsync_dynamics.reading import Reader


async def sent(reader: Reader) -> AsyncGenerator[Page, None]:
    """The record that the lost create made, if it did.

    A page with `gap` is too early to be believed: the request may still be on its way.
    """
    wanted = reader.query.sent
    assert wanted is not None
    visible = reader.client.now() - timedelta(seconds=reader.session.settings.lag_seconds)
    early = visible < moment(wanted.at) + reader.client.offset
    reader.query = replace(reader.query, ids=(id_of(wanted.key),))
    async for page in by_id(reader):
        yield replace(page, gap=early)
