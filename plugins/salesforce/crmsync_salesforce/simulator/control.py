"""The control path: what tests and the demo story do to a running simulator, outside the vendor's API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crmsync.simulate import move_clock, read_object
from crmsync_salesforce.simulator import actions
from crmsync_salesforce.simulator.api.call import Call, Reply
from crmsync_salesforce.simulator.api.site import FEATURES, Site
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.org import Org

PREFIX = "/control"
Body = dict[str, Any]


def serve(site: Site, call: Call) -> Reply:
    """Answer a control request; errors are JSON objects with `error`."""
    parts = call.path.removeprefix(PREFIX).strip("/").split("/")
    try:
        return Reply(body=_act(site, call, parts))
    except Refusal as refusal:
        return Reply(refusal.status, {"error": refusal.code, "message": refusal.message})
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        return Reply(400, {"error": type(error).__name__, "message": str(error)})


def _act(site: Site, call: Call, parts: list[str]) -> Any:
    if parts[0] == "records" and len(parts) > 1:
        return _records(site.org, call.method, parts[1:], read_object(call.body), call.query)
    action = _ACTIONS.get((call.method, "/".join(parts)))
    if action is None:
        raise Refusal("NOT_FOUND", f"no control path {call.method} {call.path}")
    return action(site, call)


def _statistics(site: Site, call: Call) -> Body:
    del call
    return {**site.statistics.show(), "mails": len(site.state.mails)}


def _reset(site: Site, call: Call) -> Body:
    body = read_object(call.body)
    site.statistics.reset()
    if body.get("charged") is not None:
        site.statistics.charged = int(body["charged"])
    return site.statistics.show()


def _clock(site: Site, call: Call) -> Body:
    return {"now": move_clock(site.org.clock, read_object(call.body))}


def _plant(site: Site, call: Call) -> Body:
    body = call.json()
    entries = body if isinstance(body, list) else body.get("faults", [body] if "action" in body else [])
    planted = site.faults.plant_all(entries)
    try:
        for fault in planted:
            actions.check(fault)
    except ValueError:
        site.faults.planted = [one for one in site.faults.planted if one not in planted]
        raise
    if isinstance(body, dict) and "disable" in body:
        _disable(site, body["disable"])
    return _faults(site, call)


def _disable(site: Site, names: list[str]) -> None:
    unknown = set(names) - FEATURES
    if unknown:
        raise ValueError(f"no feature is named {', '.join(sorted(unknown))}; there are {', '.join(sorted(FEATURES))}")
    site.disabled = set(names)


def _faults(site: Site, call: Call) -> Body:
    del call
    return {"faults": [one.show() for one in site.faults.planted], "disable": sorted(site.disabled)}


def _clear(site: Site, call: Call) -> Body:
    site.faults.clear()
    site.disabled.clear()
    site.never_cured = False
    return _faults(site, call)


def _automate(site: Site, call: Call) -> Body:
    site.state.automation.plant(read_object(call.body))
    return {"planted": True}


def _idle(site: Site, call: Call) -> Body:
    del call
    site.state.automation.clear()
    return {"planted": False}


def _settings(site: Site, call: Call) -> Body:
    for name, value in read_object(call.body).items():
        if name not in site.settings.__slots__:
            raise ValueError(f"no setting is named {name}")
        setattr(site.settings, name, tuple(value) if name == "versions" else value)
    return {name: getattr(site.settings, name) for name in site.settings.__slots__ if name != "certificate"}


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
    org = site.org
    for verb, wanted in read_object(call.body).items():
        change = _SCHEMA.get(verb)
        if change is None:
            raise ValueError(f"the schema cannot {verb}; it can {', '.join(sorted(_SCHEMA))}")
        for one in wanted:
            change(org, one)
    return {"revision": org.state.schema_revision}


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


def _expire(site: Site, call: Call) -> Body:
    del call
    site.org.sessions.expire()
    return {"sessions": 0}


def _records(org: Org, method: str, parts: list[str], body: Body, query: dict[str, str]) -> Body:
    name, identity = parts[0], parts[1] if len(parts) > 1 else ""
    if name not in org.state.objects:
        raise KeyError(name)
    if method == "GET":
        return _read(org, name, identity, query)
    user = body.get("user")
    if identity in {"merge", "convert"}:
        return _joined(org, name, identity, body)
    if method == "POST" and not identity:
        return _made(org, name, body)
    if method == "PATCH":
        org.update(name, identity, body["values"], user)
    elif method == "DELETE":
        (org.hard_delete if body.get("hard") else org.delete)(name, identity, user)
    elif parts[2:] == ["undelete"]:
        org.undelete(name, identity, user)
    else:
        raise ValueError(f"records cannot be asked to {method} {'/'.join(parts)}")
    return {"id": identity}


def _made(org: Org, name: str, body: Body) -> Body:
    user, wanted = body.get("user"), body["values"]
    if isinstance(wanted, list):
        return {"ids": [org.create(name, one, user) for one in wanted]}
    return {"id": org.create(name, wanted, user)}


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


def _read(org: Org, name: str, identity: str, query: dict[str, str]) -> Body:
    if identity:
        record = org.get(name, identity)
        if record is None:
            raise KeyError(identity)
        return record
    most = int(query.get("limit", "50"))
    records = [one for _, one in zip(range(most), org.records(name), strict=False)]
    return {"count": org.count(name), "records": records}


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
_ACTIONS: dict[tuple[str, str], Callable[[Site, Call], Any]] = {
    ("GET", "statistics"): _statistics,
    ("POST", "statistics/reset"): _reset,
    ("GET", "clock"): _clock,
    ("POST", "clock"): _clock,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _plant,
    ("DELETE", "faults"): _clear,
    ("POST", "automation"): _automate,
    ("DELETE", "automation"): _idle,
    ("POST", "schema"): _schema,
    ("POST", "limits"): _limits,
    ("GET", "settings"): _settings,
    ("POST", "settings"): _settings,
    ("POST", "sessions/expire"): _expire,
}
