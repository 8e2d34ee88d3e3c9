"""Many rows of one table in one message, all of them or none: CreateMultiple, UpdateMultiple and UpsertMultiple."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crmsync_dynamics.simulator import addresses, ids
from crmsync_dynamics.simulator.api.call import Call, Reply, unreadable
from crmsync_dynamics.simulator.api.inward import writer
from crmsync_dynamics.simulator.api.site import Site
from crmsync_dynamics.simulator.errors import Refusal, no_segment
from crmsync_dynamics.simulator.fields import Entity
from crmsync_dynamics.simulator.state import State
from crmsync_dynamics.simulator.writes import Writer

Targets = list[dict[str, Any]]


def create_multiple(site: Site, call: Call, set_name: str) -> Reply:
    """Make rows; the answer has their ids in the order of the targets."""
    made = _run(site, call, set_name, "CreateMultiple", _create)
    context = f"{call.base}/$metadata#Microsoft.Dynamics.CRM.CreateMultipleResponse"
    return Reply(body={"@odata.context": context, "Ids": made})


def update_multiple(site: Site, call: Call, set_name: str) -> Reply:
    """Change rows that are named by their key in the target."""
    _run(site, call, set_name, "UpdateMultiple", _update)
    return Reply(204)


def upsert_multiple(site: Site, call: Call, set_name: str) -> Reply:
    """Make or change rows that are named by `@odata.id` or by their key in the target."""
    _run(site, call, set_name, "UpsertMultiple", _upsert)
    return Reply(204)


def delete_multiple(site: Site, call: Call, set_name: str) -> Reply:
    """Refuse: this message is for tables of another kind."""
    del site, call, set_name
    raise Refusal("0x80040216", "DeleteMultiple has not yet been implemented.")


def bulk_delete(site: Site, call: Call) -> Reply:
    """Delete the rows that the conditions of a job name by their keys; here the job is done at once."""
    body = call.json()
    with site.state.transaction():
        write = writer(site, call)
        for query in body.get("QuerySet", []):
            entity = site.state.entities[query["EntityName"]]
            for condition in query["Criteria"]["Conditions"]:
                for value in condition["Values"]:
                    write.delete(entity, str(ids.normalise(str(value["Value"]))))
    context = f"{call.base}/$metadata#Microsoft.Dynamics.CRM.BulkDeleteResponse"
    return Reply(body={"@odata.context": context, "JobId": next(site.state.ids)})


def _run(
    site: Site, call: Call, set_name: str, message: str, work: Callable[[State, Writer, Entity, Targets], list[str]]
) -> list[str]:
    site.need("bulk")
    entity = site.state.entity_of_set(set_name)
    if entity is None or not _supports(site.state, entity, message):
        raise no_segment(f"Microsoft.Dynamics.CRM.{message}" if entity else set_name)
    targets = call.json().get("Targets")
    if not isinstance(targets, list) or not targets:
        raise unreadable("The parameter Targets is missing.")
    for target in targets:
        _need_type(entity, target)
    with site.state.transaction():
        return work(site.state, writer(site, call, len(targets)), entity, targets)


def _supports(state: State, entity: Entity, message: str) -> bool:
    filters = state.tables["sdkmessagefilter"].by_id.values()
    names = (state.get(one["sdkmessageid"]) for one in filters if one.get("primaryobjecttypecode") == entity.name)
    return any(one is not None and one["name"] == message for one in names)


def _need_type(entity: Entity, target: dict[str, Any]) -> None:
    kind = str(target.get("@odata.type", "")).lstrip("#")
    if kind != f"Microsoft.Dynamics.CRM.{entity.name}":
        name = next((one for one in target if not one.startswith("@")), "")
        told = kind.rpartition(".")[2]
        raise Refusal("0x80041103", f"'{told}' entity doesn't contain attribute with Name = '{name}'.")


def _create(state: State, write: Writer, entity: Entity, targets: Targets) -> list[str]:
    del state
    return [write.create(entity, target) for target in targets]


def _update(state: State, write: Writer, entity: Entity, targets: Targets) -> list[str]:
    keys = [ids.normalise(str(target.get(entity.key, ""))) or "" for target in targets]
    unknown = [one for one in keys if one not in state.tables[entity.name].by_id]
    if unknown:
        raise Refusal("0x80040217", f"{entity.label} With Ids = {', '.join(unknown)} Do Not Exist")
    for key, target in zip(keys, targets, strict=True):
        write.update(entity, key, target)
    return keys


def _upsert(state: State, write: Writer, entity: Entity, targets: Targets) -> list[str]:
    return [_upsert_one(state, write, entity, target) for target in targets]


def _upsert_one(state: State, write: Writer, entity: Entity, target: dict[str, Any]) -> str:
    if "@odata.id" in target:
        address = addresses.of_reference(state, target["@odata.id"])
    else:
        address = addresses.Address(entity, ids.normalise(str(target.get(entity.key, ""))))
    if address.entity.name != entity.name or (address.identity is None and not address.keys):
        raise unreadable("The target names no row of the table.")
    if addresses.find(state, address) is None and address.keys.keys() & target.keys():
        raise Refusal("0x80040216", "An unexpected error occurred: an item with the same key has already been added.")
    return write.upsert(address, target)[0]
