"""Records written through REST: in collections of up to 200, or one by one where a server has none."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from urllib.parse import quote

import msgspec
from msgspec import Struct

from crmsync.writes import Wish
from crmsync_salesforce import wire
from crmsync_salesforce.client import Answer, Client
from crmsync_salesforce.delivery import Batch
from crmsync_salesforce.errors import Fault, Faulty, Policy
from crmsync_salesforce.items import Item, Mark, Way, Written

COLLECTIONS = "composite/sobjects"
_ALL_OR_NONE = "allOrNone"


class _Error(msgspec.Struct, gc=False):
    statusCode: str | None = None  # noqa: N815 - the vendor's spelling, here and below
    errorCode: str | None = None  # noqa: N815
    message: str | None = None
    fields: list[str] | None = None
    duplicateResult: dict[str, object] | None = None  # noqa: N815


class _Result(msgspec.Struct, gc=False):
    id: str | None = None
    success: bool = False
    errors: list[_Error] = []


class Verb(Struct, frozen=True, kw_only=True):
    """One kind of write: of many records by `method` and `tail`, each a JSON object; of one as `one` spells it."""

    method: str
    tail: str
    one: Callable[[Item], tuple[str, str, bytes | None]]  # method, tail and body
    record: Callable[[Item], msgspec.Raw] | None = None
    mark: Mark = id
    repeatable: bool = True


async def write(batch: Batch, items: Sequence[Item], verb: Verb, headers: Mapping[str, str]) -> None:
    """Write items in as few calls as the server allows. Raises as `Batch.deliver` does."""
    client = batch.session.client
    if client.features.has("collections"):
        try:
            await batch.deliver(items, _together(client, verb, headers), verb.mark)
        except Faulty as error:
            if not _lacks(error):
                raise
            client.features.miss("collections", error.fault.code)
    left = [one for one in items if one.outcome is None]
    if left:
        await batch.deliver(left, _alone(client, verb, headers), verb.mark)


def headers_of(wish: Wish) -> dict[str, str]:
    """What the request headers say: left out, the server would let its assignment rules choose owners anew."""
    found = {"Sforce-Auto-Assign": "TRUE" if wish.assign else "FALSE"}
    if wish.duplicates:
        found["Sforce-Duplicate-Rule-Header"] = "allowSave=true"
    return found


def identity(item: Item) -> str:
    """What two changes of one call must not share: the record."""
    return item.id


def updating(obj: str) -> Verb:
    """Change records by their ids."""

    def one(item: Item) -> tuple[str, str, bytes]:
        return "PATCH", f"sobjects/{obj}/{item.id}", item.body

    def record(item: Item) -> msgspec.Raw:
        return wire.headed({"attributes": {"type": obj}, "id": item.id}, item.body)

    return Verb(method="PATCH", tail=COLLECTIONS, record=record, one=one, mark=identity)


def creating(obj: str) -> Verb:
    """Make records; what was lost on its way must not be sent again."""

    def one(item: Item) -> tuple[str, str, bytes]:
        return "POST", f"sobjects/{obj}", item.body

    def record(item: Item) -> msgspec.Raw:
        return wire.headed({"attributes": {"type": obj}}, item.body)

    return Verb(method="POST", tail=COLLECTIONS, record=record, one=one, repeatable=False)


def keyed(obj: str, key: str) -> Verb:
    """Make records under the key of each change, as often as it takes: a second time finds the first."""

    def one(item: Item) -> tuple[str, str, bytes]:
        return "PATCH", f"sobjects/{obj}/{key}/{quote(item.change.key, safe='')}", item.body

    def record(item: Item) -> msgspec.Raw:
        return wire.headed({"attributes": {"type": obj}, key: item.change.key}, item.body)

    def mark(item: Item) -> str:
        return item.change.key.casefold()

    return Verb(method="PATCH", tail=f"{COLLECTIONS}/{obj}/{key}", record=record, one=one, mark=mark)


def deleting(obj: str) -> Verb:
    """Delete records by their ids."""

    def one(item: Item) -> tuple[str, str, None]:
        return "DELETE", f"sobjects/{obj}/{item.id}", None

    return Verb(method="DELETE", tail=COLLECTIONS, one=one, mark=identity)


def _together(client: Client, verb: Verb, headers: Mapping[str, str]) -> Way:
    async def send(items: Sequence[Item]) -> Answer:
        if verb.record is None:
            ids = ",".join(quote(one.id, safe="") for one in items)
            tail, body = f"{verb.tail}?ids={ids}&{_ALL_OR_NONE}=false", None
        else:
            tail, body = verb.tail, {_ALL_OR_NONE: False, "records": [verb.record(one) for one in items]}
        return await client.call(verb.method, tail, headers=headers, body=body, repeatable=False)

    return Way(send=send, read=_results, repeatable=verb.repeatable)


def _results(answer: Answer) -> Sequence[Written]:
    return [_written(one) for one in msgspec.json.decode(answer.body, type=list[_Result])]


def _written(result: _Result) -> Written:
    if result.success:
        return Written(id=result.id)
    faults = tuple(
        Fault(
            one.statusCode or one.errorCode or "UNKNOWN", one.message or "no reason was given", tuple(one.fields or ()),
            more=one.duplicateResult or {},
        )
        for one in result.errors
    )  # fmt: skip
    return Written(id=result.id, faults=faults or (Fault("UNKNOWN", "no reason was given"),))


def _alone(client: Client, verb: Verb, headers: Mapping[str, str]) -> Way:
    async def send(items: Sequence[Item]) -> Answer:
        method, tail, body = verb.one(items[0])
        return await client.call(method, tail, headers=headers, body=body, repeatable=False)

    def read(answer: Answer) -> Sequence[Written]:
        if not answer.body:  # 204: there is nothing to say but that it is done
            return [Written()]
        return [_written(msgspec.json.decode(answer.body, type=_Result))]

    return Way(send=send, read=read, repeatable=verb.repeatable, most=1)


def _lacks(error: Faulty) -> bool:
    """Whether a server says that it has no collections, rather than no such key."""
    absent = error.policy is Policy.ABSENT or error.fault.code == "METHOD_NOT_ALLOWED"
    return absent and "external id" not in error.fault.message.lower()
