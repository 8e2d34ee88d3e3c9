"""Bulk query jobs: their states as a poller sees them, and results as CSV in pages."""

from __future__ import annotations

import base64
import csv
import io
from typing import Any

from msgspec import Struct

from crmsync_salesforce.simulator.api.call import CSV, Call, Reply
from crmsync_salesforce.simulator.api.site import Site
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.fields import Values
from crmsync_salesforce.simulator.soql import tree
from crmsync_salesforce.simulator.soql.parser import parse
from crmsync_salesforce.simulator.soql.run import Found, Runner
from crmsync_salesforce.simulator.values import csv_cell

DELIMITERS = {
    "COMMA": ",", "SEMICOLON": ";", "TAB": "\t", "PIPE": "|", "CARET": "^", "BACKQUOTE": "`",
}  # fmt: skip
ENDINGS = {"LF": "\n", "CRLF": "\r\n"}
TERMINAL = frozenset({"JobComplete", "Failed", "Aborted"})
UNSUPPORTED = frozenset({"LeadStatus", "OpportunityStage", "TaskStatus"})
_PAGES = 5


class QueryJob(Struct):
    """One query job; `polls` is how many more status calls find it unfinished."""

    id: str
    info: Values
    found: Found
    polls: int
    version: str

    @property
    def state(self) -> str:
        """Where the job stands."""
        return str(self.info["state"])


def info(site: Site, call: Call, object_name: str, operation: str) -> Values:
    """The members every new job has."""
    stamp = site.state.stamp()
    return {
        "id": site.next_job(),
        "operation": operation,
        "object": object_name,
        "createdById": call.rights.user_id,
        "createdDate": stamp,
        "systemModstamp": stamp,
        "state": "Open",
        "concurrencyMode": "Parallel",
        "contentType": "CSV",
        "apiVersion": float(call.version),
    }


def spelling(body: Values) -> Values:
    """The CSV manner of a job; raises on what the vendor does not know."""
    ending, delimiter = body.get("lineEnding", "LF"), body.get("columnDelimiter", "COMMA")
    if ending not in ENDINGS or delimiter not in DELIMITERS or body.get("contentType", "CSV") != "CSV":
        raise Refusal("INVALIDENTITY", "Unsupported contentType, lineEnding or columnDelimiter")
    return {"lineEnding": ending, "columnDelimiter": delimiter}


def create(site: Site, call: Call) -> Reply:
    """Take a query as a job."""
    site.need("bulk")
    body = call.json_object()
    operation, text = body.get("operation"), body.get("query")
    if operation not in {"query", "queryAll"} or not isinstance(text, str):
        raise Refusal("API_ERROR", "A query job needs an operation of query or queryAll, and a query")
    _suits_bulk(parse(text))
    site.state.settle()
    found = Runner(site.state, call.rights, everything=operation == "queryAll").run(text)
    name = found.shape.table.kind.name
    if name in UNSUPPORTED:
        raise Refusal("INVALIDENTITY", f"Entity '{name}' is not supported by the Bulk API.")
    for column, field, _ in found.shape.cells():
        if field.type in {"address", "location", "base64"}:
            raise Refusal("FEATURENOTENABLED", f"Cannot serialize value for '{column}' in CSV format")
    members = {**info(site, call, name, operation), "state": "UploadComplete", **spelling(body)}
    job = QueryJob(members["id"], members, found, site.settings.bulk_polls, call.version)
    site.jobs[job.id] = job
    return Reply(body=job.info)


def _suits_bulk(query: tree.Query) -> None:
    nested = any(isinstance(item, tree.Query) for item in query.items)
    if nested or query.aggregates or query.counts or query.offset:
        raise Refusal("API_ERROR", "Sub-selects, aggregates, GROUP BY and OFFSET are not supported in bulk queries")


def _job(site: Site, job: str) -> QueryJob:
    site.need("bulk")
    found = site.jobs.get(job) or site.jobs.get(job[:15])
    if not isinstance(found, QueryJob):
        raise Refusal("NOT_FOUND", "The requested resource does not exist")
    return found


def advance(job: Any) -> None:
    """Let a job that runs come one poll nearer its end."""
    if job.state not in {"UploadComplete", "InProgress"} or job.polls < 0:
        return
    job.info["state"] = "InProgress" if job.polls else "JobComplete"
    job.polls = max(0, job.polls - 1)


