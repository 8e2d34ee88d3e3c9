"""`$ref`: rows tied to others and let go, by a look-up, by the collection of its other side, or as a pair."""

from __future__ import annotations

from crmsync_dynamics.simulator import addresses
from crmsync_dynamics.simulator.addresses import Address
from crmsync_dynamics.simulator.api.call import Call, Reply, unreadable
from crmsync_dynamics.simulator.api.inward import writer
from crmsync_dynamics.simulator.api.site import Site
from crmsync_dynamics.simulator.errors import Refusal, no_segment
from crmsync_dynamics.simulator.fields import Entity, Pairing
from crmsync_dynamics.simulator.state import State


def put(site: Site, call: Call, set_name: str, key: str, name: str) -> Reply:
    """Point a look-up, named by its navigation property, to the row of the body."""
    return _point(site, call, addresses.read(site.state, set_name, key), name, call.json().get("@odata.id"))


def add(site: Site, call: Call, set_name: str, key: str, name: str) -> Reply:
    """Put the row of the body into a collection."""
    address = addresses.read(site.state, set_name, key)
    return _tie(site, call, address, name, addresses.of_reference(site.state, call.json().get("@odata.id")), tied=True)


def remove(site: Site, call: Call, set_name: str, key: str, name: str, other: str = "") -> Reply:
    """Empty a look-up, or take a row, by key or by `$id`, out of a collection."""
    address = addresses.read(site.state, set_name, key)
    if address.entity.navigation(name) is not None:
        return _point(site, call, address, name, None)
    if other:
        found = _far_side(site.state, address.entity, name)
        member = addresses.read(site.state, found.set_name, other)
    else:
        member = addresses.of_reference(site.state, call.query.get("$id"))
    return _tie(site, call, address, name, member, tied=False)


def _point(site: Site, call: Call, address: Address, name: str, target: object) -> Reply:
    if address.entity.navigation(name) is None:
        raise no_segment(name)
    with site.state.transaction():
        body = {f"{name}@odata.bind": target}
        writer(site, call).update(address.entity, addresses.need(site.state, address), body)
    return Reply(204)


def _tie(site: Site, call: Call, address: Address, name: str, member: Address, *, tied: bool) -> Reply:
    state = site.state
    near, far = addresses.need(state, address), addresses.need(state, member)
    with state.transaction():
        write = writer(site, call)
        pairing = _pairing(state, address.entity, name)
        if pairing is not None:
            write.row("Append", address.entity, near)
            pair = (near, far) if pairing.one == address.entity.name else (far, near)
            _pair(state, pairing, pair, tied=tied)
            return Reply(204)
        found = addresses.collection(state, address.entity, name)
        if found is None:
            raise no_segment(name)
        target = f"/{address.entity.set_name}({near})" if tied else None
        write.update(member.entity, far, {f"{found[2].navigation}@odata.bind": target})
    return Reply(204)


def _pair(state: State, pairing: Pairing, pair: tuple[str, str], *, tied: bool) -> None:
    pairs = state.pairs[pairing.name]
    if tied and pair in pairs:
        raise Refusal("0x80040237", "Cannot insert duplicate key.")
    if not tied and pair not in pairs:
        raise unreadable("The rows are not associated.")
    state.pairs[pairing.name] = pairs | {pair} if tied else pairs - {pair}


def _pairing(state: State, entity: Entity, name: str) -> Pairing | None:
    found = state.pairings.get(name)
    return found if found is not None and entity.name in {found.one, found.two} else None


def _far_side(state: State, entity: Entity, name: str) -> Entity:
    pairing = _pairing(state, entity, name)
    if pairing is not None:
        return state.entities[pairing.two if pairing.one == entity.name else pairing.one]
    found = addresses.collection(state, entity, name)
    if found is None:
        raise no_segment(name)
    return found[0]
