"""Many records of a table in one message: faster than a batch of as many, and done all or none.

What such a message does not take goes on in batches, which tell the bad record from the good ones. A message knows no
versions: between the read before it and the message itself lie the seconds that lie there in a batch, too, only that
nothing tells of an edit in them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from crmsync.errors import CrmError
from crmsync_dynamics import outcomes, wire
from crmsync_dynamics.delivery import NETWORK, PARTS, Batch, certain
from crmsync_dynamics.errors import Faulty, Policy
from crmsync_dynamics.items import Item

MOST = 500
"""Records in one message; the server has two minutes for all of them."""

_PREFIX = "Microsoft.Dynamics.CRM."
_GOING_ON = frozenset({Policy.LOGIN, Policy.STOP, Policy.FULL})
_NONE_SUCH = frozenset({Policy.OBJECT, Policy.ABSENT, Policy.MISTAKE})


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
    await _many(batch, items, "UpdateMultiple", {})


async def create_many(batch: Batch, items: Sequence[Item], headers: dict[str, str]) -> None:
    """Make what can be in messages; what was not made stays open. Raises ours."""
    await _many(batch, items, "CreateMultiple", headers)


async def _many(batch: Batch, items: Sequence[Item], message: str, headers: dict[str, str]) -> None:
    ready = [one for one in items if len(one.requests) == 1]
    chunks = [ready[start : start + MOST] for start in range(0, len(ready), MOST)]
    found = await asyncio.gather(
        *(_message(batch, chunk, message, headers) for chunk in chunks), return_exceptions=True
    )  # fmt: skip
    for error in found:
        if isinstance(error, BaseException):
            raise error


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
