"""Collections of rows."""

from __future__ import annotations

from crmsync_dynamics.simulator.api.call import Call, Reply
from crmsync_dynamics.simulator.api.site import Site
from crmsync_dynamics.simulator.errors import no_segment
from crmsync_dynamics.simulator.odata.render import Renderer


def collection(site: Site, call: Call, set_name: str) -> Reply:
    """The rows of a table that the user may read."""
    entity = site.state.entity_of_set(set_name)
    if entity is None:
        raise no_segment(set_name)
    call.rights.need("Read", entity)
    table = site.state.tables[entity.name]
    rows = [row for one in table.order if call.rights.reaches(site.state, "Read", entity, row := table.by_id[one])]
    render = Renderer(site.state, call.rights, call.prefer, entity).record
    context = f"{call.base}/$metadata#{set_name}"
    return Reply(body={"@odata.context": context, "value": [render(row) for row in rows[: site.settings.page_size]]})
