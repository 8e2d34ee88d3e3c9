"""Writes as the vendor has them: collections, and jobs that take a file."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

from benchmarks.ledger import Ledger

JOB = "750000000000002AAA"


@dataclass(slots=True)
class Uploads(Ledger):
    """Collections and ingest jobs."""

    uploaded: list[str] = field(default_factory=list)

    def collection(self, body: bytes) -> bytes:
        """The answer to a call that changes up to 200 records."""
        self.writes += 1
        return _results(self.note(one["id"] for one in json.loads(body)["records"]))

    def ingest(self, method: str, tail: list[str], body: bytes) -> bytes:
        """The answer to a call about the one job there is; it has run when it is closed."""
        self.writes += 1
        if tail[-1:] == ["batches"]:
            rows = csv.reader(io.StringIO(body.decode(), newline=""))
            at = next(rows).index("Id")
            self.uploaded = self.note(row[at] for row in rows)
            return b""
        if tail[-1:] == ["successfulResults"]:
            return b'"sf__Id","sf__Created"\n' + b"".join(b'"%s","false"\n' % one.encode() for one in self.uploaded)
        if tail[-1:] in (["failedResults"], ["unprocessedrecords"]):
            return b'"sf__Id","sf__Error"\n'
        done = method == "GET" or b"UploadComplete" in body
        return json.dumps({"id": JOB, "state": "JobComplete" if done else "Open", "object": "Contact"}).encode()


def _results(ids: Iterable[str]) -> bytes:
    return b"[%s]" % b",".join(b'{"id":"%s","success":true,"errors":[]}' % one.encode() for one in ids)
