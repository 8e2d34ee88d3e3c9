"""Which resource answers which path, and the checks every call passes first."""

from __future__ import annotations

import re

from crmsync.simulate import Route, find_route, is_path, route
from crmsync_dynamics.simulator.api import csdl, functions, metadata, oauth, queries, records
from crmsync_dynamics.simulator.api.call import HTML, Call, Reply
from crmsync_dynamics.simulator.api.routes import ACTION, KEY, NAME, SET
from crmsync_dynamics.simulator.api.site import Site
from crmsync_dynamics.simulator.api.writing import WRITES
from crmsync_dynamics.simulator.errors import Refusal, no_segment
from crmsync_dynamics.simulator.workflows import run_due

_TABLE = r"EntityDefinitions\((?P<which>[^)]*)\)"
_PART = r"(?P<part>Attributes|Keys|ManyToOneRelationships|OneToManyRelationships|ManyToManyRelationships)"
_CAST = rf"{ACTION}(?P<cast>\w+Metadata)"
READS = (
    route("GET", "", functions.service, "service"),
    route("GET", r"\$metadata", csdl.document, "$metadata"),
    route("GET", r"WhoAmI(\(\))?", functions.who_am_i, "WhoAmI"),
    route("GET", r"RetrieveTotalRecordCount\((?P<arguments>.*)\)", functions.total_count, "function"),
    route("GET", rf"systemusers{KEY}/{ACTION}RetrieveUserPrivileges(\(\))?", functions.privileges, "function"),
    route("GET", "privileges", functions.all_privileges, "function"),
    route("GET", "EntityDefinitions", metadata.tables, "metadata"),
    route("GET", _TABLE, metadata.table, "metadata"),
    route("GET", f"{_TABLE}/{_PART}", metadata.parts, "metadata"),
    route("GET", f"{_TABLE}/{_PART}/{_CAST}", metadata.parts, "metadata"),
    route("GET", rf"{_TABLE}/Attributes\((?P<column>[^)]*)\)(?:/{_CAST})?", metadata.column, "metadata"),
    route("GET", r"GlobalOptionSetDefinitions(?:\((?P<which>[^)]*)\))?", metadata.option_sets, "metadata"),
    route("GET", "RelationshipDefinitions", metadata.relationships, "metadata"),
    route("GET", SET, queries.collection, "query"),
    route("GET", rf"{SET}/\$count", queries.count, "count"),
    route("GET", f"{SET}{KEY}", records.read, "read"),
    route("GET", f"{SET}{KEY}/{NAME}", records.prop, "read"),
    route("GET", rf"{SET}{KEY}/{NAME}/\$value", records.value, "read"),
    route("GET", rf"{SET}{KEY}/{NAME}/\$ref", records.references, "read"),
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
        asked_for = call.path.removeprefix("/api").strip("/").partition("/")[0]
        raise Refusal(
            "0x80060888", f"Requested API Version '{asked_for}' was not understood by the service.", status=404
        )
    call.version = found["version"]
    run_due(site.state)
    one, groups = find(call.method, (found["rest"] or "").strip("/"))
    return one.kind, one.handler(site, call, **groups)


def find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route of a path under the service; raises the refusal of a path or a method that is not there."""
    found = find_route(ROUTES, method, path)
    if found is not None:
        return found
    if is_path(ROUTES, path):
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
