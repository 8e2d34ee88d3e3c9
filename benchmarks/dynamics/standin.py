"""A stand-in for an environment: contacts rendered once, everything else as the simulator answers it, also once.

`python -m benchmarks.dynamics.standin`.
"""

from __future__ import annotations

import json
import re
import sys
import tempfile
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, urlsplit

from benchmarks.dynamics import contacts
from benchmarks.dynamics.contacts import PAGE, TARGET
from benchmarks.ledger import Ledger
from benchmarks.measure import serving
from benchmarks.serving import JSON, Answer, Request, StandIn, as_json, serve

_CONTACTS = re.compile(r"/api/data/v9\.\d/contacts(/.*)?\Z")
_BATCH = re.compile(r"/api/data/v9\.\d/\$batch\Z")
_GUID = re.compile(r"contactid eq ([0-9a-f-]{36})")
_PATCH = re.compile(rb"^PATCH \S*?/contacts\(([0-9a-f-]{36})\)", re.MULTILINE)
_GET = re.compile(rb"^GET (\S*?/contacts\?\S+) HTTP", re.MULTILINE)
_BOUNDARY = re.compile(r'boundary="?([^";]+)')
_PASSED = ("content-type", "prefer", "accept")
_DONE = b'HTTP/1.1 204 No Content\r\nOData-Version: 4.0\r\nETag: W/"9000000"\r\n\r\n'
_MOST_COUNTED = 5_000


class Environment(StandIn[Ledger]):
    """An environment with contacts. `behind` is the simulator that knows the rest."""

    def __init__(self, behind: dict[str, Any]) -> None:
        super().__init__(Ledger)
        self.behind = behind
        self._answers: dict[object, Answer] = {}

    def served(self, request: Request) -> Answer:
        """The answer, with the protocol's version."""
        path = urlsplit(request.target).path
        if _BATCH.match(path):
            status, body, headers = self._batch(request)
        elif found := _CONTACTS.match(path):
            status, body, headers = self._message(request) if found[1] else self._contacts(request)
        else:
            return self._known(request)
        return status, body, {**headers, "OData-Version": "4.0"}

    def _contacts(self, request: Request) -> Answer:
        query = {name: values[0] for name, values in parse_qs(urlsplit(request.target).query).items()}
        if "$apply" in query:
            return as_json({"value": [{"n": self.records}]})
        fields, annotated = tuple(query["$select"].split(",")), TARGET[1:] in request.headers.get("prefer", "")
        if "$count" in query:
            return _page(b"", f'"@odata.count":{min(self.records, _MOST_COUNTED)},')
        if ids := _GUID.findall(query.get("$filter", "")):
            self.ledger.reads += 1
            return _page(contacts.by_id(fields, ids, annotated=annotated, moved=self.moved))
        if "$deltatoken" in query:
            return _page(b"", after=self._link(fields, "delta", "1"))
        self.fields = fields
        return self._list(fields, int(query.get("$skiptoken", 0)), annotated=annotated)

    def _list(self, fields: tuple[str, ...], page: int, *, annotated: bool) -> Answer:
        rows, more = min(PAGE, self.records - page * PAGE), (page + 1) * PAGE < self.records
        after = self._link(fields, "next", str(page + 1)) if more else self._link(fields, "delta", "1")

        def render() -> bytes:
            return _page(
                contacts.rendered(fields, page, rows, annotated=annotated, moved=self.moved), after=after
            )[1]  # fmt: skip

        return 200, self.keep((fields, page, rows, annotated, self.moved), render), {"Content-Type": JSON}

    def _link(self, fields: tuple[str, ...], kind: str, token: str) -> str:
        name = "$skiptoken" if kind == "next" else "$deltatoken"
        address = f"{self.url}/api/data/v9.2/contacts?$select={quote(','.join(fields), safe=',')}&{name}={token}"
        return f',"@odata.{kind}Link":{json.dumps(address)}'

    def _message(self, request: Request) -> Answer:
        """Many changes in one message."""
        self.ledger.writes += 1
        self.ledger.note(one["contactid"] for one in json.loads(request.body)["Targets"])
        return 204, b"", {}

    def _batch(self, request: Request) -> Answer:
        """Many changes in a batch, or many questions, each with an answer of its own."""
        if asked := _GET.findall(request.body):
            return self._answers_of([one.decode() for one in asked], request)
        self.ledger.writes += 1
        count = len(self.ledger.note(one.decode() for one in _PATCH.findall(request.body)))
        return _parts(request, [_DONE] * count)

    def _answers_of(self, targets: list[str], request: Request) -> Answer:
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nOData-Version: 4.0\r\n\r\n"
        alone = [Request("GET", target, request.headers, b"") for target in targets]
        return _parts(request, [head + self._contacts(one)[1] for one in alone])

    def _known(self, request: Request) -> Answer:
        """What the simulator says, asked once."""
        key = (request.method, request.target, request.headers.get("prefer"), request.body)
        if key not in self._answers:
            self._answers[key] = self._ask(request)
        return self._answers[key]

    def _ask(self, request: Request) -> Answer:
        passed = {name: value for name, value in request.headers.items() if name in _PASSED}
        asked = urllib.request.Request(  # noqa: S310 - our own simulator
            self.behind["url"] + request.target, data=request.body or None, method=request.method,
            headers=passed | {"Authorization": f"Bearer {self.behind['access_token']}"},
        )  # fmt: skip
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), _Plain())
        with opener.open(asked, timeout=60) as answer:
            kind = answer.headers.get("Content-Type", JSON)
            return answer.status, answer.read(), {"Content-Type": kind, "OData-Version": "4.0"}


class _Plain(urllib.request.HTTPErrorProcessor):
    """Errors are answers like others."""

    def http_response(self, request: Any, response: Any) -> Any:
        """Hand it on."""
        del request
        return response


def _parts(request: Request, answers: list[bytes]) -> Answer:
    found = _BOUNDARY.search(request.headers["content-type"])
    boundary = found[1].encode() if found else b""
    head = b"--%s\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n" % boundary
    body = b"".join(head + one + b"\r\n" for one in answers) + b"--%s--\r\n" % boundary
    return 200, body, {"Content-Type": f"multipart/mixed; boundary={boundary.decode()}"}


def _page(records: bytes, before: str = "", after: str = "") -> Answer:
    head = f'{{"@odata.context":"contacts",{before}"value":['
    return 200, head.encode() + records + b"]" + after.encode() + b"}", {"Content-Type": JSON}


def main() -> None:
    """Serve beside a small simulated environment."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="crmsync-bench-")))
        behind = stack.enter_context(serving(["crmsync", "simulate", "dynamics", "--records", "10"], folder))
        serve(Environment(behind))


if __name__ == "__main__":
    sys.exit(main())
