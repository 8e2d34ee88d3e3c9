"""The yardsticks: what a good engineer writes with Microsoft's client and sqlite3 when there is an hour for it.

`python -m benchmarks.dynamics.scripts dynamics ADDRESS DATABASE`. No journal, no links, no cursor.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from operator import itemgetter
from typing import Any

from azure.core.credentials import AccessToken
from PowerPlatform.Dataverse.client import DataverseClient

from benchmarks.dynamics.contacts import FIELDS
from benchmarks.scripting import Marked, Plain, stored

BATCH = 1_000


class Given:
    """A token made elsewhere."""

    def get_token(self, *scopes: str, **options: Any) -> AccessToken:
        """The token."""
        del scopes, options
        return AccessToken("bench", int(time.time()) + 3_600)


@contextmanager
def connected(address: str) -> Iterator[Any]:
    """A client with a session of its own."""
    with DataverseClient(address.replace("http://", "https://"), Given()) as client:
        client._session.mount("https://", Plain())  # type: ignore[union-attr]  # noqa: SLF001 - it offers no other way
        yield client


def load(address: str, database: str) -> None:
    """Page by page."""
    row = itemgetter(*FIELDS)
    with connected(address) as client:
        pages = client.records.list_pages("contact", select=list(FIELDS), page_size=5_000)
        stored(database, FIELDS, (row(record.data) for page in pages for record in page))


def push(address: str, database: str) -> None:
    """Send what is marked as changed in as few messages as is wise, and take the marks away."""
    marked = Marked(database, "contactid", "jobtitle")
    with connected(address) as client:
        changed = marked.changed()
        for start in range(0, len(changed), BATCH):
            some = changed[start : start + BATCH]
            ids = [one for one, _ in some]
            client.records.update("contact", ids, [{"jobtitle": title} for _, title in some])
            marked.done(ids)
    marked.close()


if __name__ == "__main__":
    {"dynamics": load, "push": push}[sys.argv[1]](*sys.argv[2:])
