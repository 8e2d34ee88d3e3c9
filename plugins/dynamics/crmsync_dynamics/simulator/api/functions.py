"""The functions of the Web API that are about the caller and the whole environment."""

from __future__ import annotations

import json
import re

from crmsync_dynamics.simulator import addresses
from crmsync_dynamics.simulator.access import VERBS, Depth, User
from crmsync_dynamics.simulator.api.call import Call, Reply
from crmsync_dynamics.simulator.api.site import Site
from crmsync_dynamics.simulator.errors import bad_syntax, missing, no_segment
from crmsync_dynamics.simulator.fields import Entity

_NAMES = re.compile(r"EntityNames=(@\w+|\[.*\])")


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


def total_count(site: Site, call: Call, arguments: str) -> Reply:
    """How many rows tables have, without the limit of counts."""
    found = _NAMES.fullmatch(arguments)
    given = found[1] if found is not None else ""
    try:
        names = json.loads(call.query.get(given, given).replace("'", '"'))
    except ValueError as error:
        raise bad_syntax() from error
    counts = [len(site.state.tables[name].by_id) for name in names if name in site.state.tables]
    collection = {"Count": len(counts), "IsReadOnly": False, "Keys": names, "Values": counts}
    where = f"{call.base}/$metadata#Microsoft.Dynamics.CRM.RetrieveTotalRecordCountResponse"
    return Reply(body={"@odata.context": where, "EntityRecordCountCollection": collection})


def privileges(site: Site, call: Call, key: str) -> Reply:
    """What the roles of a user give it, with the depth of each privilege."""
    identity = addresses.need(site.state, addresses.read(site.state, "systemusers", key))
    user = next((one for one in site.state.users.values() if one.user_id == identity), None)
    if user is None:
        raise missing("systemuser", identity)
    unit = site.state.tables["systemuser"].by_id[identity]["businessunitid"].id
    held: list[dict[str, str]] = [
        {
            "PrivilegeId": _number(entity, place),
            "PrivilegeName": f"prv{verb}{entity.schema}",
            "Depth": depth.name.title(),
            "BusinessUnitId": unit,
            "RecordFilterId": "00000000-0000-0000-0000-000000000000",
        }
        for entity in site.state.entities.values()
        for place, verb in enumerate(VERBS)
        if (depth := _held(user, verb, entity)) != Depth.NONE
    ]
    if not site.settings.privilege_names:
        held = [{name: value for name, value in one.items() if name != "PrivilegeName"} for one in held]
    where = f"{call.base}/$metadata#Microsoft.Dynamics.CRM.RetrieveUserPrivilegesResponse"
    return Reply(body={"@odata.context": where, "RolePrivileges": held})


def all_privileges(site: Site, call: Call) -> Reply:
    """The names of all privileges, for callers whose own were told without."""
    if site.settings.privileges_listed:
        names = [
            {"privilegeid": _number(entity, place), "name": f"prv{verb}{entity.schema}"}
            for entity in site.state.entities.values()
            for place, verb in enumerate(VERBS)
        ]
        return Reply(body={"@odata.context": f"{call.base}/$metadata#privileges(privilegeid,name)", "value": names})
    raise no_segment("privileges")


def _number(entity: Entity, place: int) -> str:
    return f"{entity.code:08x}-0000-4000-a000-{place:012d}"


def _held(user: User, verb: str, entity: Entity) -> Depth:
    return user.depth(verb, entity.name)
