"""One record at a time: create, read, change, delete, and all of it by an external id."""

from __future__ import annotations

from typing import Any

from crmsync_salesforce.simulator import ids
from crmsync_salesforce.simulator.access import shown
from crmsync_salesforce.simulator.api.call import Call, Reply
from crmsync_salesforce.simulator.api.metadata import visible
from crmsync_salesforce.simulator.api.site import Site
from crmsync_salesforce.simulator.errors import Refusal, not_found
from crmsync_salesforce.simulator.fields import Field, ObjectType, Values
from crmsync_salesforce.simulator.lifecycle import Lifecycle
from crmsync_salesforce.simulator.reader import Reader
from crmsync_salesforce.simulator.soql.render import Shape
from crmsync_salesforce.simulator.writes import Writer

_QUIET_UPSERT = 46.0


def done(identity: str, *, created: bool | None = None) -> dict[str, Any]:
    """The body of one successful write."""
    body: dict[str, Any] = {"id": identity, "success": True, "errors": []}
    return body if created is None else {**body, "created": created}


def create(site: Site, call: Call, name: str) -> Reply:
    """Make a record."""
    kind = visible(site, call, name)
    identity = Writer(site.state, call.rights, manner=call.manner).create(kind.name, call.json_object())
    return Reply(201, done(identity), {"Location": f"{call.objects}/{kind.name}/{identity}"})


def read(site: Site, call: Call, name: str, identity: str) -> Reply:
    """Read a record, all of it or some fields."""
    kind = visible(site, call, name)
    return Reply(body=record(site, call, kind, whole_id(identity), _wanted(call)))


def _wanted(call: Call) -> list[str]:
    return [one for one in call.query.get("fields", "").split(",") if one]


def whole_id(identity: str) -> str:
    """The 18-character id of a path; 404 for anything else."""
    whole = ids.normalise(identity)
    if whole is None:
        raise Refusal("NOT_FOUND", "Provided external ID field does not exist or is not accessible: " + identity)
    return whole


def record(site: Site, call: Call, kind: ObjectType, identity: str, wanted: list[str]) -> Values:
    """A record as JSON; 404 when it is not there for the user."""
    table = site.state.tables[kind.name]
    row = table.by_id.get(identity)
    if row is None or not call.rights.sees_row(kind.name, row):
        raise not_found()
    if not table.live(row):
        raise Refusal("ENTITY_IS_DELETED", "entity is deleted", fields=[])
    shape = Shape(Reader(site.state, call.rights), table)
    for one in wanted or call.rights.visible_fields(kind):
        shape.take(one)
    return shape.records([row], call.objects)[0]


def update(site: Site, call: Call, name: str, identity: str) -> Reply:
    """Change a record."""
    kind = visible(site, call, name)
    given = call.json_object()
    if any(key.lower() == "id" for key in given):
        raise Refusal("INVALID_FIELD", "The Id field should not be specified in the sobject data.", fields=["Id"])
    Writer(site.state, call.rights, manner=call.manner).update(kind.name, whole_id(identity), given)
    return Reply(204)


def delete(site: Site, call: Call, name: str, identity: str) -> Reply:
    """Put a record into the recycle bin."""
    kind = visible(site, call, name)
    Lifecycle(site.state, call.rights).delete(whole_id(identity), kind.name)
    return Reply(204)


def key_field(kind: ObjectType, name: str) -> Field:
    """The external id or look-up field of a path; 404 when the field is neither."""
    field = kind.find(name)
    if field is None or not (field.external_id or field.id_lookup):
        raise Refusal("NOT_FOUND", f"Provided external ID field does not exist or is not accessible: {name}")
    return field


def read_by_key(site: Site, call: Call, name: str, key: str, value: str) -> Reply:
    """Read a record by an external id."""
    kind = visible(site, call, name)
    found = Writer(site.state, call.rights).matches(kind.name, key_field(kind, key).name, value)
    if not found:
        raise not_found()
    if len(found) > 1:
        return _several(call, kind, found)
    return Reply(body=record(site, call, kind, found[0], _wanted(call)))


def _several(call: Call, kind: ObjectType, found: list[str]) -> Reply:
    return Reply(300, [f"{call.objects}/{kind.name}/{one}" for one in found])


def upsert(site: Site, call: Call, name: str, key: str, value: str) -> Reply:
    """Change the record an external id names, or make it."""
    kind = visible(site, call, name)
    field = key_field(kind, key)
    given = call.json_object()
    if any(one.lower() in {"id", field.name.lower()} for one in given):
        raise Refusal(
            "INVALID_FIELD", f"The {field.name} field should not be specified in the sobject data.", fields=[field.name]
        )
    writer = Writer(site.state, call.rights, manner=call.manner)
    found = writer.matches(kind.name, field.name, value)
    if len(found) > 1:
        return _several(call, kind, found)
    if found:
        writer.update(kind.name, found[0], given)
        return Reply(204) if float(call.version) < _QUIET_UPSERT else Reply(200, done(found[0], created=False))
    if call.query.get("updateOnly", "").lower() == "true" or field.type == "id":
        raise not_found()
    identity = writer.create(kind.name, {**given, field.name: value})
    return Reply(201, done(identity, created=True), {"Location": f"{call.objects}/{kind.name}/{identity}"})


def delete_by_key(site: Site, call: Call, name: str, key: str, value: str) -> Reply:
    """Delete the record an external id names."""
    kind = visible(site, call, name)
    found = Writer(site.state, call.rights).matches(kind.name, key_field(kind, key).name, value)
    if not found:
        raise not_found()
    if len(found) > 1:
        return _several(call, kind, found)
    Lifecycle(site.state, call.rights).delete(found[0], kind.name)
    return Reply(204)


def retrieve(site: Site, call: Call, kind: ObjectType, wanted: list[str], fields: list[str]) -> list[Values | None]:
    """Many records by id, with None in the place of each that is not there for the user."""
    table = site.state.tables[kind.name]
    shape = Shape(Reader(site.state, call.rights), table)
    for one in fields:
        shape.take(one)
    records: list[Values | None] = []
    for one in wanted:
        row = table.by_id.get(ids.normalise(one) or "")
        found = row is not None and shown(call.rights, table, row)
        records.append(shape.records([row], call.objects)[0] if found and row is not None else None)
    return records
