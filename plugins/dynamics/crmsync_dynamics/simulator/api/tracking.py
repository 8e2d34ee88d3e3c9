"""Change tracking: a first read that ends in a delta link, and what changed since one was given out."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from crmsync_dynamics.simulator.access import Depth
from crmsync_dynamics.simulator.api.call import Call, Reply, raw_option
from crmsync_dynamics.simulator.api.site import Site
from crmsync_dynamics.simulator.errors import Refusal, bad_syntax
from crmsync_dynamics.simulator.fields import Entity, Row
from crmsync_dynamics.simulator.odata import cookies, shape

DELTA = "@odata.deltaLink"
Place = tuple[int, int]
"""Where a change stands in a delta: in which part of it, and its version."""
_BARRED = ("$filter", "$orderby", "$expand", "$top")
_TOKEN = re.compile(r"(\d+)!(\d\d/\d\d/\d{4} \d\d:\d\d:\d\d)")
_MOMENT = "%m/%d/%Y %H:%M:%S"
_HEX = re.compile(r"%[0-9A-F]{2}")


def first(site: Site, call: Call, entity: Entity) -> Reply:
    """One page of the first tracked read of a table; the last one has the delta link, good for what came since."""
    _need(call, entity)
    table = site.state.tables[entity.name]
    names = (entity.key, "trackingversion")
    raw = raw_option(call.raw_query, "$skiptoken")
    cookie = cookies.read(raw, names) if raw else None
    since = cookie.last[1] if cookie else None
    version = int(since) if since is not None else site.state.version
    place = str(cookie.last[0]).strip("{}").lower() if cookie else ""
    order = table.order
    start = bisect_right(order, place)
    size = _size(site, call)
    rows = [table.by_id[one] for one in order[start : start + size]]
    if start + size < len(order):
        last, upper = ((f"{{{row[entity.key].upper()}}}", str(version)) for row in (rows[-1], rows[0]))
        number = cookie.page + 1 if cookie else 2
        return _answer(site, call, entity, rows, next_one=cookies.Cookie(number, names, last, upper, tracking=True))
    return _answer(site, call, entity, rows, since=version)


def delta(site: Site, call: Call, entity: Entity) -> Reply:
    """One page of what changed since a delta token: rows by version, then deletions."""
    _need(call, entity)
    since = _since(site, call, entity)
    names = ("change", "trackingversion")
    raw = raw_option(call.raw_query, "$skiptoken")
    cookie = cookies.read(raw, names) if raw else None
    version = int(str(cookie.last[1])) if cookie else site.state.version
    place = _place(str(cookie.last[0])) if cookie else (0, 0)
    rest = [one for one in _changes(site, entity, since, version) if one[0] > place]
    size = _size(site, call)
    entries = [one for _, one in rest[:size]]
    if size < len(rest):
        last, upper = ((f"{part}:{number}", str(version)) for part, number in (rest[size - 1][0], rest[0][0]))
        page = cookie.page + 1 if cookie else 2
        return _answer(site, call, entity, entries, next_one=cookies.Cookie(page, names, last, upper, tracking=True))
    return _answer(site, call, entity, entries, since=version)


def _place(text: str) -> Place:
    part, _, number = text.partition(":")
    return int(part), int(number)


def count(site: Site, call: Call, entity: Entity) -> int:
    """How many changes there are since a delta token."""
    _need(call, entity)
    return len(_changes(site, entity, _since(site, call, entity), site.state.version))


def _need(call: Call, entity: Entity) -> None:
    for name in _BARRED:
        if name in call.query:
            text = f'The "{name[1:]}" query parameter isn\'t supported when Change Tracking is enabled.'
            raise Refusal("0x80060888", text)
    if not entity.tracked:
        raise Refusal("0x80072491", f"Entity {entity.name} isn't enabled for change tracking.")
    if call.rights.depth("Read", entity.name) != Depth.GLOBAL:
        raise Refusal("0x80040220", f"Change tracking of {entity.name} needs prvRead{entity.schema} at Global depth.")


def _since(site: Site, call: Call, entity: Entity) -> int:
    found = _TOKEN.fullmatch(call.query["$deltatoken"])
    if found is None:
        raise bad_syntax()
    version = int(found[1])
    given = datetime.strptime(found[2], _MOMENT).replace(tzinfo=UTC)
    organization = site.state.tables["organization"].by_id[site.state.people.organization]
    days = organization.get("expirechangetrackingindays", site.settings.change_tracking_days)
    if site.state.now() - given > timedelta(days=days) or site.state.schema_changed.get(entity.name, 0) > version:
        raise Refusal(
            "0x80044352",
            "Version stamp associated with the client has expired. Please perform a full sync.",
            status=site.settings.expired_status,
        )
    return version


def _changes(site: Site, entity: Entity, since: int, until: int) -> list[tuple[Place, Row | str]]:
    """What changed above one version and not above another; each with its place, which later changes do not move."""
    table, first = site.state.tables[entity.name], site.settings.deletions_first
    found: list[tuple[Place, Row | str]] = []
    found += [((2 if first else 1, row["versionnumber"]), row) for row in table.changed(since)]
    found += [((1 if first else 2, version), identity) for version, identity in table.deleted(since)]
    return [one for one in sorted(found, key=_first) if one[0][1] <= until]


def _first(entry: tuple[Place, Any]) -> Place:
    return entry[0]


def _size(site: Site, call: Call) -> int:
    most = site.settings.page_size
    return min(call.prefer.page, most) if call.prefer.page else most


def _answer(
    site: Site,
    call: Call,
    entity: Entity,
    entries: Sequence[Row | str],
    *,
    next_one: cookies.Cookie | None = None,
    since: int = 0,
) -> Reply:
    render = shape.renderer(site.reach(call), call.prefer, entity, call.query).record
    head = f"{call.base}/$metadata#{shape.context(entity, call.query)}"
    deleted = f"{call.base}/$metadata#{entity.set_name}/$deletedEntity"
    body: dict[str, Any] = {"@odata.context": f"{head}/$delta" if "$deltatoken" in call.query else head}
    body["value"] = [
        {"@odata.context": deleted, "id": one, "reason": "deleted"} if isinstance(one, str) else render(one)
        for one in entries
    ]
    if next_one is not None:
        body["@odata.nextLink"] = call.again(f"$skiptoken={next_one.encode()}", without=("$skiptoken",))
    elif _gives_link(site, call):
        body[DELTA] = call.again(f"$deltatoken={_token(site, since)}", without=("$skiptoken", "$deltatoken"))
    return Reply(body=body, headers=call.applied)


def _gives_link(site: Site, call: Call) -> bool:
    paged = "$skiptoken" in call.query and bool(call.prefer.annotations)
    return "delta_link" not in site.disabled and (site.settings.delta_with_annotations or not paged)


def _token(site: Site, version: int) -> str:
    text = f"{version}!{site.state.now():{_MOMENT}}"
    return _HEX.sub(lambda found: found[0].lower(), quote(text, safe=""))
