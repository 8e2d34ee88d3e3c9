"""What the stand-in is asked to write, and to read for it: nothing is checked, everything is counted."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass, field

JOB = "750000000000002AAA"


@dataclass(slots=True)
class Ledger:
    """The records written since it was asked last, each once, and how many calls that took."""

    ids: set[str] = field(default_factory=set)
    records: int = 0
    writes: int = 0  # calls that write
    reads: int = 0  # calls that read records by their ids
    uploaded: list[str] = field(default_factory=list)

    def told(self) -> dict[str, int]:
        """What was counted."""
        return {"ids": len(self.ids), "records": self.records, "writes": self.writes, "reads": self.reads}

    def collection(self, body: bytes) -> bytes:
        """The answer to a call that changes up to 200 records."""
        self.writes += 1
        return _results(self._note(one["id"] for one in json.loads(body)["records"]))

    def ingest(self, method: str, tail: list[str], body: bytes) -> bytes:
        """The answer to a call about the one job there is; it has run when it is closed."""
        self.writes += 1
        if tail[-1:] == ["batches"]:
            rows = csv.reader(io.StringIO(body.decode(), newline=""))
            at = next(rows).index("Id")
            self.uploaded = self._note(row[at] for row in rows)
            return b""
        if tail[-1:] == ["successfulResults"]:
            return b'"sf__Id","sf__Created"\n' + b"".join(b'"%s","false"\n' % one.encode() for one in self.uploaded)
        if tail[-1:] in (["failedResults"], ["unprocessedrecords"]):
            return b'"sf__Id","sf__Error"\n'
        done = method == "GET" or b"UploadComplete" in body
        return json.dumps({"id": JOB, "state": "JobComplete" if done else "Open", "object": "Contact"}).encode()

    def _note(self, ids: Iterable[str]) -> list[str]:
        found = list(ids)
        self.ids.update(found)
        self.records += len(found)
        return found


def _results(ids: Iterable[str]) -> bytes:
    return b"[%s]" % b",".join(b'{"id":"%s","success":true,"errors":[]}' % one.encode() for one in ids)
