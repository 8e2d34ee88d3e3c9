"""Many records of a table in one message: faster than a batch of as many, and done all or none.

What such a message does not take goes on in batches, which tell the bad record from the good ones. A message knows no
versions, so they are asked for just before it: what moved since it was read and merged goes in a batch, which refuses
it. Only of an edit while the message itself is under way nothing tells.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

import msgspec
from msgspec.structs import replace

from crmsync.errors import CrmError, RetryLater
from crmsync_dynamics import batch as multipart
from crmsync_dynamics import outcomes, wire
from crmsync_dynamics.delivery import NETWORK, PARTS, Batch, certain
from crmsync_dynamics.errors import Faulty, Policy
from crmsync_dynamics.items import Item, Request
from crmsync_dynamics.query import Select, among, chunks
from crmsync_dynamics.routes import VERSION

MOST = 500
"""Records in one message; the server has two minutes for all of them."""

_BASE = 200  # characters of the address of a question, beside the ids
_PREFIX = "Microsoft.Dynamics.CRM."
_GOING_ON = frozenset({Policy.LOGIN, Policy.STOP, Policy.FULL})
_NONE_SUCH = frozenset({Policy.OBJECT, Policy.ABSENT, Policy.MISTAKE})


_Fit = Callable[[Batch, Sequence[Item]], Awaitable[Sequence[Item]]]
"""Which of some records may go in a message."""


def suits(batch: Batch, items: Sequence[Item]) -> bool:
    """Whether messages of these records cost fewer calls than batches of them, and may be sent at all."""
    session = batch.session
    if session.settings.bulk == "never" or not session.client.features.has("multiple"):
        return False
    least = 1 if session.settings.bulk == "always" else PARTS
    distinct = len({one.id for one in items}) == len(items)
    return len(items) > least and distinct and _lack(batch) not in session.lacks


async def update_many(batch: Batch, items: Sequence[Item]) -> None:
    """Change what can be in messages; what was not done stays open. Raises ours."""
    await _many(batch, items, "UpdateMultiple", {}, _unmoved)


async def create_many(batch: Batch, items: Sequence[Item], headers: dict[str, str]) -> None:
    """Make what can be in messages; what was not made stays open. Raises ours."""
    await _many(batch, items, "CreateMultiple", headers, _as_they_are)


async def _many(
    batch: Batch, items: Sequence[Item], message: str, headers: dict[str, str], fit: _Fit
) -> None:  # fmt: skip
    ready = [one for one in items if len(one.requests) == 1]
    chunks = [ready[start : start + MOST] for start in range(0, len(ready), MOST)]

    async def send(chunk: Sequence[Item]) -> None:
        if left := await fit(batch, chunk):
            await _message(batch, left, message, headers)

    found = await asyncio.gather(*map(send, chunks), return_exceptions=True)
    for error in found:
        if isinstance(error, BaseException):
            raise error


async def _as_they_are(_batch: Batch, items: Sequence[Item]) -> Sequence[Item]:
    return items


async def _unmoved(batch: Batch, items: Sequence[Item]) -> Sequence[Item]:
    """Those whose records have the version that they were merged with; none where it cannot be told."""
    try:
        now = await _versions(batch, [one.id for one in items if _wanted(one)])
    except (Faulty, RetryLater, ValueError):
        return ()  # the batches meet whatever it is, with their own patience
    return [one for one in items if not (wanted := _wanted(one)) or now.get(one.id) == wanted]


async def _versions(batch: Batch, ids: Sequence[str]) -> dict[str, str]:
    """The versions of records as preconditions name them, by id, in one call. Raises Faulty, ValueError and ours."""
    table, client, boundary = batch.known.table, batch.session.client, multipart.new_boundary()
    select = Select(set=table.set, columns=(table.key, VERSION))
    questions = [replace(select, where=(among(table.key, some),)) for some in chunks(ids, table.key, _BASE)]
    asked = [[Request(method="GET", path=str(one))] for one in questions]
    if not asked:
        return {}
    body = multipart.compose(asked, urlsplit(client.settings.root).path, boundary)
    answer = await client.request(
        "POST", "$batch", headers={"Content-Type": multipart.kind(boundary)}, body=body, repeatable=True
    )
    found: dict[str, str] = {}
    for one in multipart.replies(answer.body, answer.headers.get("Content-Type", ""), len(asked)):
        rows = msgspec.json.decode(one.body, type=dict[str, Any]).get("value", ()) if one and not one.fault else ()
        found |= {str(row[table.key]): f'W/"{row.get(VERSION)}"' for row in rows}
    return found


def _wanted(item: Item) -> str:
    """The version that a change asks for; "" where it asks for none."""
    condition = item.requests[0].headers.get("If-Match", "")
    return condition if condition.startswith("W/") else ""


async def _message(batch: Batch, items: Sequence[Item], message: str, headers: dict[str, str]) -> None:
    table, client = batch.known.table, batch.session.client
    path = f"{table.set}/{_PREFIX}{message}"
    head = {"@odata.type": f"{_PREFIX}{table.name}"}
    body = {"Targets": [wire.headed({**head, table.key: one.id}, one.body) for one in items]}
    try:
        answer = await client.request("POST", path, headers=headers, body=body, repeatable=False)
        made = len(msgspec.json.decode(answer.body)["Ids"]) if message == "CreateMultiple" else len(items)
    except (Faulty, CrmError, msgspec.MsgspecError, KeyError, TypeError) as error:
        _refused(batch, items, error)
        return
    for one in items[:made]:
        one.outcome = outcomes.done(one.id)


def _refused(batch: Batch, items: Sequence[Item], error: Exception) -> None:
    """Leave the records open for batches; what concerns more than them is raised."""
    if isinstance(error, Faulty) and error.policy in _GOING_ON:
        raise error
    if isinstance(error, CrmError) and error.code != NETWORK:
        raise error
    if isinstance(error, Faulty) and error.policy in _NONE_SUCH and not _of_record(error):
        batch.session.lacks.add(_lack(batch))
    if not (isinstance(error, Faulty | CrmError) and certain(error)):
        for one in items:
            one.lost = True


def _of_record(error: Faulty) -> bool:
    """Whether an error is about a record or a value in the message, not about the message."""
    return error.fault.code in ("0x80040217", "0x80048d19")


def _lack(batch: Batch) -> str:
    return f"messages for {batch.object}"
