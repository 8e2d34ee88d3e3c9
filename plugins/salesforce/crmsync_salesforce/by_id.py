"""Records by their ids: by queries while an address holds all of them, and in collections beyond that."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence

import msgspec

from crmsync.errors import RetryLater
from crmsync.model import Page
from crmsync_salesforce.decode import json_decoder
from crmsync_salesforce.errors import Faulty, Policy
from crmsync_salesforce.query import among, chunks, encoded, whole_id
from crmsync_salesforce.reading import Reader, raised

_SLACK = 100
_NULL = msgspec.Raw(b"null")
_ENDS = frozenset({Policy.RETRY, Policy.QUOTA, Policy.LOGIN, Policy.STOP})  # a query would meet the same


async def by_id(reader: Reader) -> AsyncGenerator[Page, None]:
    """Records by id, deleted ones as gone or merged; ids that are in no page are nowhere to be seen."""
    reader.prepare(life=True)
    ids = tuple(dict.fromkeys(whole_id(one) for one in reader.query.ids))
    size = reader.session.settings.page_size if _collects(reader, ids) else max(len(ids), 1)
    try:
        for start in range(0, len(ids), size):
            async for page in _read(reader, ids[start : start + size]):
                yield page
    except Faulty as error:
        raise raised(error, reader) from error


def _groups(reader: Reader, ids: Sequence[str]) -> list[tuple[str, ...]]:
    """The ids as the addresses of queries hold them."""
    return list(chunks(ids, len(encoded(str(reader.select(())))) + _SLACK))


def _collects(reader: Reader, ids: Sequence[str]) -> bool:
    """Whether collections, which take thousands of ids, cost fewer calls than queries."""
    features = reader.client.features
    able = features.has("retrieve") and not (features.plain or reader.where() or reader.wide)
    return able and len(_groups(reader, ids)) > 1


async def _read(reader: Reader, ids: Sequence[str]) -> AsyncGenerator[Page, None]:
    """What lives comes in one call where that may be; what became of the others only queries tell."""
    if _collects(reader, ids) and (found := await _collected(reader, ids)) is not None:
        records = b",".join(one for one in found if one != _NULL)
        page = json_decoder(reader.columns)(b'{"done":true,"records":[' + records + b"]}")
        ids = [one for one, record in zip(ids, found, strict=True) if record == _NULL]
        yield reader.page(page, resume=None)
    for some in _groups(reader, ids):
        asked = reader.ask(reader.select((among(some),)), everything=reader.facts.deleted)
        async for page, _ in reader.pages(asked):
            yield reader.page(page, resume=None)


async def _collected(reader: Reader, ids: Sequence[str]) -> list[msgspec.Raw] | None:
    """The records in the order of their ids, null for each that is not visible; None where queries have to do."""
    body = {"ids": ids, "fields": [one.name for one in reader.columns]}
    try:
        answer = await reader.client.call("POST", f"composite/sobjects/{reader.object}", body=body)
        found = msgspec.json.decode(reader.meter.add(answer).body, type=list[msgspec.Raw])
    except msgspec.MsgspecError as error:
        raise RetryLater(f"{reader.object}: an answer cannot be read: {error}.", code="not_json") from error
    except Faulty as error:
        if error.policy in _ENDS:
            raise
        if error.policy in (Policy.ABSENT, Policy.MISTAKE):
            reader.client.features.miss("retrieve", error.fault.code)
        return None
    if len(found) != len(ids):
        raise RetryLater(f"{reader.object}: {len(found)} records came for {len(ids)} ids.", code="incomplete")
    return found
