"""The rows of a bulk ingest job: read, written one by one, and told in its result sets."""

from __future__ import annotations

import csv
import io
import re

from msgspec import Struct, field

from crmsync_salesforce.simulator import ids
from crmsync_salesforce.simulator.api.bulk_query import DELIMITERS, ENDINGS
from crmsync_salesforce.simulator.api.call import Call
from crmsync_salesforce.simulator.api.collections import upsert_one
from crmsync_salesforce.simulator.api.metadata import visible
from crmsync_salesforce.simulator.api.site import Site
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.fields import ObjectType, Values
from crmsync_salesforce.simulator.lifecycle import Lifecycle
from crmsync_salesforce.simulator.writes import Manner, Writer

NULL = "#N/A"
_BATCH, _CHUNK = 10_000, 200


class IngestJob(Struct):
    """One ingest job and what became of its rows."""

    id: str
    info: Values
    call: Call
    polls: int
    upload: bytes | None = None
    columns: list[str] = field(default_factory=list)
    good: list[list[str]] = field(default_factory=list)
    bad: list[list[str]] = field(default_factory=list)
    unprocessed: list[list[str]] = field(default_factory=list)
    most: int | None = None  # rows after which the job fails
    lost: int = 0  # rows of which no result set tells

    @property
    def state(self) -> str:
        """Where the job stands."""
        return str(self.info["state"])


def _rows(job: IngestJob) -> tuple[list[str], list[list[str]]]:
    text = (job.upload or b"").decode("utf-8")
    ending = ENDINGS[job.info["lineEnding"]]
    if ending == "\n" and "\r\n" in text.partition("\n")[0] + "\n":
        raise Refusal("InvalidBatch", "LineEnding is invalid on user data. Current LineEnding setting is LF")
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=DELIMITERS[job.info["columnDelimiter"]]))
    rows = [row for row in rows if row]
    return (rows[0], rows[1:]) if rows else ([], [])


def leave(job: IngestJob) -> None:
    """Leave the rows of a job that ends before it ran."""
    if job.upload and not job.columns:
        job.columns, job.unprocessed = _rows(job)


def run(site: Site, job: IngestJob) -> None:
    """Write the rows of a job that was closed."""
    try:
        job.columns, rows = _rows(job)
        kind = visible(site, job.call, job.info["object"])
        _check_header(kind, job.columns)
    except (Refusal, UnicodeDecodeError) as error:
        job.info["state"] = "Failed"
        job.info["errorMessage"] = f"InvalidBatch : {error.message if isinstance(error, Refusal) else error}"
        leave(job)
        return
    manner = Manner(auto_assign="assignmentRuleId" in job.info, size=min(len(rows), _CHUNK))
    writer = Writer(site.state, job.call.rights, manner=manner)
    site.statistics.kinds["bulkBatch"] += -(-len(rows) // _BATCH)
    for row in rows[: job.most]:
        _write(site, job, kind, writer, row)
    job.good.reverse()  # results never come in the order of the upload
    del job.good[: job.lost]
    if job.most is not None:
        job.unprocessed = rows[job.most :]
        job.info |= {"state": "Failed", "errorMessage": "InternalServerError : Retried more than twenty times"}


def _check_header(kind: ObjectType, columns: list[str]) -> None:
    for column in columns:
        head, dot, _ = column.rpartition(":")[2].partition(".")
        known = kind.relation(head) if dot else kind.find(head)
        if known is None:
            raise Refusal("InvalidBatch", f"Field name not found : {column}")


def _given(job: IngestJob, kind: ObjectType, row: list[str]) -> Values:
    keep_empty = job.info["operation"] == "insert"
    given: Values = {}
    for place, (column, cell) in enumerate(zip(job.columns, row, strict=False)):
        if cell == "" and not keep_empty:
            continue
        value = None if cell in {NULL, ""} else cell
        head, dot, key = column.rpartition(":")[2].partition(".")
        if dot:
            if value is not None:
                given[head] = {key: value}
            continue
        one = kind.find(head)
        if one is not None and one.type in {"date", "datetime"} and value is not None:
            _check_moment(one.name, one.type, value, place)
        given[head] = value
    return {name: value for name, value in given.items() if value is not None or not keep_empty}


_SHAPES = {
    "date": re.compile(r"\d{4}-\d\d-\d\d(T.*)?"),
    "datetime": re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)"),
}


def _check_moment(name: str, kind: str, value: str, place: int) -> None:
    if not _SHAPES[kind].fullmatch(value):
        xsd = "xsd:date" if kind == "date" else "xsd:dateTime"
        raise Refusal(
            "INVALID_FIELD",
            f"Failed to deserialize field at col {place}. Due to, '{value}' is not a valid value for the type {xsd}",
            fields=[name],
        )


def _write(site: Site, job: IngestJob, kind: ObjectType, writer: Writer, row: list[str]) -> None:
    if _keyless(job, row):
        return  # such a row is in none of the result sets
    try:
        identity, created = _apply(site, job, kind, writer, row)
    except Refusal as refusal:
        job.bad.append(["", refusal.text(), *row])
    else:
        job.good.append([identity, "true" if created else "false", *row])


def _keyless(job: IngestJob, row: list[str]) -> bool:
    key = str(job.info.get("externalIdFieldName", "")).lower()
    return any(name.lower() == key and not cell for name, cell in zip(job.columns, row, strict=False))


def _apply(site: Site, job: IngestJob, kind: ObjectType, writer: Writer, row: list[str]) -> tuple[str, bool]:
    operation = job.info["operation"]
    given = _given(job, kind, row)
    if operation == "insert":
        return writer.create(kind.name, given), True
    if operation == "upsert":
        key = str(job.info["externalIdFieldName"])
        value = next((one for name, one in given.items() if name.lower() == key.lower()), None)
        result = upsert_one(writer, kind.name, key, value, given)
        return str(result["id"]), bool(result["created"])
    identity = ids.normalise(given.get("Id") or given.get("id"))
    if identity is None:
        raise Refusal("MALFORMED_ID", f"malformed id {given.get('Id')}", fields=["Id"])
    if operation == "update":
        writer.update(kind.name, identity, given)
    else:
        life = Lifecycle(site.state, job.call.rights)
        life.live(identity, kind.name)
        (life.hard_delete if operation == "hardDelete" else life.delete)(identity)
    return identity, False
