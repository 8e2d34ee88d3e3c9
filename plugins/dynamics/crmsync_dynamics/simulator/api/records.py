"""Single rows by id or alternate key, their properties, and what their navigation properties lead to."""

from __future__ import annotations

from typing import Any

from crmsync_dynamics.simulator import addresses
from crmsync_dynamics.simulator.api.call import TEXT, Call, Reply
from crmsync_dynamics.simulator.api.queries import rows_of
from crmsync_dynamics.simulator.api.site import Site
from crmsync_dynamics.simulator.errors import no_segment
from crmsync_dynamics.simulator.fields import Entity, Ref, Row
from crmsync_dynamics.simulator.odata import options, shape
from crmsync_dynamics.simulator.odata.render import Renderer


def locate(site: Site, call: Call, set_name: str, key: str) -> tuple[Entity, Row]:
    """The row at an address that the user may read; raises Refusal."""
    address = addresses.read(site.state, set_name, key)
    entity = address.entity
    call.rights.need("Read", entity)
    row = site.state.tables[entity.name].by_id[addresses.need(site.state, address)]
    call.rights.need_row(site.state, "Read", entity, row)
    return entity, row


def read(site: Site, call: Call, set_name: str, key: str) -> Reply:
    """One row; not modified where the client has its version already."""
    options.check(call.query)
    entity, row = locate(site, call, set_name, key)
    tag = f'W/"{row["versionnumber"]}"'
    plain = not call.prefer.annotations and "$expand" not in call.query
    if plain and call.header("If-None-Match") == tag:
        return Reply(304, headers={"ETag": tag})
    return Reply(
        body=shown(site, call, entity, row),
        headers={**({"ETag": tag} if site.settings.etag_header else {}), **call.applied},
    )


def shown(site: Site, call: Call, entity: Entity, row: Row) -> dict[str, Any]:
    """One row as the call's `$select`, `$expand` and preferences want it shown."""
    render = shape.renderer(site.reach(call), call.prefer, entity, call.query)
    return {
        "@odata.context": f"{call.base}/$metadata#{shape.context(entity, call.query)}/$entity",
        **render.record(row),
    }


def prop(site: Site, call: Call, set_name: str, key: str, name: str) -> Reply:
    """One property of a row, or the row or rows behind a navigation property."""
    entity, row = locate(site, call, set_name, key)
    column = entity.find(name)
    if column is None:
        return _navigate(site, call, entity, row, name)
    value = Renderer(site.reach(call), call.prefer, entity, [column]).record(row)[column.wire]
    if value is None:
        return Reply(204)
    where = f"{call.base}/$metadata#{set_name}({row[entity.key]})/{name}"
    return Reply(body={"@odata.context": where, "value": value})


def value(site: Site, call: Call, set_name: str, key: str, name: str) -> Reply:
    """One property of a row as plain text."""
    reply = prop(site, call, set_name, key, name)
    return Reply(body=str(reply.body["value"]).encode(), content_type=TEXT) if reply.body else reply


def _navigate(site: Site, call: Call, entity: Entity, row: Row, name: str) -> Reply:
    reach = site.reach(call)
    single = entity.navigation(name)
    if single is None:
        if name not in site.state.pairings and not _collects(site, entity, name):
            raise no_segment(name)
        other, rows = reach.collection(entity, name)
        call.rights.need("Read", other)
        return rows_of(site, call, other, rows(row))
    found = row.get(single[0].name) if single[0].formula is None else single[0].formula(site.state, row)
    ref = found if isinstance(found, Ref) else None
    target = site.state.get(ref)
    if ref is None or target is None or (single[0].type != "Owner" and ref.table != single[1].table):
        return Reply(204)
    other = site.state.entities[ref.table]
    call.rights.need_row(site.state, "Read", other, target)
    return Reply(body=shown(site, call, other, target), headers=call.applied)


def _collects(site: Site, entity: Entity, name: str) -> bool:
    return any(
        target.table == entity.name and target.collection == name
        for other in site.state.entities.values()
        for column in other.columns.values()
        for target in column.targets
    )
