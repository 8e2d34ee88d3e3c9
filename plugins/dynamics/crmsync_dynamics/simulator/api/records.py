"""Single rows by id or alternate key, their properties, and what their navigation properties lead to."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from crmsync_dynamics.simulator import addresses
from crmsync_dynamics.simulator.api.call import TEXT, Call, Reply
from crmsync_dynamics.simulator.api.queries import rows_of
from crmsync_dynamics.simulator.api.site import Site
from crmsync_dynamics.simulator.errors import Refusal, no_segment
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


def references(site: Site, call: Call, set_name: str, key: str, name: str) -> Reply:
    """The address of the row behind a look-up, or those of the rows in a collection."""
    entity, row = locate(site, call, set_name, key)
    if entity.navigation(name) is None:
        other, rows = _collection(site, call, entity, name)
        seen = [one for one in rows(row) if call.rights.reaches(site.state, "Read", other, one)]
        value = [{"@odata.id": f"{call.base}/{other.set_name}({one[other.key]})"} for one in seen]
        return Reply(body={"@odata.context": f"{call.base}/$metadata#Collection($ref)", "value": value})
    found = _behind(site, call, entity, row, name)
    if found is None:
        return Reply(204)
    where = f"{call.base}/{found[0].set_name}({found[1][found[0].key]})"
    return Reply(body={"@odata.context": f"{call.base}/$metadata#$ref", "@odata.id": where})


def _navigate(site: Site, call: Call, entity: Entity, row: Row, name: str) -> Reply:
    if entity.navigation(name) is None:
        other, rows = _collection(site, call, entity, name)
        return rows_of(site, call, other, rows(row))
    found = _behind(site, call, entity, row, name)
    return Reply(204) if found is None else Reply(body=shown(site, call, *found), headers=call.applied)


def _collection(site: Site, call: Call, entity: Entity, name: str) -> tuple[Entity, Callable[[Row], Iterable[Row]]]:
    try:
        other, rows = site.reach(call).collection(entity, name)
    except Refusal:
        raise no_segment(name) from None
    call.rights.need("Read", other)
    return other, rows


def _behind(site: Site, call: Call, entity: Entity, row: Row, name: str) -> tuple[Entity, Row] | None:
    """The row that a look-up points to, None for none; raises Refusal for one that the user may not read."""
    column, side = entity.navigation(name) or (None, None)
    if column is None or side is None:
        raise no_segment(name)
    ref = row.get(column.name) if column.formula is None else column.formula(site.state, row)
    target = site.state.get(ref) if isinstance(ref, Ref) else None
    if not isinstance(ref, Ref) or target is None or (column.type != "Owner" and ref.table != side.table):
        return None
    other = site.state.entities[ref.table]
    call.rights.need_row(site.state, "Read", other, target)
    return other, target
