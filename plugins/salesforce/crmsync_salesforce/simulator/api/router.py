"""Which resource answers which path, what it counts as, and the checks every call passes first."""

from __future__ import annotations

import re

from crmsync.simulate import Handler, Route, find_route, is_path, route
from crmsync_salesforce.simulator.api import (
    bulk_ingest,
    bulk_query,
    collections,
    composite,
    metadata,
    oauth,
    queries,
    records,
    replication,
    soap,
)
from crmsync_salesforce.simulator.api.call import Call, Reply
from crmsync_salesforce.simulator.api.site import Site
from crmsync_salesforce.simulator.errors import Refusal, not_found

RETIRED = 30.0


_ID = r"(?P<identity>[A-Za-z0-9]{15}|[A-Za-z0-9]{18})"
_NAME = r"(?P<name>\w+)"
_KEY = r"(?P<key>\w+)/(?P<value>.+)"
_JOB = r"(?P<job>[A-Za-z0-9]{15,18})"

ROUTES = (
    route("GET", "", metadata.resources, "resources"),
    route("GET", "/query", queries.query, "query"),
    route("GET", "/queryAll", queries.query_all, "queryAll"),
    route("GET", r"/query(All)?/(?P<locator>[A-Za-z0-9]{18})-(?P<offset>\d+)", queries.more, "queryMore"),
    route("GET", "/sobjects", metadata.describe_global, "describeGlobal"),
    route("GET", f"/sobjects/{_NAME}", metadata.basic, "describe"),
    route("POST", f"/sobjects/{_NAME}", records.create, "create"),
    route("GET", f"/sobjects/{_NAME}/describe", metadata.describe, "describe"),
    route("GET", f"/sobjects/{_NAME}/updated", replication.updated, "getUpdated"),
    route("GET", f"/sobjects/{_NAME}/deleted", replication.deleted, "getDeleted"),
    route("POST", f"/sobjects/{_NAME}/Id", records.create, "create"),
    route("GET", f"/sobjects/{_NAME}/{_ID}", records.read, "read"),
    route("PATCH", f"/sobjects/{_NAME}/{_ID}", records.update, "update"),
    route("DELETE", f"/sobjects/{_NAME}/{_ID}", records.delete, "delete"),
    route("GET", f"/sobjects/{_NAME}/{_KEY}", records.read_by_key, "read"),
    route("PATCH", f"/sobjects/{_NAME}/{_KEY}", records.upsert, "upsert"),
    route("DELETE", f"/sobjects/{_NAME}/{_KEY}", records.delete_by_key, "delete"),
    route("GET", "/limits", metadata.limits, "limits"),
    route("GET", "/limits/recordCount", metadata.record_count, "recordCount"),
    route("POST", "/composite", composite.composite, "composite"),
    route("POST", "/composite/batch", composite.batch, "batch"),
    route("POST", "/composite/sobjects", collections.create, "collections"),
    route("PATCH", "/composite/sobjects", collections.update, "collections"),
    route("DELETE", "/composite/sobjects", collections.delete, "collections"),
    route("GET", f"/composite/sobjects/{_NAME}", collections.retrieve, "collections"),
    route("POST", f"/composite/sobjects/{_NAME}", collections.retrieve, "collections"),
    route("PATCH", rf"/composite/sobjects/{_NAME}/(?P<key>\w+)", collections.upsert, "collections"),
    route("POST", "/jobs/query", bulk_query.create, "bulk"),
    route("GET", "/jobs/query", bulk_query.listing, "bulk"),
    route("GET", f"/jobs/query/{_JOB}", bulk_query.status, "bulk"),
    route("PATCH", f"/jobs/query/{_JOB}", bulk_query.change, "bulk"),
    route("DELETE", f"/jobs/query/{_JOB}", bulk_query.delete, "bulk"),
    route("GET", f"/jobs/query/{_JOB}/results", bulk_query.results, "bulk"),
    route("GET", f"/jobs/query/{_JOB}/resultPages", bulk_query.result_pages, "bulk"),
    route("POST", "/jobs/ingest", bulk_ingest.create, "bulk"),
    route("GET", "/jobs/ingest", bulk_ingest.listing, "bulk"),
    route("PUT", f"/jobs/ingest/{_JOB}/batches", bulk_ingest.upload, "bulk"),
    route("GET", f"/jobs/ingest/{_JOB}", bulk_ingest.status, "bulk"),
    route("PATCH", f"/jobs/ingest/{_JOB}", bulk_ingest.change, "bulk"),
    route("DELETE", f"/jobs/ingest/{_JOB}", bulk_ingest.delete, "bulk"),
    route("GET", f"/jobs/ingest/{_JOB}/(?P<which>successfulResults)", bulk_ingest.results, "bulk"),
    route("GET", f"/jobs/ingest/{_JOB}/(?P<which>failedResults)", bulk_ingest.results, "bulk"),
    route("GET", f"/jobs/ingest/{_JOB}/(?P<which>unprocessed[rR]ecords)", bulk_ingest.results, "bulk"),
)
_VERSIONED = re.compile(r"/services/data/v(?P<version>\d+\.\d)(?P<rest>/.*)?")
_OPEN: dict[tuple[str, str], tuple[Handler, str]] = {
    ("GET", "/services/data"): (metadata.versions, "versions"),
    ("POST", "/services/oauth2/token"): (oauth.token, "token"),
    ("GET", "/services/oauth2/authorize"): (oauth.authorize, "authorize"),
    ("POST", "/services/oauth2/revoke"): (oauth.revoke, "token"),
}
FREE = frozenset({"versions", "token", "authorize", "userinfo"})


