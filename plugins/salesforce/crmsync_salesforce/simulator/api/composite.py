"""Several requests in one: composite, which passes values on and may be all-or-none, and batch, which does neither."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from crmsync_salesforce.simulator.api.call import Call, Reply
from crmsync_salesforce.simulator.api.site import Site
from crmsync_salesforce.simulator.errors import Refusal, not_found

MOST, MOST_QUERIES = 25, 5
_REFERENCE = re.compile(r"@\{([^}]+)\}")
_QUERY = re.compile(r"/(query(All)?|composite/sobjects)\b")
_INNER = re.compile(r"/composite(/batch|/graph)?/?(\?|$)")
_FAILED = 400
_HALTED = [
    {
        "errorCode": "PROCESSING_HALTED",
        "message": "The transaction was rolled back since another operation in the same transaction failed.",
    }
]


def _plain(reply: Reply) -> Any:
    return msgspec.json.decode(reply.body) if isinstance(reply.body, bytes) else reply.body


def _limit(requests: object) -> list[dict[str, Any]]:
    if not isinstance(requests, list) or not requests:
        raise Refusal("JSON_PARSER_ERROR", "Unable to find: compositeRequest")
    if len(requests) > MOST:
        raise Refusal(
            "LIMIT_EXCEEDED",
            f"Too many subrequests: {len(requests)}. A request can contain at most {MOST} subrequests.",
        )
    return requests


def composite(site: Site, call: Call) -> Reply:
    """Up to 25 requests, of which up to 5 may be queries or collections, charged as one call."""
    site.need("composite")
    body = call.json_object()
    requests = _limit(body.get("compositeRequest"))
    if sum(1 for one in requests if _QUERY.search(str(one.get("url")))) > MOST_QUERIES:
        raise Refusal(
            "LIMIT_EXCEEDED", f"Too many query or collection subrequests. A request can contain at most {MOST_QUERIES}."
        )
    if body.get("allOrNone"):
        return Reply(body={"compositeResponse": _all_or_none(site, call, requests)})
    done: dict[str, Any] = {}
    return Reply(body={"compositeResponse": [_one(site, call, one, done) for one in requests]})


def _all_or_none(site: Site, call: Call, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    done: dict[str, Any] = {}
    answers: list[dict[str, Any]] = []
    with site.state.transaction() as journal:
        for one in requests:
            answers.append(_one(site, call, one, done))
            if answers[-1]["httpStatusCode"] >= _FAILED:
                break
    if answers[-1]["httpStatusCode"] < _FAILED:
        return answers
    site.state.roll_back(journal)
    culprit = len(answers) - 1
    return [answers[n] if n == culprit else _halted(str(one["referenceId"])) for n, one in enumerate(requests)]


def _halted(reference: str) -> dict[str, Any]:
    return {"body": _HALTED, "httpHeaders": {}, "httpStatusCode": _FAILED, "referenceId": reference}


def _one(site: Site, call: Call, asked: dict[str, Any], done: dict[str, Any]) -> dict[str, Any]:
    reference = str(asked.get("referenceId"))
    site.statistics.sub_requests += 1
    try:
        url = _fill(str(asked.get("url", "")), done)
        body = _fill(json.dumps(asked["body"]), done).encode() if "body" in asked else b""
        reply = _run(site, call, str(asked.get("method", "GET")), url, body, asked.get("httpHeaders") or {})
    except Refusal as refusal:
        reply = Reply(refusal.status, refusal.body())
    plain = _plain(reply)
    if reply.status < _FAILED:
        done[reference] = plain
    headers = {key: one for key, one in reply.headers.items() if key in {"Location", "ETag", "Last-Modified"}}
    return {"body": plain, "httpHeaders": headers, "httpStatusCode": reply.status, "referenceId": reference}


def _run(site: Site, call: Call, method: str, url: str, body: bytes, headers: dict[str, str]) -> Reply:
    if _INNER.search(url):
        raise Refusal("INVALID_INPUT", f"The url is not allowed in a composite request: {url}")
    if not url.startswith("/services/data/"):
        raise not_found()
    kept = {key: one for key, one in call.headers.items() if key.lower().startswith("sforce-")}
    return site.dispatch(call.inner(method, url, body, {**kept, **headers}))


def _fill(text: str, done: dict[str, Any]) -> str:
    def value(found: re.Match[str]) -> str:
        name, *rest = re.split(r"[.\[]", found[1])
        if name not in done:
            raise Refusal("PROCESSING_HALTED", f"Invalid reference specified. No value for {name} found")
        at: Any = done[name]
        for part in rest:
            key = part.rstrip("]")
            at = at[int(key)] if isinstance(at, list) else at[key]
        return str(at)

    try:
        return _REFERENCE.sub(value, text)
    except (KeyError, IndexError, ValueError, TypeError) as error:
        raise Refusal("PROCESSING_HALTED", f"Invalid reference specified: {text}") from error


def batch(site: Site, call: Call) -> Reply:
    """Up to 25 requests one after another, each charged; a failure stops the rest only on request."""
    site.need("composite")
    body = call.json_object()
    requests = _limit(body.get("batchRequests"))
    results: list[dict[str, Any]] = []
    failed = False
    for one in requests:
        if failed and body.get("haltOnError"):
            results.append(
                {"statusCode": 412, "result": [{"errorCode": "BATCH_PROCESSING_HALTED", "message": "Batch halted"}]}
            )
            continue
        reply = _batched(site, call, one)
        failed = failed or reply.status >= _FAILED
        results.append({"statusCode": reply.status, "result": _plain(reply)})
    site.statistics.charge("batchSub", max(0, len(requests) - 1))
    return Reply(body={"hasErrors": failed, "results": results})


def _batched(site: Site, call: Call, asked: dict[str, Any]) -> Reply:
    site.statistics.sub_requests += 1
    url = str(asked.get("url", ""))
    if not url.startswith("/"):
        url = f"/services/data/{url}"
    body = json.dumps(asked["richInput"]).encode() if "richInput" in asked else b""
    try:
        return _run(site, call, str(asked.get("method", "GET")), url, body, {})
    except Refusal as refusal:
        return Reply(refusal.status, refusal.body())
