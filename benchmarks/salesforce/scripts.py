"""The yardsticks: what a good engineer writes with simple-salesforce and sqlite3 when there is an hour for it.

`python -m benchmarks.salesforce.scripts rest ADDRESS DATABASE`. No journal, no links, no cursor.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from operator import itemgetter
from pathlib import Path
from typing import Any

import requests
from simple_salesforce.api import Salesforce

from benchmarks.salesforce.contacts import FIELDS
from benchmarks.scripting import Marked, Plain, stored

SOQL = f"SELECT {', '.join(FIELDS)} FROM Contact"
BATCH = 200


def connected(address: str) -> Salesforce:
    """A client with a session made elsewhere."""
    session = requests.Session()
    session.mount("https://", Plain())
    return Salesforce(instance=address.split("://")[1], session_id="00D000000000001!A", session=session, version="62.0")


def rest(address: str, database: str) -> None:
    """Page by page through the REST API."""
    stored(database, FIELDS, map(itemgetter(*FIELDS), connected(address).query_all_iter(SOQL)))


def bulk(address: str, database: str) -> None:
    """By a bulk job, downloaded into files. The pause before the first poll (5 s) is left out."""
    with tempfile.TemporaryDirectory() as folder:
        contact: Any = connected(address).bulk2.Contact  # type: ignore[union-attr]
        results = contact.download(SOQL, path=folder, wait=0)
        for result in results:
            with Path(result["file"]).open(encoding="utf-8", newline="") as file:
                rows = csv.reader(file)
                next(rows)
                stored(database, FIELDS, rows)


def push(address: str, database: str) -> None:
    """Send what is marked as changed, and take the marks away where it was written."""
    sf, marked = connected(address), Marked(database, "Id", "Title")
    changed = marked.changed()
    for start in range(0, len(changed), BATCH):
        records = [
            {"attributes": {"type": "Contact"}, "id": one, "Title": title}
            for one, title in changed[start : start + BATCH]
        ]
        results = sf.restful("composite/sobjects", method="PATCH", json={"allOrNone": False, "records": records})
        marked.done(one["id"] for one in results or () if one["success"])
    marked.close()


if __name__ == "__main__":
    {"rest": rest, "bulk": bulk, "push": push}[sys.argv[1]](*sys.argv[2:])
