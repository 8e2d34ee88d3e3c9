"""The control path: what tests and the demo story do to a running simulator, outside the vendor's API."""

from __future__ import annotations

from collections.abc import Callable

from crmsync.simulate import Body, Control, change_schema, expire, read_object
from crmsync_dynamics.simulator.access import Depth, User
from crmsync_dynamics.simulator.actions import ACTIONS
from crmsync_dynamics.simulator.api.call import Call
from crmsync_dynamics.simulator.api.site import FEATURES, Site
from crmsync_dynamics.simulator.org import Org

_FLAGS = ("every_column", "member", "roles", "disabled")


def _statistics(site: Site, call: Call) -> Body:
    del call
    return {**site.statistics.show(), "tokens": site.org.sessions.issued, "columns": dict(site.state.written)}


def _reset(site: Site, call: Call) -> Body:
    del call
    site.statistics.reset()
    site.state.written.clear()
    return site.statistics.show()


def _schema(site: Site, call: Call) -> Body:
    change_schema(site.org, _SCHEMA, read_object(call.body))
    return {"version": site.state.schema_version}


def _rights(site: Site, call: Call) -> Body:
    body = read_object(call.body)
    user = site.org.user(body["user"])
    for name in _FLAGS:
        if name in body:
            setattr(user, name, bool(body[name]))
    for one in body.get("depths", []):
        user.depths[one["verb"], one["table"]] = Depth[str(one["depth"]).upper()]
    for one in body.get("opened", []):
        user.opened |= {(one["table"], one["column"], verb) for verb in one.get("verbs", ["read", "create", "update"])}
    return _shown(user)


def _shown(user: User) -> Body:
    depths = {f"prv{verb} {table}": depth.name.title() for (verb, table), depth in user.depths.items()}
    return {"user": user.name, "usual": user.usual.name.title(), "depths": depths}


def _delete(org: Org, method: str, parts: list[str], body: Body) -> Body | None:
    del body
    if method != "DELETE":
        return None
    org.delete(*parts)
    return {"id": parts[1]}


_SCHEMA: dict[str, Callable[[Org, Body], None]] = {
    "add_table": lambda org, one: org.add_table(one),
    "add_column": lambda org, one: org.add_column(one.pop("table"), one),
    "remove_column": lambda org, one: org.remove_column(one["table"], one["name"]),
    "change_column": lambda org, one: org.change_column(one.pop("table"), one.pop("name"), **one),
    "track": lambda org, one: setattr(org.state.entities[one["table"]], "tracked", bool(one["tracked"])),
}


CONTROL = Control(
    ACTIONS.check,
    FEATURES,
    _delete,
    {
        ("GET", "statistics"): _statistics,
        ("POST", "statistics/reset"): _reset,
        ("POST", "schema"): _schema,
        ("POST", "rights"): _rights,
        ("POST", "tokens/expire"): expire,
    },
)
