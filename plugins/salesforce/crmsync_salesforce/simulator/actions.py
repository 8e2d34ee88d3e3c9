"""What planted faults do that only this vendor's servers can do, by the name under `action.name`."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from crmsync.simulate import FaultActions, titled_page
from crmsync_salesforce.simulator.api.bulk_query import QueryJob
from crmsync_salesforce.simulator.api.call import CSV, Call, Reply
from crmsync_salesforce.simulator.api.ingested import IngestJob, leave
from crmsync_salesforce.simulator.api.site import Site
from crmsync_salesforce.simulator.errors import Refusal

Before = Callable[[Site, Call, dict[str, Any]], Reply | None]
After = Callable[[Site, Reply, dict[str, Any]], None]


def _refuse(code: str, message: str, status: int = 0) -> Before:
    refusal = Refusal(code, message, status=status)

    def refuse(site: Site, call: Call, action: dict[str, Any]) -> Reply:
        del site, call, action
        return Reply(refusal.status, refusal.body())

    return refuse


def _page(status: int, title: str) -> Before:
    def show(site: Site, call: Call, action: dict[str, Any]) -> Reply:
        del site, call, action
        return Reply(status, titled_page(title), {}, "text/html;charset=UTF-8")

    return show


def _expire_session(site: Site, call: Call, action: dict[str, Any]) -> None:
    del call, action
    site.org.sessions.expire()


def _expire_locators(site: Site, call: Call, action: dict[str, Any]) -> None:
    del call, action
    site.cursors.clear()


def _unauthorized(site: Site, call: Call, action: dict[str, Any]) -> Reply:
    del call, action
    site.never_cured = True
    return never_cured()


def never_cured() -> Reply:
    """A 401 that no new log-in cures."""
    return Reply(401, Refusal("INVALID_SESSION_ID", "This session is not valid for use with the REST API").body())


def _token_error(site: Site, call: Call, action: dict[str, Any]) -> Reply:
    del site, call
    body = {"error": action.get("error", "invalid_grant")}
    if action.get("error_description"):
        body["error_description"] = action["error_description"]
    return Reply(int(action.get("status", 400)), body)


def _end_jobs(state: str | None) -> Before:
    def end(site: Site, call: Call, action: dict[str, Any]) -> None:
        del call
        for job in site.jobs.values():
            if not isinstance(job, (QueryJob, IngestJob)) or job.state not in {"Open", "UploadComplete", "InProgress"}:
                continue
            if state is None:
                job.polls = -1
                job.info["state"] = "InProgress"
                continue
            job.info["state"] = state
            if isinstance(job, IngestJob):
                leave(job)
            if state == "Failed":
                job.info["errorMessage"] = action.get(
                    "message", "InternalServerError : Retried more than fifteen times"
                )

    return end


def _spoil_uploads(member: str) -> Before:
    """Have uploads that did not run yet fail after so many rows, or tell nothing of so many."""

    def spoil(site: Site, call: Call, action: dict[str, Any]) -> None:
        del call
        for job in site.jobs.values():
            if isinstance(job, IngestJob):
                setattr(job, member, int(action["rows"]))

    return spoil


BEFORE: dict[str, Before] = {
    "expire_session": _expire_session,
    "expire_locators": _expire_locators,
    "unauthorized": _unauthorized,
    "token_error": _token_error,
    "daily_limit": _refuse("REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded."),
    "concurrent_limit": _refuse("REQUEST_LIMIT_EXCEEDED", "ConcurrentPerOrgLongTxn Limit exceeded."),
    "lock_row": _refuse("UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record"),
    "query_timeout": _refuse("QUERY_TIMEOUT", "Your query request was running for too long."),
    "server_error": _refuse("UNKNOWN_EXCEPTION", "An unexpected error occurred. ErrorId: 1234-5678", 500),
    "not_acceptable": _refuse("CustomNotAcceptable", "Not acceptable", 406),
    "maintenance": _page(503, "We are down for maintenance"),
    "uri_too_long": _page(414, "URI Too Long"),
    "headers_too_large": _page(431, "Request Header Fields Too Large"),
    "bulk_failed": _end_jobs("Failed"),
    "bulk_aborted": _end_jobs("Aborted"),
    "bulk_stuck": _end_jobs(None),
    "ingest_partial": _spoil_uploads("most"),
    "ingest_missing": _spoil_uploads("lost"),
}


def _drop_next(site: Site, reply: Reply, action: dict[str, Any]) -> None:
    del site, action
    if isinstance(reply.body, dict):
        reply.body.pop("nextRecordsUrl", None)


def _bom(site: Site, reply: Reply, action: dict[str, Any]) -> None:
    del site, action
    if isinstance(reply.body, bytes) and reply.content_type == CSV:
        reply.body = b"\xef\xbb\xbf" + reply.body


def _no_charset(site: Site, reply: Reply, action: dict[str, Any]) -> None:
    del site, action
    reply.content_type = reply.content_type.partition(";")[0]


AFTER: dict[str, After] = {"drop_next_url": _drop_next, "bulk_bom": _bom, "no_charset": _no_charset}
REPEAT = "repeat_page"
_PLACE = re.compile(r"/query/(\w+)-(\d+)$")


def page_before(site: Site, path: str) -> str:
    """The address of the page in front of the one that is asked for; any other address as it is."""
    found = _PLACE.search(path)
    cursor = site.cursors.get(found[1]) if found else None
    if found is None or cursor is None:
        return path
    return f"{path[: found.start()]}/query/{found[1]}-{max(0, int(found[2]) - cursor.size)}"


ACTIONS = FaultActions(Reply, BEFORE, AFTER, frozenset({REPEAT}))
