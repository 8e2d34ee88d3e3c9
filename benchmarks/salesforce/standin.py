"""A stand-in for an org: one object, every answer rendered once: `python -m benchmarks.salesforce.standin`."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, unquote, urlsplit

from benchmarks.salesforce import contacts
from benchmarks.salesforce.contacts import PAGE
from benchmarks.salesforce.ledger import Uploads
from benchmarks.serving import JSON, Answer, Request, StandIn, as_json, serve

_SELECT = re.compile(r"SELECT (.+?) FROM (\w+)", re.IGNORECASE)
_LOW, _HIGH = re.compile(r"\bId >=? '(\w+)'"), re.compile(r"\bId < '(\w+)'")
_AMONG, _EACH = re.compile(r"\bId IN \(([^)]*)\)", re.IGNORECASE), re.compile(r"\w+")
_CSV = "text/csv"
_JOB, _DATA = "750000000000001AAA", re.compile(r"/services/data/v[\d.]+/(.*)")


class Org(StandIn[Uploads]):
    """An org with contacts."""

    def __init__(self) -> None:
        super().__init__(Uploads)
        self.job: tuple[str, ...] = ()

    def served(self, request: Request) -> Answer:
        """The answer, with what is left of the day's calls."""
        status, body, headers = self._answer(request.method, request.target, request.body)
        return status, body, {**headers, "Sforce-Limit-Info": "api-usage=100/10000000"}

    def _answer(self, method: str, target: str, body: bytes) -> Answer:
        path, query = unquote(urlsplit(target).path), parse_qs(urlsplit(target).query)
        if path.startswith("/services/oauth2"):
            ids = f"{self.url}/id/00D000000000001EAA/005000000000001AAA"
            return as_json(
                {"access_token": "00D000000000001!A", "instance_url": self.url, "id": ids, "token_type": "Bearer"}
            )
        if path.rstrip("/") == "/services/data":
            return as_json([{"version": "62.0", "label": "Bench", "url": "/services/data/v62.0"}])
        found = _DATA.match(path)
        return self._data(method, found[1].strip("/") if found else "", query, body)

    def _data(self, method: str, tail: str, query: dict[str, list[str]], body: bytes) -> Answer:  # noqa: PLR0911
        if tail in ("query", "queryAll"):
            return self._query(query["q"][0])
        if tail.startswith("query"):
            return self._page(*map(int, tail.split("/")[1].split("-")[1:]))
        if tail.startswith(("composite/sobjects", "jobs/ingest")):
            return self._edits(method, tail, body)
        if tail.startswith("jobs/query"):
            return self._bulk(method, tail.split("/")[2:], query, body)
        if tail == "composite":
            return self._composite(body)
        if tail == "sobjects":
            return as_json({"sobjects": [{k: v for k, v in contacts.described().items() if k != "fields"}]})
        if tail == "sobjects/Contact/describe":
            return as_json(contacts.described())
        if tail.startswith("sobjects/Contact/deleted"):
            until = query["end"][0]
            return as_json(
                {
                    "deletedRecords": [],
                    "earliestDateAvailable": "2020-01-01T00:00:00.000+0000",
                    "latestDateCovered": until,
                }
            )
        if tail == "limits":
            return as_json({"DailyApiRequests": {"Max": 10_000_000, "Remaining": 9_000_000}})
        return _error(404, "NOT_FOUND", "The requested resource does not exist")

    def _composite(self, body: bytes) -> Answer:
        parts = []
        for one in json.loads(body)["compositeRequest"]:
            self.asked += 1
            status, content, _ = self._answer(one["method"], one["url"], b"")
            parts.append(b'{"body":%s,"httpHeaders":{},"httpStatusCode":%d,"referenceId":"%s"}' % (
                content or b"null", status, one["referenceId"].encode()
            ))  # fmt: skip
        return 200, b'{"compositeResponse":[%s]}' % b",".join(parts), {"Content-Type": JSON}

    def _query(self, soql: str) -> Answer:
        found = _SELECT.match(soql)
        if found is None or found[2] != "Contact":
            return _error(400, "INVALID_TYPE", "sObject type is not supported.")
        if found[1].upper() == "COUNT()":
            return as_json({"totalSize": self.records, "done": True, "records": []})
        fields = tuple(found[1].replace(" ", "").split(","))
        if among := _AMONG.search(soql):
            self.ledger.reads += 1
            ids = _EACH.findall(among[1])
            head = b'{"totalSize":%d,"done":true,"records":[' % len(ids)
            return 200, b"%s%s]}" % (head, contacts.json_by_id(fields, ids, moved=self.moved)), {"Content-Type": JSON}
        if "SystemModstamp >" in soql:  # nothing moves by itself
            return self._page(0, 0)
        self.fields = fields
        last = -(-self.records // PAGE)
        if " LIMIT 1" in soql:
            row = contacts.identity(0, 0) if " DESC" not in soql else contacts.identity(last - 1, 0)
            return as_json({"totalSize": 1, "done": True, "records": [{"Id": row}]})
        low, high = _LOW.search(soql), _HIGH.search(soql)
        return self._page(
            contacts.page_of(low[1]) if low else 0, min(contacts.page_of(high[1]) if high else last, last)
        )

    def _edits(self, method: str, tail: str, body: bytes) -> Answer:
        """What is written, and the collections that are read before."""
        if tail == "composite/sobjects":
            return 200, self.ledger.collection(body), {"Content-Type": JSON}
        if tail.startswith("composite"):
            asked = json.loads(body)
            self.ledger.reads += 1
            found = contacts.json_by_id(tuple(asked["fields"]), asked["ids"], moved=self.moved)
            return 200, b"[%s]" % found, {"Content-Type": JSON}
        job = tail.split("/")[2:]
        results = method == "GET" and len(job) > 1
        return 200, self.ledger.ingest(method, job, body), {"Content-Type": _CSV if results else JSON}

    def _rows(self, page: int) -> int:
        return min(PAGE, self.records - page * PAGE)

    def _page(self, page: int, end: int) -> Answer:
        if page >= end:
            return as_json({"totalSize": 0, "done": True, "records": []})
        key = ("json", self.fields, page, end, self._rows(page), self.moved)
        return 200, self.keep(key, lambda: self._render(page, end)), {"Content-Type": JSON}

    def _render(self, page: int, end: int) -> bytes:
        total = min(self.records, end * PAGE)
        more = page + 1 < end
        next_ = f'"nextRecordsUrl":"/services/data/v62.0/query/01g000000000001-{page + 1}-{end}",' if more else ""
        head = f'{{"totalSize":{total},"done":{str(not more).lower()},{next_}"records":['
        return head.encode() + contacts.json_records(self.fields, page, self._rows(page), moved=self.moved) + b"]}"

    def _bulk(self, method: str, tail: list[str], query: dict[str, list[str]], body: bytes) -> Answer:
        job = {"id": _JOB, "state": "JobComplete", "object": "Contact", "numberRecordsProcessed": self.records}
        if method == "POST":
            found = _SELECT.match(json.loads(body)["query"])
            assert found is not None
            self.job = tuple(found[1].replace(" ", "").split(","))
            return as_json(job)
        if method == "GET" and tail[1:] == ["results"]:
            return self._results(int(query["maxRecords"][0]), int(query.get("locator", ["0"])[0]))
        return as_json(job)

    def _results(self, most: int, start: int) -> Answer:
        pages = max(1, most // PAGE)
        end = min(start + pages, -(-self.records // PAGE))
        rows = min(end * PAGE, self.records) - start * PAGE
        more = end * PAGE < self.records
        head = {
            "Content-Type": _CSV,
            "Sforce-NumberOfRecords": str(rows),
            "Sforce-Locator": str(end) if more else "null",
        }
        return 200, self.keep(("csv", self.job, start, end, rows, self.moved), lambda: self._csv(start, end)), head

    def _csv(self, start: int, end: int) -> bytes:
        header = ",".join(f'"{name}"' for name in self.job) + "\n"
        parts = (contacts.csv_rows(self.job, page, self._rows(page), moved=self.moved) for page in range(start, end))
        return header.encode() + b"".join(parts)


def _error(status: int, code: str, message: str) -> Answer:
    return as_json([{"errorCode": code, "message": message}], status)


if __name__ == "__main__":
    serve(Org())
