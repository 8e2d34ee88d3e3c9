"""One row: made, changed, made or changed, and deleted, whole or by one property."""

from __future__ import annotations

from crmsync_dynamics.simulator import addresses
from crmsync_dynamics.simulator.api.call import SERVICE, Call, Reply
from crmsync_dynamics.simulator.api.inward import check_conditions, writer
from crmsync_dynamics.simulator.api.site import Site
from crmsync_dynamics.simulator.errors import Refusal, no_segment
from crmsync_dynamics.simulator.fields import Entity

FAILED = 400
_CONDITIONS = frozenset({"if-match", "if-none-match"})


def create(site: Site, call: Call, set_name: str) -> Reply:
    """Make a row: 204 with its address, or 201 with the row where the caller prefers that."""
    entity = site.state.entity_of_set(set_name)
    if entity is None:
        raise no_segment(set_name)
    with site.state.transaction():
        identity = writer(site, call).create(entity, call.json())
        return _written(site, call, entity, identity, new=True)


def change(site: Site, call: Call, set_name: str, key: str) -> Reply:
    """Change the row at an address, or make it there where no condition forbids that."""
    address = addresses.read(site.state, set_name, key)
    with site.state.transaction():
        check_conditions(site, call, address)
        identity, new = writer(site, call).upsert(address, call.json())
        return _written(site, call, address.entity, identity, new=new)


def delete(site: Site, call: Call, set_name: str, key: str) -> Reply:
    """Delete the row at an address."""
    address = addresses.read(site.state, set_name, key)
    with site.state.transaction():
        if call.header("If-Match"):
            check_conditions(site, call, address)
        writer(site, call).delete(address.entity, addresses.need(site.state, address))
    return Reply(204)


def put_property(site: Site, call: Call, set_name: str, key: str, name: str) -> Reply:
    """Set one property to the `value` of the body."""
    return _property(site, call, set_name, key, {name: call.json().get("value")})


def delete_property(site: Site, call: Call, set_name: str, key: str, name: str) -> Reply:
    """Empty one property."""
    return _property(site, call, set_name, key, {name: None})


def _property(site: Site, call: Call, set_name: str, key: str, body: dict[str, object]) -> Reply:
    address = addresses.read(site.state, set_name, key)
    with site.state.transaction():
        writer(site, call).update(address.entity, addresses.need(site.state, address), body)
    return Reply(204)


def _written(site: Site, call: Call, entity: Entity, identity: str, *, new: bool) -> Reply:
    where = f"{call.base}/{entity.set_name}({identity})"
    if not call.prefer.representation:
        place = {"Location": where} if new else {}
        return Reply(204, None, {"OData-EntityId": where, **place})
    headers = {name: value for name, value in call.headers.items() if name.lower() not in _CONDITIONS}
    path = f"{SERVICE}{call.version}/{entity.set_name}({identity})?{call.raw_query}"
    shown = site.dispatch(call.inner("GET", path, b"", headers))
    if shown.status >= FAILED:  # who may not read the row does not write it in this way either
        raise Refusal(shown.body["error"]["code"], shown.body["error"]["message"], status=shown.status)
    return Reply(201 if new else 200, shown.body, shown.headers)
