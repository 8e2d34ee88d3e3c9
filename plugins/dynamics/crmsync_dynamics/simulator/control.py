"""The control path: what tests and the demo story do to a running simulator, outside the vendor's API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields
from typing import Any

from crmsync.simulate import move_clock, read_object
from crmsync_dynamics.simulator import actions
from crmsync_dynamics.simulator.access import Depth, User
from crmsync_dynamics.simulator.api.call import Call, Reply
from crmsync_dynamics.simulator.api.site import FEATURES, Site
from crmsync_dynamics.simulator.errors import Refusal
from crmsync_dynamics.simulator.org import Org
from crmsync_dynamics.simulator.state import Settings

PREFIX = "/control"
Body = dict[str, Any]
_FLAGS = ("every_column", "member", "roles", "disabled")


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
    action = ACTIONS.get((call.method, "/".join(parts)))
    if action is None:
        raise Refusal("NOT_FOUND", f"no control path {call.method} {call.path}", status=404)
    return action(site, call)


def _statistics(site: Site, call: Call) -> Body:
    del call
    return {**site.statistics.show(), "tokens": site.org.sessions.issued, "columns": dict(site.state.written)}


def _reset(site: Site, call: Call) -> Body:
    del call
    site.statistics.reset()
    site.state.written.clear()
    return site.statistics.show()


def _clock(site: Site, call: Call) -> Body:
    return {"now": move_clock(site.org.clock, read_object(call.body))}


def _plant(site: Site, call: Call) -> Body:
    body = read_object(call.body)
    planted = site.faults.plant_all(body.get("faults", [body] if "action" in body else []))
    try:
        for fault in planted:
            actions.check(fault)
    except ValueError:
        site.faults.planted = [one for one in site.faults.planted if one not in planted]
        raise
    if "disable" in body:
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
    return _faults(site, call)


def _settings(site: Site, call: Call) -> Body:
    names = {one.name for one in fields(Settings)}
    for name, value in read_object(call.body).items():
        if name not in names:
            raise ValueError(f"no setting is named {name}")
        setattr(site.settings, name, tuple(value) if name == "versions" else value)
    return {name: getattr(site.settings, name) for name in sorted(names)}


def _schema(site: Site, call: Call) -> Body:
    for verb, wanted in read_object(call.body).items():
        change = _SCHEMA.get(verb)
        if change is None:
            raise ValueError(f"the schema cannot {verb}; it can {', '.join(sorted(_SCHEMA))}")
        for one in wanted:
            change(site.org, dict(one))
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


def _expire(site: Site, call: Call) -> Body:
    del call
    site.org.sessions.expire()
    return {"tokens": 0}


def _records(org: Org, method: str, parts: list[str], body: Body, query: dict[str, str]) -> Body:
    table, identity = parts[0], parts[1] if len(parts) > 1 else ""
    if table not in org.state.entities:
        raise KeyError(table)
    if method == "GET":
        return _read(org, table, identity, query)
    user = body.get("user")
    if method == "POST" and not identity:
        wanted = body["values"]
        if isinstance(wanted, list):
            return {"ids": [org.create(table, one, user) for one in wanted]}
        return {"id": org.create(table, wanted, user)}
    if method == "PATCH":
        org.update(table, identity, body["values"], user)
    elif method == "DELETE":
        org.delete(table, identity)
    else:
        raise ValueError(f"records cannot be asked to {method} {'/'.join(parts)}")
    return {"id": identity}


def _read(org: Org, table: str, identity: str, query: dict[str, str]) -> Body:
    if identity:
        record = org.get(table, identity)
        if record is None:
            raise KeyError(identity)
        return record
    most = int(query.get("limit", "50"))
    return {
        "count": org.count(table),
        "records": [one for _, one in zip(range(most), org.records(table), strict=False)],
    }


_SCHEMA: dict[str, Callable[[Org, Body], None]] = {
    "add_table": lambda org, one: org.add_table(one),
    "add_column": lambda org, one: org.add_column(one.pop("table"), one),
    "remove_column": lambda org, one: org.remove_column(one["table"], one["name"]),
    "change_column": lambda org, one: org.change_column(one.pop("table"), one.pop("name"), **one),
    "track": lambda org, one: setattr(org.state.entities[one["table"]], "tracked", bool(one["tracked"])),
}


def _automate(site: Site, call: Call) -> Body:
    site.state.automation.plant(read_object(call.body))
    return {"planted": True}


def _idle(site: Site, call: Call) -> Body:
    del call
    site.state.automation.clear()
    return {"planted": False}


ACTIONS: dict[tuple[str, str], Callable[[Site, Call], Any]] = {
    ("GET", "statistics"): _statistics,
    ("POST", "statistics/reset"): _reset,
    ("GET", "clock"): _clock,
    ("POST", "clock"): _clock,
    ("GET", "faults"): _faults,
    ("POST", "faults"): _plant,
    ("DELETE", "faults"): _clear,
    ("POST", "schema"): _schema,
    ("POST", "rights"): _rights,
    ("GET", "settings"): _settings,
    ("POST", "settings"): _settings,
    ("POST", "tokens/expire"): _expire,
    ("POST", "automation"): _automate,
    ("DELETE", "automation"): _idle,
}
