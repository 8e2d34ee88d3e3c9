"""Which resource answers which path, and the checks every call passes first."""

from __future__ import annotations

import re

from crmsync_dynamics.simulator.api import functions, oauth, queries
from crmsync_dynamics.simulator.api.call import HTML, Call, Reply
from crmsync_dynamics.simulator.api.routes import SET, Route, route
from crmsync_dynamics.simulator.api.site import Site
from crmsync_dynamics.simulator.api.writing import WRITES
from crmsync_dynamics.simulator.errors import Refusal, no_segment
from crmsync_dynamics.simulator.workflows import run_due

READS = (
    route("GET", "", functions.service, "service"),
    route("GET", r"WhoAmI(\(\))?", functions.who_am_i, "WhoAmI"),
    route("GET", SET, queries.collection, "query"),
)
ROUTES: tuple[Route, ...] = (*WRITES, *READS)
FREE = frozenset({"token", "page"})
_TOKEN = re.compile(r"/(?P<tenant>[^/]+)/oauth2/v2\.0/token")
_VERSIONED = re.compile(r"/api/data/v(?P<version>\d+\.\d)(?:/(?P<rest>.*))?")
_PAGE = b"<!DOCTYPE html><html><head><title>Sign in to your account</title></head><body>Sign in</body></html>"


def answer(site: Site, call: Call) -> tuple[str, Reply]:
    """What the site says to a call, and what it counts as; raises Refusal."""
    asked = _TOKEN.fullmatch(call.path)
    if asked is not None and call.method == "POST":
        return "token", oauth.token(site, call, asked["tenant"])
    refused = _enter(site, call)
    if refused is not None:
        return "page", refused
    found = _VERSIONED.fullmatch(call.path)
    if found is None or found["version"] not in site.settings.versions:
        asked_for = call.path.removeprefix("/api/").partition("/")[0]
        raise Refusal("0x80060888", f"Requested API Version '{asked_for}' was not understood by the service.")
    call.version = found["version"]
    run_due(site.state)
    one, groups = find(call.method, (found["rest"] or "").strip("/"))
    return one.kind, one.handler(site, call, **groups)


def find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route of a path under the service; raises the refusal of a path or a method that is not there."""
    known = False
    for one in ROUTES:
        found = one.pattern.fullmatch(path)
        if found is None:
            continue
        known = True
        if one.method == method:
            return one, {key: value for key, value in found.groupdict().items() if value is not None}
    if known:
        raise Refusal("0x0", f"The requested resource does not support http method '{method}'.", status=405)
    raise no_segment(path.partition("/")[0].partition("(")[0])


def _enter(site: Site, call: Call) -> Reply | None:
    """Find out who calls; the answer to somebody whose token is not good."""
    if call.user is not None:
        return None
    kind, _, text = call.header("Authorization").partition(" ")
    try:
        call.user = site.org.sessions.check(text.strip() if kind.lower() == "bearer" else "")
    except KeyError:
        if site.settings.sign_in_page:
            return Reply(200, _PAGE, {}, HTML)
        where = f"{call.url}/{site.org.sessions.tenant_id}/oauth2/authorize"
        return Reply(401, None, {"WWW-Authenticate": f"Bearer authorization_uri={where}, resource_id={call.url}/"})
    return None


def run_inner(site: Site, call: Call) -> Reply:
    """A call inside another one, refusals included."""
    try:
        return answer(site, call)[1]
    except Refusal as refusal:
        return refused(call, refusal)


def refused(call: Call, refusal: Refusal) -> Reply:
    """The answer of a refusal."""
    return Reply(refusal.status, refusal.body(annotated=call.prefer.all_annotations), dict(refusal.headers))
