"""Up to 200 records in one call: results in request order, errors per record, all or none on request."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from msgspec.structs import replace

from crmsync_salesforce.simulator import ids
from crmsync_salesforce.simulator.api.call import Call, Reply
from crmsync_salesforce.simulator.api.metadata import visible
from crmsync_salesforce.simulator.api.records import done, key_field
from crmsync_salesforce.simulator.api.records import retrieve as find_records
from crmsync_salesforce.simulator.api.site import Site
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.fields import Values
from crmsync_salesforce.simulator.lifecycle import Lifecycle
from crmsync_salesforce.simulator.writes import Writer

Write = Callable[[Any], dict[str, Any]]
MOST, MOST_CHUNKS, MOST_READ = 200, 10, 2000
_WHOLE_CALL = "JSON_PARSER_ERROR"
ROLLED_BACK = Refusal(
    "ALL_OR_NONE_OPERATION_ROLLED_BACK",
    "Record rolled back because not all records were valid and the request was using AllOrNone header",
    fields=[],
)


def _records(site: Site, call: Call) -> tuple[list[Values], bool]:
    site.need("collections")
    body = call.json_object()
    records = body.get("records")
    if not isinstance(records, list) or not all(isinstance(one, dict) for one in records):
        raise Refusal("JSON_PARSER_ERROR", "Unable to find: records")
    if not records:
        raise Refusal("INVALID_INPUT", "The request must contain at least one record")
    _limit(len(records))
    chunks = [key for key, _ in groupby(str(one.get("attributes", {}).get("type")) for one in records)]
    if len(chunks) > MOST_CHUNKS:
        raise Refusal("EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {MOST_CHUNKS} chunks")
    return records, bool(body.get("allOrNone", False))


def _limit(count: int) -> None:
    if count > MOST:
        raise Refusal(
            "EXCEEDED_ID_LIMIT", f"record limit reached. cannot submit more than {MOST} records into this call"
        )


def _writer(site: Site, call: Call, records: Sequence[Values]) -> Writer:
    return Writer(site.state, call.rights, manner=replace(call.manner, size=len(records)))


def _failed(refusal: Refusal) -> dict[str, Any]:
    return {"success": False, "errors": [refusal.row()]}


def run_all(site: Site, items: Sequence[Any], write: Write, *, all_or_none: bool) -> list[dict[str, Any]]:
    """One result per item, in order; with all_or_none one failure takes every other write back."""
    with site.state.transaction() as journal:
        try:
            results = [_run_one(item, write) for item in items]
        except Refusal:
            site.state.roll_back(journal)
            raise
    if all_or_none and not all(one["success"] for one in results):
        site.state.roll_back(journal)
        return [_failed(ROLLED_BACK) if one["success"] else one for one in results]
    return results


def _run_one(item: Any, write: Write) -> dict[str, Any]:
    try:
        return write(item)
    except Refusal as refusal:
        if refusal.code == _WHOLE_CALL:
            raise
        return _failed(refusal)


def _type(site: Site, call: Call, record: Values) -> str:
    name = record.get("attributes", {}).get("type")
    if not name:
        raise Refusal("INVALID_FIELD", "Type is missing from attributes")
    return visible(site, call, str(name)).name


def _identity(record: Values) -> str:
    given = next((value for key, value in record.items() if key.lower() == "id"), None)
    if given is None:
        raise Refusal("MISSING_ARGUMENT", "Id not specified in an update call", fields=["Id"])
    whole = ids.normalise(given)
    if whole is None:
        raise Refusal("MALFORMED_ID", f"malformed id {given}", fields=["Id"])
    return whole


def create(site: Site, call: Call) -> Reply:
    """Make many records."""
    records, all_or_none = _records(site, call)
    writer = _writer(site, call, records)

    def write(record: Values) -> dict[str, Any]:
        return done(writer.create(_type(site, call, record), record))

    return Reply(body=run_all(site, records, write, all_or_none=all_or_none))


def update(site: Site, call: Call) -> Reply:
    """Change many records."""
    records, all_or_none = _records(site, call)
    writer = _writer(site, call, records)
    seen: set[str] = set()

    def write(record: Values) -> dict[str, Any]:
        identity = _identity(record)
        if identity in seen:
            raise Refusal("DUPLICATE_VALUE", f"duplicate id in list: {identity}", fields=["Id"])
        seen.add(identity)
        writer.update(_type(site, call, record), identity, record)
        return done(identity)

    return Reply(body=run_all(site, records, write, all_or_none=all_or_none))


def upsert(site: Site, call: Call, name: str, key: str) -> Reply:
    """Change or make many records of one object by an external id."""
    records, all_or_none = _records(site, call)
    kind = visible(site, call, name)
    field = key_field(kind, key)
    writer = _writer(site, call, records)
    seen: set[str] = set()

    def write(record: Values) -> dict[str, Any]:
        value = next((one for name, one in record.items() if name.lower() == field.name.lower()), None)
        if str(value) in seen:
            raise Refusal("DUPLICATE_VALUE", f"Duplicate external id specified: {value}", fields=[field.name])
        if value is not None:
            seen.add(str(value))
        return upsert_one(writer, kind.name, field.name, value, record)

    return Reply(body=run_all(site, records, write, all_or_none=all_or_none))


def upsert_one(writer: Writer, name: str, key: str, value: object, record: Values) -> dict[str, Any]:
    """Change the one record a key names, or make it."""
    if value in {None, ""} and key != "Id":
        raise Refusal("MISSING_ARGUMENT", f"{key} not specified", fields=[])
    found = writer.matches(name, key, _spelled(key, value)) if value else []
    if len(found) > 1:
        raise Refusal("DUPLICATE_EXTERNAL_ID", f"{key}: more than one record found for external id field: {found}")
    if found:
        rest = {one: cell for one, cell in record.items() if one.lower() != key.lower()}
        writer.update(name, found[0], rest)
        return done(found[0], created=False)
    if key == "Id" and value:
        raise Refusal("NOT_FOUND", "The requested resource does not exist")
    return done(writer.create(name, record), created=True)


def _spelled(key: str, value: object) -> str:
    return (ids.normalise(value) or str(value)) if key == "Id" else str(value)


def delete(site: Site, call: Call) -> Reply:
    """Delete many records by their ids."""
    site.need("collections")
    wanted = [one for one in call.query.get("ids", "").split(",") if one]
    _limit(len(wanted))
    life = Lifecycle(site.state, call.rights)

    def write(identity: str) -> dict[str, Any]:
        whole = ids.normalise(identity)
        if whole is None:
            raise Refusal("MALFORMED_ID", f"malformed id {identity}", fields=[])
        life.delete(whole)
        return done(whole)

    all_or_none = call.query.get("allOrNone", "").lower() == "true"
    return Reply(body=run_all(site, wanted, write, all_or_none=all_or_none))


def retrieve(site: Site, call: Call, name: str) -> Reply:
    """Read many records by their ids; null in the place of each that is not there."""
    site.need("collections")
    kind = visible(site, call, name)
    if call.method == "POST":
        body = call.json_object()
        wanted, fields = list(body.get("ids", [])), list(body.get("fields", []))
    else:
        wanted = [one for one in call.query.get("ids", "").split(",") if one]
        fields = [one for one in call.query.get("fields", "").split(",") if one]
    if len(wanted) > MOST_READ:
        raise Refusal("EXCEEDED_ID_LIMIT", f"record limit reached. cannot retrieve more than {MOST_READ} records")
    return Reply(body=find_records(site, call, kind, wanted, fields))
