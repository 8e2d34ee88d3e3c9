"""Collections of rows: filtered, ordered, and page by page with cookies."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from crmsync_dynamics.simulator.access import Depth
from crmsync_dynamics.simulator.api import tracking
from crmsync_dynamics.simulator.api.call import TEXT, Call, Reply, raw_option
from crmsync_dynamics.simulator.api.site import Site
from crmsync_dynamics.simulator.errors import no_segment
from crmsync_dynamics.simulator.fields import Entity, Row
from crmsync_dynamics.simulator.odata import apply, cookies, options, shape
from crmsync_dynamics.simulator.odata.conditions import Compiler
from crmsync_dynamics.simulator.odata.order import Order
from crmsync_dynamics.simulator.odata.parser import parse

NEXT = "@odata.nextLink"
_CRM = "@Microsoft.Dynamics.CRM."


def entity_of(site: Site, set_name: str) -> Entity:
    """The table of an entity set; raises the refusal of a name that is none."""
    entity = site.state.entity_of_set(set_name)
    if entity is None:
        raise no_segment(set_name)
    return entity


def collection(site: Site, call: Call, set_name: str) -> Reply:
    """The rows of a table that the user may read, or what changed in it."""
    entity = entity_of(site, set_name)
    options.check(call.query)
    call.rights.need("Read", entity)
    if "$deltatoken" in call.query:
        return tracking.delta(site, call, entity)
    if call.prefer.track and "tracking" not in site.disabled:
        return tracking.first(site, call, entity)
    if "$apply" in call.query:
        reach = site.reach(call)
        found = apply.run(
            reach, entity, call.query["$apply"], _found(site, call, entity, Order(reach, entity, ""), None)
        )
        return Reply(body={"@odata.context": f"{call.base}/$metadata#{set_name}", "value": found})
    return rows_of(site, call, entity)


def rows_of(site: Site, call: Call, entity: Entity, within: Any = None) -> Reply:
    """One page of those rows of a table that a query asks for."""
    reach = site.reach(call)
    order = Order(reach, entity, call.query.get("$orderby", ""))
    render = shape.renderer(reach, call.prefer, entity, call.query).record
    asked = (call.path, call.rights.user_id, call.query.get("$filter"), call.query.get("$orderby"))
    first = "$skiptoken" not in call.query
    found = site.remember(asked, lambda: _found(site, call, entity, order, within), anew=first)
    page, more = _page(site, call, found, order)
    body = {**_head(site, call, entity, len(found)), "value": [render(row) for row in page]}
    if more is not None:
        body[NEXT] = more
    return Reply(body=body, headers=call.applied)


def count(site: Site, call: Call, set_name: str) -> Reply:
    """How many rows there are, up to the limit of counts; with a delta token, how many changes."""
    entity = entity_of(site, set_name)
    call.rights.need("Read", entity)
    if "$deltatoken" in call.query:
        return Reply(body=str(tracking.count(site, call, entity)).encode(), content_type=TEXT)
    order = Order(site.reach(call), entity, "")
    found = _found(site, call, entity, order, None)
    return Reply(body=str(min(len(found), site.settings.count_limit)).encode(), content_type=TEXT)


def page_size(site: Site, call: Call) -> int:
    """How many rows a page holds for this call."""
    most = site.settings.page_size
    return min(call.prefer.page, most) if call.prefer.page else most


def link(call: Call, cookie: cookies.Cookie) -> str:
    """The address of the next page: this one's, with another cookie."""
    return call.again(f"$skiptoken={cookie.encode()}", without=("$skiptoken",))


def _found(site: Site, call: Call, entity: Entity, order: Order, within: Any) -> Sequence[Row]:
    table, lies = site.state.tables[entity.name], order.plain and within is None
    rows = (
        [table.by_id[one] for one in table.order] if lies else list(table.by_id.values() if within is None else within)
    )
    if call.rights.depth("Read", entity.name) != Depth.GLOBAL:
        rows = [row for row in rows if call.rights.reaches(site.state, "Read", entity, row)]
    wanted = call.query.get("$filter")
    if wanted:
        judge = Compiler(site.reach(call), entity).condition(parse(wanted))
        rows = [row for row in rows if judge(row)]
    return rows if lies else order.arrange(rows)


def _page(site: Site, call: Call, found: Sequence[Row], order: Order) -> tuple[Sequence[Row], str | None]:
    raw = raw_option(call.raw_query, "$skiptoken")
    cookie = cookies.read(raw, order.names) if raw else None
    start = order.after(found, cookie.last) if cookie else 0
    if "$top" in call.query and not call.prefer.page:
        return found[: min(options.whole(call.query["$top"], "$top"), site.settings.page_size)], None
    size, number = page_size(site, call), cookie.page if cookie else 1
    if cookie is not None and site.settings.empty_page_every and number % site.settings.empty_page_every == 0:
        return [], link(call, cookies.Cookie(number + 1, cookie.names, cookie.last, cookie.first))
    page = found[start : start + size]
    if start + size >= len(found):
        return page, None
    last, first = order.values(page[-1]), order.values(page[0])
    return page, link(call, cookies.Cookie(number + 1, tuple(order.names), tuple(last), tuple(first)))


def _head(site: Site, call: Call, entity: Entity, total: int) -> dict[str, Any]:
    head: dict[str, Any] = {"@odata.context": f"{call.base}/$metadata#{shape.context(entity, call.query)}"}
    most, counted = site.settings.count_limit, call.query.get("$count") == "true"
    if counted:
        head["@odata.count"] = min(total, most)
    if call.prefer.wants("Microsoft.Dynamics.CRM.totalrecordcount"):
        head[f"{_CRM}totalrecordcount"] = min(total, most) if counted else -1
        head[f"{_CRM}totalrecordcountlimitexceeded"] = counted and total > most
        head[f"{_CRM}globalmetadataversion"] = str(site.state.schema_version)
    return head
