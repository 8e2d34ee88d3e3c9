"""Small questions that writing has to ask: the rows of a query, all of them at once."""

from __future__ import annotations

from typing import Any

import msgspec

from crmsync_salesforce.errors import Fault, Faulty
from crmsync_salesforce.query import Select, encoded
from crmsync_salesforce.session import SalesforceSession


class _Rows(msgspec.Struct):
    records: list[dict[str, Any]]
    nextRecordsUrl: str | None = None  # noqa: N815 - the vendor's spelling


async def rows(session: SalesforceSession, select: Select, *, everything: bool = False) -> list[dict[str, Any]]:
    """All rows of a query; with `everything` those in the recycle bin too, where the server has it. Raises Faulty."""
    resource = "queryAll" if everything and session.client.features.has("queryAll") else "query"
    tail: str | None = f"{resource}?q={encoded(str(select))}"
    found: list[dict[str, Any]] = []
    while tail is not None:
        answer = await session.client.get(tail)
        try:
            page = msgspec.json.decode(answer.body, type=_Rows)
        except msgspec.MsgspecError as error:
            raise Faulty(Fault("INCOMPLETE", f"The answer to a query cannot be read: {error}", (), 500)) from error
        found += page.records
        tail = page.nextRecordsUrl
    return found