def status(site: Site, call: Call, job: str) -> Reply:
    """Where a job stands."""
    del call
    found = _job(site, job)
    advance(found)
    extra: Values = {"jobType": "V2Query", "retries": 0, "totalProcessingTime": 100, "isPkChunkingSupported": True}
    extra["numberRecordsProcessed"] = found.found.total if found.state == "JobComplete" else 0
    return Reply(body={**found.info, **extra})


def change(site: Site, call: Call, job: str) -> Reply:
    """Abort a job."""
    found = _job(site, job)
    if call.json_object().get("state") != "Aborted":
        raise Refusal("INVALIDJOBSTATE", "A query job can only be aborted")
    if found.state in TERMINAL:
        raise Refusal("INVALIDJOBSTATE", f"Aborting already {found.state} Job not allowed")
    found.info["state"] = "Aborted"
    return Reply(body=found.info)


def delete(site: Site, call: Call, job: str) -> Reply:
    """Forget a job that has ended."""
    del call
    found = _job(site, job)
    if found.state not in TERMINAL:
        raise Refusal("API_ERROR", "Error encountered when deleting the job because the job is not terminated")
    del site.jobs[found.id]
    return Reply(204)


def listing(site: Site, call: Call) -> Reply:
    """All query jobs."""
    del call
    jobs = [{**one.info, "jobType": "V2Query"} for one in site.jobs.values() if isinstance(one, QueryJob)]
    return Reply(body={"done": True, "records": jobs, "nextRecordsUrl": None})


def _locator(offset: int) -> str:
    return base64.urlsafe_b64encode(str(offset).encode()).decode().rstrip("=")


def _offset(locator: str) -> int:
    if not locator:
        return 0
    try:
        return int(base64.urlsafe_b64decode(locator + "=" * (-len(locator) % 4)))
    except ValueError as error:
        raise Refusal("INVALID_LOCATOR", "Invalid locator", status=400) from error


def _finished(call: Call, job: QueryJob) -> None:
    if job.state != "JobComplete":
        raise Refusal("JOB_NOT_COMPLETE", f"The job is not complete: {job.state}", status=400)
    if call.version != job.version:
        raise Refusal("API_ERROR", "The results must be read with the version the job was made with", status=409)


def results(site: Site, call: Call, job: str) -> Reply:
    """One page of a finished job's rows, with a header line of its own."""
    found = _job(site, job)
    _finished(call, found)
    asked = call.query.get("maxRecords", "")
    size = max(1, int(asked)) if asked.isdigit() else site.settings.bulk_page
    start = _offset(call.query.get("locator", ""))
    rows = found.found.rows[start : start + size]
    more = start + size < len(found.found.rows)
    headers = {"Sforce-NumberOfRecords": str(len(rows)), "Sforce-Locator": _locator(start + size) if more else "null"}
    return Reply(200, _csv(found, rows), headers, CSV)


def _csv(job: QueryJob, rows: Any) -> bytes:
    text = io.StringIO()
    ending, delimiter = ENDINGS[job.info["lineEnding"]], DELIMITERS[job.info["columnDelimiter"]]
    writer = csv.writer(text, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL)
    cells = job.found.shape.cells()
    if float(job.version) < 50:  # noqa: PLR2004 - older versions sort the columns
        cells = sorted(cells, key=lambda one: one[0])
    writer.writerow([name for name, _, _ in cells])
    writer.writerows([csv_cell(field, read(row)) for _, field, read in cells] for row in rows)
    return text.getvalue().encode()


def result_pages(site: Site, call: Call, job: str) -> Reply:
    """Up to five addresses of result pages that may be read side by side."""
    found = _job(site, job)
    _finished(call, found)
    size, total = site.settings.bulk_page, len(found.found.rows)
    start = _offset(call.query.get("locator", ""))
    starts = list(range(start, max(total, start + 1), size))
    base = f"{call.base}/jobs/query/{found.id}"
    pages = [{"resultUrl": f"{base}/results?locator={_locator(one)}&maxRecords={size}"} for one in starts[:_PAGES]]
    body: Values = {"resultPages": pages, "done": len(starts) <= _PAGES}
    if not body["done"]:
        body["nextRecordsUrl"] = f"{base}/resultPages?locator={_locator(starts[_PAGES])}"
    return Reply(body=body)
