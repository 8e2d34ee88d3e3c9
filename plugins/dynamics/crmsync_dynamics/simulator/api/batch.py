"""`$batch`: many requests in one, one after the other, with change sets that are carried out as a whole or not at all.

Planted faults hit the requests inside too: they are matched against `part:` and the request's own path and query.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct, field

from crmsync_dynamics.simulator.actions import ACTIONS
from crmsync_dynamics.simulator.api import multipart
from crmsync_dynamics.simulator.api.call import SERVICE, Call, Reply, unreadable
from crmsync_dynamics.simulator.api.changes import FAILED
from crmsync_dynamics.simulator.api.multipart import Answered, ChangeSet, Part
from crmsync_dynamics.simulator.api.site import Site
from crmsync_dynamics.simulator.errors import Refusal

MOST = 1000
MOST_URL = 65_536
_REFERENCE = re.compile(r"^\$(\w+)")
_QUOTED = re.compile(rb'"/?\$(\w+)"')
_encode = msgspec.json.Encoder(decimal_format="number").encode


class Request(Struct, frozen=True):
    """One request of a batch."""

    method: str
    url: str
    headers: dict[str, str]
    body: bytes
    content_id: str


class Failed(Exception):
    """A request of a change set failed, and with it all of them."""

    def __init__(self, answer: Answered) -> None:
        super().__init__(answer.status)
        self.answer = answer


def batch(site: Site, call: Call) -> Reply:
    """Run the requests; without `odata.continue-on-error` the first failure ends the batch and is its status."""
    site.need("batch")
    boundary = multipart.boundary_of(call.header("Content-Type"))
    if boundary is None:
        raise unreadable("A batch is multipart/mixed with a boundary.")
    items = [_item(part) for part in multipart.split(call.body, boundary)]
    _limit(items)
    answers: list[Answered | ChangeSet] = []
    status = 200
    for item in items:
        answers.append(Batch(site, call).run(item))
        last = answers[-1]
        if isinstance(last, Answered) and last.status >= FAILED and not call.prefer.keep_going:
            status = last.status
            break
    mark = f"batchresponse_{next(site.state.ids)}"
    return Reply(status, multipart.render(answers, mark), {}, f"multipart/mixed; boundary={mark}")


def _item(part: Part) -> Request | list[Request]:
    if part.boundary is None:
        return _request(part)
    inside = [_request(one) for one in multipart.split(part.body, part.boundary)]
    if any(one.method == "GET" for one in inside):
        raise Refusal("0x80060888", "A change set cannot have a GET request.", status=400)
    return inside


def _request(part: Part) -> Request:
    inner = multipart.request_in(part)
    words = inner.line.split(" ")
    if len(words) < 2:  # noqa: PLR2004 - method and address
        raise multipart.unreadable()
    return Request(words[0].upper(), words[1], inner.headers, inner.body, part.headers.get("content-id", ""))


def _limit(items: list[Request | list[Request]]) -> None:
    if sum(len(item) if isinstance(item, list) else 1 for item in items) > MOST:
        raise Refusal(
            "0x0",
            "The current change set contains too many operations. A maximum number of "
            f"'{MOST}' operations are allowed in a change set.",
        )


class Batch(Struct):
    """One item of a batch as it runs; `made` are the addresses of the rows that requests before it made."""

    site: Site
    call: Call
    made: dict[str, str] = field(default_factory=dict)

    def run(self, item: Request | list[Request]) -> Answered | ChangeSet:
        """The answer to a request, or to a change set: all its answers, or the one of the request that failed."""
        if isinstance(item, Request):
            return self._one(item)
        try:
            with self.site.state.transaction():
                return ChangeSet([self._whole(one) for one in item])
        except Failed as failed:
            return failed.answer

    def _whole(self, request: Request) -> Answered:
        answer = self._one(request)
        if answer.status >= FAILED:
            raise Failed(answer)
        if request.content_id and "OData-EntityId" in answer.headers:
            self.made[request.content_id] = urlsplit(answer.headers["OData-EntityId"]).path
        return answer

    def _one(self, request: Request) -> Answered:
        reply = self._reply(request)
        body = reply.body if isinstance(reply.body, bytes) else b"" if reply.body is None else _encode(reply.body)
        counted = self.site.statistics
        number = f"{counted.requests:024x}{counted.sub_requests:08x}"
        headers = {**reply.headers, "OData-Version": "4.0", "REQ_ID": number}
        if body:
            headers["Content-Type"] = reply.content_type
        return Answered(reply.status, headers, body, request.content_id)

    def _reply(self, request: Request) -> Reply:
        url = self._address(request.url)
        if len(url) > MOST_URL:
            return Reply(414)
        inner = self.call.inner(request.method, url, self._body(request.body), request.headers)
        if inner.path.endswith("/$batch"):
            refusal = Refusal("0x80060888", "A batch cannot have a batch inside.", status=400)
            return Reply(refusal.status, refusal.body())
        for fault in self.site.faults.take(request.method, f"part:{url}"):
            planted = ACTIONS.answer_for(self.site, inner, fault)
            if planted is not None:
                return planted
        return self.site.dispatch(inner)

    def _address(self, url: str) -> str:
        found = _REFERENCE.match(url)
        if found is not None and found[1] in self.made:
            return self.made[found[1]] + url[found.end() :]
        return url if url.startswith(("/", "http://", "https://")) else f"{SERVICE}{self.call.version}/{url}"

    def _body(self, body: bytes) -> bytes:
        def address(found: re.Match[bytes]) -> bytes:
            made = self.made.get(found[1].decode())
            return found[0] if made is None else f'"{made}"'.encode()

        return _QUOTED.sub(address, body)