def find(method: str, path: str) -> tuple[Route, dict[str, str]]:
    """The route of a path under a version; raises NOT_FOUND or METHOD_NOT_ALLOWED."""
    found = find_route(ROUTES, method, path)
    if found is not None:
        return found
    if is_path(ROUTES, path):
        raise Refusal(
            "METHOD_NOT_ALLOWED", f"HTTP Method '{method}' not allowed. Allowed are HEAD,GET,POST,PATCH,DELETE"
        )
    raise not_found()


def answer(site: Site, call: Call) -> tuple[str, Reply]:
    """What the site says to a call, and what it counts as; raises Refusal."""
    path = call.path.rstrip("/")
    unlocked = _OPEN.get((call.method, path))
    if unlocked is not None:
        handler, kind = unlocked
        return kind, handler(site, call)
    if path.startswith("/services/Soap/"):
        return "soap", soap.serve(site, call)
    if path == "/services/oauth2/userinfo" or path.startswith("/id/"):
        _enter(site, call)
        return "userinfo", oauth.userinfo(site, call)
    return _versioned(site, call, path)


def _enter(site: Site, call: Call) -> None:
    if call.session is None:
        kind, _, token = call.header("Authorization").partition(" ")
        wanted = token.strip() if kind.lower() in {"bearer", "oauth"} else None
        call.session = site.org.sessions.check(wanted)


def _versioned(site: Site, call: Call, path: str) -> tuple[str, Reply]:
    found = _VERSIONED.fullmatch(path)
    if found is None:
        raise not_found()
    call.version = found["version"]
    if float(call.version) <= RETIRED:
        raise Refusal("UNSUPPORTED_API_VERSION", "The requested API version is retired", status=410)
    if call.version not in site.settings.versions:
        raise not_found()
    _enter(site, call)
    one, groups = find(call.method, found["rest"] or "")
    return one.kind, one.handler(site, call, **groups)


def run_inner(site: Site, call: Call) -> Reply:
    """A sub-request's reply, refusals included."""
    try:
        return answer(site, call)[1]
    except Refusal as refusal:
        return Reply(refusal.status, refusal.body())
