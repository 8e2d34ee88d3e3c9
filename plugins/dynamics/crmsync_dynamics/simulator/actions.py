"""What planted faults do that only this vendor's servers can do, by the name under `action.name`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from crmsync.simulate import FaultActions, titled_page
from crmsync_dynamics.simulator.api.call import HTML, Call, Reply
from crmsync_dynamics.simulator.api.site import Site
from crmsync_dynamics.simulator.api.throttle import time_exceeded
from crmsync_dynamics.simulator.errors import Refusal

Before = Callable[[Site, Call, dict[str, Any]], Reply | None]
After = Callable[[Site, Reply, dict[str, Any]], None]


def _said(refusal: Refusal) -> Reply:
    return Reply(refusal.status, refusal.body(), dict(refusal.headers))


def _refuse(code: str, message: str, status: int = 0) -> Before:
    def refuse(site: Site, call: Call, action: dict[str, Any]) -> Reply:
        del site, call
        return _said(Refusal(code, str(action.get("message", message)), status=status))

    return refuse


def _page(status: int, title: str) -> Before:
    def show(site: Site, call: Call, action: dict[str, Any]) -> Reply:
        del site, call
        headers = {"Retry-After": str(action["retry_after"])} if "retry_after" in action else {}
        return Reply(status, titled_page(title), headers, HTML)

    return show


def _throttle(code: str, message: str) -> Before:
    def refuse(site: Site, call: Call, action: dict[str, Any]) -> Reply:
        del site, call
        wait = action.get("retry_after", 1)
        refusal = Refusal(code, message)
        if code == "0x80072321":
            refusal = time_exceeded(1)
        headers = {"Retry-After": str(wait)} if wait is not None else {}
        return Reply(429, refusal.body(), headers)

    return refuse


def _expire_tokens(site: Site, call: Call, action: dict[str, Any]) -> None:
    del call, action
    site.org.sessions.expire()


def _token_error(site: Site, call: Call, action: dict[str, Any]) -> Reply:
    del site, call
    number = int(action.get("number", 90033))
    body = {
        "error": action.get("error", "temporarily_unavailable"),
        "error_description": f"AADSTS{number}: {action.get('text', 'A transient error has occurred.')}",
        "error_codes": [number],
    }
    return Reply(int(action.get("status", 400)), body)


BEFORE: dict[str, Before] = {
    "expire_tokens": _expire_tokens,
    "token_error": _token_error,
    "throttle_requests": _throttle(
        "0x80072322", "Number of requests exceeded the limit of 6000 over time window of 300 seconds."
    ),
    "throttle_time": _throttle("0x80072321", ""),
    "throttle_concurrency": _throttle("0x80072326", "Number of concurrent requests exceeded the limit of 52."),
    "deadlock": _refuse("0x80044150", "Generic SQL error. Sql error number 1205: deadlock victim."),
    "sql_timeout": _refuse("0x80044151", "SQL timeout expired."),
    "plugin_refused": _refuse("0x80040265", "An organization rule does not allow this.", 400),
    "unexpected": _refuse("0x80040216", "An unexpected error occurred.", 500),
    "version_expired": _refuse(
        "0x80044352", "Version stamp associated with the client has expired. Please perform a full sync."
    ),
    "cookie_invalid": _refuse("0x8004112a", "The paging cookie is invalid."),
    "sign_in_page": _page(200, "Sign in to your account"),
    "maintenance": _page(503, "Service Unavailable"),
    "bad_gateway": _page(502, "Bad Gateway"),
    "gateway_timeout": _page(504, "Gateway Timeout"),
}


def _without(*names: str) -> After:
    def take(site: Site, reply: Reply, action: dict[str, Any]) -> None:
        del site, action
        if isinstance(reply.body, dict):
            for name in names:
                reply.body.pop(name, None)

    return take


def _elsewhere(site: Site, reply: Reply, action: dict[str, Any]) -> None:
    del site
    host = str(action.get("host", "https://elsewhere.example.com"))
    if isinstance(reply.body, dict):
        for name in ("@odata.nextLink", "@odata.deltaLink"):
            if name in reply.body:
                reply.body[name] = host + "/api" + str(reply.body[name]).partition("/api")[2]


def _empty(site: Site, reply: Reply, action: dict[str, Any]) -> None:
    del site, action
    if isinstance(reply.body, dict) and "value" in reply.body:
        reply.body["value"] = []


AFTER: dict[str, After] = {
    "drop_next_link": _without("@odata.nextLink"),
    "drop_delta_link": _without("@odata.deltaLink"),
    "link_elsewhere": _elsewhere,
    "empty_page": _empty,
}


ACTIONS = FaultActions(Reply, BEFORE, AFTER)
