"""The vendor's own messages: qualifying, merging, closing deals, and the members of lists and campaigns."""

from __future__ import annotations

from typing import Any

from crmsync_dynamics.simulator import addresses, ids, members
from crmsync_dynamics.simulator.api.call import Call, Reply, unreadable
from crmsync_dynamics.simulator.api.inward import writer
from crmsync_dynamics.simulator.api.site import Site
from crmsync_dynamics.simulator.errors import Refusal, missing
from crmsync_dynamics.simulator.fields import Ref
from crmsync_dynamics.simulator.merging import merge
from crmsync_dynamics.simulator.qualification import Qualification, Wish
from crmsync_dynamics.simulator.state import State

_KIND = "Microsoft.Dynamics.CRM."
_WON, _LOST = 1, 2


def qualify_lead(site: Site, call: Call, key: str) -> Reply:
    """Qualify a lead; the answer names the rows that were made."""
    body = call.json()
    lead = addresses.need(site.state, addresses.read(site.state, "leads", key))
    wish = Wish(
        lead=lead,
        account=_flag(body, "CreateAccount"),
        contact=_flag(body, "CreateContact"),
        opportunity=_flag(body, "CreateOpportunity"),
        status=int(body.get("Status", 3)),
        campaign=_reference(site.state, body.get("SourceCampaignId")),
        currency=_reference(site.state, body.get("OpportunityCurrencyId")),
        customer=_reference(site.state, body.get("OpportunityCustomerId")),
    )
    with site.state.transaction():
        made = Qualification(site.state, writer(site, call), wish).run()
    value = [{"@odata.type": f"#{_KIND}{one.table}", site.state.entities[one.table].key: one.id} for one in made]
    return Reply(body={"@odata.context": f"{call.base}/$metadata#Collection(mscrm.crmbaseentity)", "value": value})


def _flag(body: dict[str, Any], name: str) -> bool:
    if not isinstance(body.get(name), bool):
        raise unreadable(f"The parameter '{name}' is missing or no boolean.")
    return bool(body[name])


def _reference(state: State, value: Any) -> Ref | None:
    """The row that a parameter names by its type and its key."""
    if value is None:
        return None
    entity = state.entities.get(str(value.get("@odata.type", "")).lstrip("#").removeprefix(_KIND))
    identity = ids.normalise(str(value.get(entity.key, ""))) if entity is not None else None
    if entity is None or identity is None:
        raise unreadable("A parameter names no row: it needs @odata.type and the key.")
    return Ref(entity.name, identity)


def _needed(state: State, body: dict[str, Any], name: str) -> Ref:
    ref = _reference(state, body.get(name))
    if ref is None:
        raise unreadable(f"The parameter '{name}' is missing.")
    return ref


def merge_rows(site: Site, call: Call) -> Reply:
    """Merge the subordinate into the target."""
    body = call.json()
    winner, loser = (_needed(site.state, body, name) for name in ("Target", "Subordinate"))
    content = {key: one for key, one in (body.get("UpdateContent") or {}).items() if not key.startswith("@odata")}
    content.pop(site.state.entities[winner.table].key, None)
    with site.state.transaction():
        parents = bool(body.get("PerformParentingChecks"))
        merge(site.state, writer(site, call), winner, loser, content, parents=parents)
    return Reply(204)


def win_opportunity(site: Site, call: Call) -> Reply:
    """Close a deal as won."""
    return _close(site, call, _WON)


def lose_opportunity(site: Site, call: Call) -> Reply:
    """Close a deal as lost."""
    return _close(site, call, _LOST)


def _close(site: Site, call: Call, state: int) -> Reply:
    body = call.json()
    close = body.get("OpportunityClose") or {}
    deal = addresses.need(site.state, addresses.of_reference(site.state, close.get("opportunityid@odata.bind")))
    deals = site.state.entities["opportunity"]
    with site.state.transaction():
        write = writer(site, call)
        if write.row("Write", deals, deal).get("statecode"):
            raise Refusal("0x80040515", "The opportunity is already closed.")
        told = {"actualvalue": close.get("actualrevenue"), "actualclosedate": close.get("actualend")}
        cells = {name: value for name, value in told.items() if value is not None}
        cells = {"actualclosedate": f"{site.state.now():%Y-%m-%d}"} | cells
        write.update(deals, deal, {**cells, "statecode": state, "statuscode": body.get("Status")}, closing=True)
    return Reply(204)


def add_member(site: Site, call: Call, key: str) -> Reply:
    """Put one row on a list; the answer has the id of its membership."""
    found = addresses.need(site.state, addresses.read(site.state, "lists", key))
    with site.state.transaction():
        member = _member(site.state, found, call.json())
        made = members.add(site.state, writer(site, call), found, member)
    context = f"{call.base}/$metadata#{_KIND}AddMemberListResponse"
    return Reply(body={"@odata.context": context, "Id": made})


def _member(state: State, identity: str, body: dict[str, Any]) -> Ref:
    """The row of an id: of the list's own type, unless it is found in another table that lists can have."""
    wanted = ids.normalise(str(body.get("EntityId", "")))
    if wanted is None:
        raise unreadable("The parameter 'EntityId' is missing.")
    code = state.tables["list"].by_id[identity].get("createdfromcode")
    tables = sorted(("account", "contact", "lead"), key=lambda name: state.entities[name].code != code)
    found = next((name for name in tables if wanted in state.tables[name].by_id), None)
    if found is None:
        raise missing(tables[0], wanted)
    return Ref(found, wanted)


def remove_member(site: Site, call: Call, key: str) -> Reply:
    """Take one row off a list."""
    found = addresses.need(site.state, addresses.read(site.state, "lists", key))
    with site.state.transaction():
        members.remove(site.state, writer(site, call), found, _member(site.state, found, call.json()).id)
    return Reply(204)


def add_members(site: Site, call: Call) -> Reply:
    """Put many rows on a list, all of them or none."""
    body = call.json()
    found = _needed(site.state, body, "List")
    given = body.get("Members")
    if not isinstance(given, list):
        raise unreadable("The parameter 'Members' is missing.")
    with site.state.transaction():
        write = writer(site, call, len(given))
        for one in given:
            members.add(site.state, write, found.id, _needed(site.state, {"Member": one}, "Member"))
    return Reply(204)


def add_campaign_item(site: Site, call: Call, key: str) -> Reply:
    """Tie a marketing list to a campaign."""
    body = call.json()
    campaign = addresses.need(site.state, addresses.read(site.state, "campaigns", key))
    item = ids.normalise(str(body.get("EntityId", "")))
    if body.get("EntityName") != "list" or item is None:
        raise unreadable("A campaign takes a list, by EntityName and EntityId.")
    if item not in site.state.tables["list"].by_id:
        raise missing("list", item)
    writer(site, call).row("Append", site.state.entities["campaign"], campaign)
    site.state.pairs["campaignlist_association"].add((campaign, item))
    context = f"{call.base}/$metadata#{_KIND}AddItemCampaignResponse"
    return Reply(body={"@odata.context": context, "CampaignItemId": next(site.state.ids)})
