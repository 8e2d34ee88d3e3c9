"""The functions of the Web API that are about the caller and the whole environment."""

from __future__ import annotations

from crmsync_dynamics.simulator.api.call import Call, Reply
from crmsync_dynamics.simulator.api.site import Site


def service(site: Site, call: Call) -> Reply:
    """The service document."""
    names = sorted(entity.set_name for entity in site.state.entities.values())
    sets = [{"name": name, "kind": "EntitySet", "url": name} for name in names]
    return Reply(body={"@odata.context": f"{call.base}/$metadata", "value": sets})


def who_am_i(site: Site, call: Call) -> Reply:
    """Who the token belongs to."""
    unit = site.state.tables["systemuser"].by_id[call.rights.user_id]["businessunitid"]
    return Reply(
        body={
            "@odata.context": f"{call.base}/$metadata#Microsoft.Dynamics.CRM.WhoAmIResponse",
            "BusinessUnitId": unit.id,
            "UserId": call.rights.user_id,
            "OrganizationId": site.state.people.organization,
        }
    )
