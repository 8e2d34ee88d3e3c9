"""The yardsticks: what a good engineer writes with simple-salesforce and sqlite3 when there is an hour for it.

`python -m benchmarks.scripts rest ADDRESS DATABASE`. No types beyond SQLite's own, no journal, no links, no cursor.
simple-salesforce speaks https only; its session is given an adapter that leaves the TLS out, as the other side does.
"""

from __future__ import annotations

import csv
import sqlite3
import sys
import tempfile
from collections.abc import Iterable
from operator import itemgetter
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from simple_salesforce.api import Salesforce

FIELDS = (
    "Id", "SystemModstamp", "CreatedDate", "AccountId", "OwnerId", "Salutation", "FirstName", "LastName", "Title",
    "Email", "Phone", "MobilePhone", "Fax", "MailingStreet", "MailingCity", "MailingState", "MailingPostalCode",
    "MailingCountry", "LeadSource", "Description", "Birthdate", "HasOptedOutOfEmail", "mkto71_Lead_Score__c", "Tier__c",
    "External_Id__c", "Newsletter__c",
)  # fmt: skip
SOQL = f"SELECT {', '.join(FIELDS)} FROM Contact"
CREATE = f"CREATE TABLE IF NOT EXISTS contact (Id TEXT PRIMARY KEY, {', '.join(FIELDS[1:])})"
UPSERT = (
    f"INSERT INTO contact ({', '.join(FIELDS)}) VALUES ({', '.join('?' * len(FIELDS))}) "
    f"ON CONFLICT (Id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in FIELDS[1:])}"
)
BATCH = 200


class Plain(HTTPAdapter):
    """Speaks http where https is asked for."""

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:
        """Send it without TLS."""
        request.url = (request.url or "").replace("https://", "http://", 1)
        return super().send(request, *args, **options)


def connected(address: str) -> Salesforce:
    """A client with a session made elsewhere."""
    session = requests.Session()
    session.mount("https://", Plain())
    return Salesforce(instance=address.split("://")[1], session_id="00D000000000001!A", session=session, version="62.0")


def stored(database: str, rows: Iterable[Any]) -> None:
    """Upsert the rows in one transaction."""
    con = sqlite3.connect(database)
    con.execute("PRAGMA journal_mode = WAL")
    con.execute("PRAGMA synchronous = NORMAL")
    con.execute(CREATE)
    with con:
        con.executemany(UPSERT, rows)
    con.close()


def rest(address: str, database: str) -> None:
    """Page by page through the REST API."""
    stored(database, map(itemgetter(*FIELDS), connected(address).query_all_iter(SOQL)))


def bulk(address: str, database: str) -> None:
    """By a bulk job, downloaded into files. The pause before the first poll (5 s) is left out."""
    with tempfile.TemporaryDirectory() as folder:
        contact: Any = connected(address).bulk2.Contact  # type: ignore[union-attr]
        results = contact.download(SOQL, path=folder, wait=0)
        for result in results:
            with Path(result["file"]).open(encoding="utf-8", newline="") as file:
                rows = csv.reader(file)
                next(rows)
                stored(database, rows)


def push(address: str, database: str) -> None:
    """Send what is marked as changed, and take the marks away where it was written."""
    sf, con = connected(address), sqlite3.connect(database)
    con.execute("PRAGMA synchronous = NORMAL")
    changed = con.execute("SELECT Id, Title FROM contact WHERE changed").fetchall()
    for start in range(0, len(changed), BATCH):
        records = [
            {"attributes": {"type": "Contact"}, "id": one, "Title": title}
            for one, title in changed[start : start + BATCH]
        ]
        results = sf.restful("composite/sobjects", method="PATCH", json={"allOrNone": False, "records": records})
        with con:
            done = [(one["id"],) for one in results or () if one["success"]]
            con.executemany("UPDATE contact SET changed = 0 WHERE Id = ?", done)
    con.close()


if __name__ == "__main__":
    {"rest": rest, "bulk": bulk, "push": push}[sys.argv[1]](*sys.argv[2:])
