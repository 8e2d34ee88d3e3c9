"""Bulk ingest jobs: one CSV upload, run when it is closed, with three result sets."""

from __future__ import annotations

import csv
import io
from email.parser import BytesParser
from typing import Any

from crmsync_salesforce.simulator.api.bulk_query import DELIMITERS, ENDINGS, TERMINAL, advance, info, spelling
from crmsync_salesforce.simulator.api.call import CSV, Call, Reply
from crmsync_salesforce.simulator.api.ingested import IngestJob, leave, run
from crmsync_salesforce.simulator.api.metadata import visible
from crmsync_salesforce.simulator.api.site import Site
from crmsync_salesforce.simulator.errors import Refusal
from crmsync_salesforce.simulator.fields import Values

OPERATIONS = frozenset({"insert", "update", "upsert", "delete", "hardDelete"})
MOST_BYTES = 150_000_000


def create(site: Site, call: Call) -> Reply:
    """Open a job; a multipart request brings its rows along and closes it at once."""
    site.need("bulk")
    body, content = _parts(call)
    kind = visible(site, call, str(body.get("object")))
    operation = body.get("operation")
    if operation not in OPERATIONS:
        raise Refusal("INVALIDJOB", f"Unknown operation: {operation}")
    if operation == "upsert" and not body.get("externalIdFieldName"):
        raise Refusal("INVALIDJOB", "externalIdFieldName is required for upsert")
    members = {**info(site, call, kind.name, str(operation)), **spelling(body)}
    if operation == "upsert":
        members["externalIdFieldName"] = body["externalIdFieldName"]
    if body.get("assignmentRuleId"):
        members["assignmentRuleId"] = body["assignmentRuleId"]
    members["contentUrl"] = f"services/data/v{call.version}/jobs/ingest/{members['id']}/batches"
    job = IngestJob(members["id"], members, call, site.settings.bulk_polls)
    site.jobs[job.id] = job
    if content is not None:
        job.upload = content
        members["state"] = "UploadComplete"
    return Reply(body=members)


def _parts(call: Call) -> tuple[Values, bytes | None]:
    kind = call.header("Content-Type")
    if not kind.lower().startswith("multipart/"):
        return call.json_object(), None
    message = BytesParser().parsebytes(b"Content-Type: " + kind.encode() + b"\r\n\r\n" + call.body)
    found: dict[str, bytes] = {}
    for part in message.walk():
        name = part.get_param("name", header="Content-Disposition")
        content = part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(content, bytes):
            found[name] = content
    if set(found) != {"job", "content"}:
        raise Refusal("INVALIDJOB", "A multipart request has the parts job and content")
    return Call(method="POST", path="", headers={}, body=found["job"]).json_object(), found["content"]


def _job(site: Site, job: str) -> IngestJob:
    site.need("bulk")
    found = site.jobs.get(job)
    if not isinstance(found, IngestJob):
        raise Refusal("NOT_FOUND", "The requested resource does not exist")
    return found


def upload(site: Site, call: Call, job: str) -> Reply:
    """Take the rows of a job, once."""
    found = _job(site, job)
    if found.upload is not None or found.state != "Open":
        raise Refusal("CLIENTINPUTERROR", "Found multiple contents for job, please close/abort and create a new job")
    if len(call.body) > MOST_BYTES:
        raise Refusal("LIMIT_EXCEEDED", "The upload is larger than 150 MB", status=413)
    found.upload = call.body
    return Reply(201)


def change(site: Site, call: Call, job: str) -> Reply:
    """Close a job, which lets it run, or abort it."""
    found = _job(site, job)
    state = call.json_object().get("state")
    wrong = found.state in TERMINAL or (state == "UploadComplete" and found.state != "Open")
    if state not in {"UploadComplete", "Aborted"} or wrong:
        raise Refusal("INVALIDJOBSTATE", f"A job that is {found.state} cannot become {state}")
    found.info["state"] = state
    if state == "Aborted":
        leave(found)
    return Reply(body=found.info)


def status(site: Site, call: Call, job: str) -> Reply:
    """Where a job stands; a job that was closed runs when it is first asked about."""
    del call
    found = _job(site, job)
    if found.state == "UploadComplete":
        run(site, found)
    advance(found)
    extra: Values = {
        "jobType": "V2Ingest",
        "retries": 0,
        "totalProcessingTime": 100,
        "apiActiveProcessingTime": 80,
        "apexProcessingTime": 0,
        "numberRecordsProcessed": len(found.good) + len(found.bad),
        "numberRecordsFailed": len(found.bad),
    }
    return Reply(body={**found.info, **extra})


def delete(site: Site, call: Call, job: str) -> Reply:
    """Forget a job that does not run."""
    del call
    found = _job(site, job)
    if found.state not in TERMINAL | {"UploadComplete"}:
        raise Refusal("INVALIDJOBSTATE", f"A job that is {found.state} cannot be deleted")
    del site.jobs[job]
    return Reply(204)


def listing(site: Site, call: Call) -> Reply:
    """All ingest jobs."""
    del call
    jobs = [{**one.info, "jobType": "V2Ingest"} for one in site.jobs.values() if isinstance(one, IngestJob)]
    return Reply(body={"done": True, "records": jobs, "nextRecordsUrl": None})


def results(site: Site, call: Call, job: str, which: str) -> Reply:
    """One of the three result sets, as CSV."""
    del call
    found = _job(site, job)
    sets: dict[str, tuple[list[str], list[list[str]]]] = {
        "successfulResults": (["sf__Id", "sf__Created"], found.good),
        "failedResults": (["sf__Id", "sf__Error"], found.bad),
    }
    lead, rows = sets.get(which, ([], found.unprocessed))
    text = io.StringIO()
    delimiter, ending = DELIMITERS[found.info["columnDelimiter"]], ENDINGS[found.info["lineEnding"]]
    writer: Any = csv.writer(text, delimiter=delimiter, lineterminator=ending, quoting=csv.QUOTE_ALL)
    writer.writerow([*lead, *found.columns])
    writer.writerows(rows)
    return Reply(200, text.getvalue().encode(), {}, CSV)
