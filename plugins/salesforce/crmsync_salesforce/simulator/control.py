"""The control path: what tests and the demo story do to a running simulator, outside the vendor's API."""

from __future__ import annotations

from collections.abc import Callable

from crmsync.simulate import Body, Control, change_schema, expire, read_object
from crmsync_salesforce.simulator.actions import ACTIONS
from crmsync_salesforce.simulator.api.call import Call
from crmsync_salesforce.simulator.api.site import FEATURES, Site
from crmsync_salesforce.simulator.org import Org


def _statistics(site: Site, call: Call) -> Body:
    del call
    return {**site.statistics.show(), "mails": len(site.state.mails)}


def _reset(site: Site, call: Call) -> Body:
    body = read_object(call.body)
    site.statistics.reset()
    if body.get("charged") is not None:
        site.statistics.charged = int(body["charged"])
    return site.statistics.show()


def _limits(site: Site, call: Call) -> Body:
    for name, left in read_object(call.body).items():
        if name == "daily_limit":
            site.settings.daily_limit = int(left)
        elif name == "DailyApiRequests":
            site.statistics.charged = max(0, site.settings.daily_limit - int(left))
        else:
            site.limits[name] = int(left)
    return {"daily_limit": site.settings.daily_limit, "charged": site.statistics.charged, **site.limits}


def _schema(site: Site, call: Call) -> Body:
    change_schema(site.org, _SCHEMA, read_object(call.body))
    return {"revision": site.state.schema_revision}


def _grant(org: Org, wish: Body) -> None:
    rights = org.user(wish["user"])
    for name in ("marketing_user", "view_setup", "api_enabled"):
        if name in wish:
            setattr(rights, name, bool(wish[name]))
    for name, owner in (("fixed_objects", "object"), ("fixed_fields", "field")):
        for one in wish.get(name, []):
            getattr(rights, name).add((one["object"], one["name"]) if owner == "field" else one)
    rights.lacks |= set(wish.get("lacks", []))
    rights.barred |= {(one["object"], one["verb"]) for one in wish.get("barred", [])}
    org.state.touch_schema()


def _more(org: Org, method: str, parts: list[str], body: Body) -> Body | None:
    name, identity, *verb = parts
    user = body.get("user")
    if identity in {"merge", "convert"}:
        return _joined(org, name, identity, body)
    if method == "DELETE":
        (org.hard_delete if body.get("hard") else org.delete)(name, identity, user)
    elif verb == ["undelete"]:
        org.undelete(name, identity, user)
    else:
        return None
    return {"id": identity}


def _joined(org: Org, name: str, verb: str, body: Body) -> Body:
    user = body.get("user")
    if verb == "merge":
        return {"moved": org.merge(name, body["master"], body["losers"], user)}
    return org.convert_lead(
        body["lead"],
        body.get("account"),
        body.get("contact"),
        opportunity=body.get("opportunity", True),
        owner_id=body.get("owner"),
        user=user,
    )


_SCHEMA: dict[str, Callable[[Org, Body], None]] = {
    "add_object": lambda org, one: org.add_object(one),
    "add_field": lambda org, one: org.add_field(one["object"], {key: one[key] for key in one if key != "object"}),
    "remove_field": lambda org, one: org.remove_field(one["object"], one["name"]),
    "hide_field": lambda org, one: org.hide_field(one.get("user"), one["object"], one["name"]),
    "show_field": lambda org, one: org.hide_field(one.get("user"), one["object"], one["name"], hidden=False),
    "hide_object": lambda org, one: org.hide_object(one.get("user"), one["object"]),
    "show_object": lambda org, one: org.hide_object(one.get("user"), one["object"], hidden=False),
    "hide_record": lambda org, one: org.hide_record(one.get("user"), one["id"]),
    "show_record": lambda org, one: org.hide_record(one.get("user"), one["id"], hidden=False),
    "rights": _grant,
}
CONTROL = Control(
    ACTIONS.check,
    FEATURES,
    _more,
    {
        ("GET", "statistics"): _statistics,
        ("POST", "statistics/reset"): _reset,
        ("POST", "schema"): _schema,
        ("POST", "limits"): _limits,
        ("POST", "sessions/expire"): expire,
    },
)
