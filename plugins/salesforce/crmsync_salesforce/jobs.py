"""Jobs of Bulk API 2.0, of whichever kind: what the server tells of one, and waiting for its end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

import msgspec

from crmsync.pacing import Backoff
from crmsync_salesforce.client import Answer
from crmsync_salesforce.errors import Fault, Faulty
from crmsync_salesforce.settings import SalesforceSettings

COMPLETE = "JobComplete"
_ENDED = frozenset({COMPLETE, "Failed", "Aborted"})


class Job(msgspec.Struct):
    """A job as the server tells of it."""

    id: str
    state: str = ""
    object: str = ""
    numberRecordsProcessed: int | None = None  # noqa: N815 - the vendor's spelling
    errorMessage: str | None = None  # noqa: N815

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.state in _ENDED


def read_job(answer: Answer) -> Job:
    """The job of an answer. Raises Faulty."""
    try:
        return msgspec.json.decode(answer.body, type=Job)
    except msgspec.MsgspecError as error:
        raise Faulty(Fault("BULK_FAILED", f"the server's answer about a job cannot be read: {error}")) from error


async def until_ended(settings: SalesforceSettings, ask: Callable[[], Awaitable[Job]]) -> Job | None:
    """Ask for a job until it has ended; None where that takes longer than the settings allow."""
    until = time.monotonic() + settings.bulk_deadline_seconds
    pause = Backoff(first=2.0 * min(1.0, settings.backoff_seconds), longest=30.0)
    wait = 0.0
    while True:
        found = await ask()
        if found.ended:
            return found
        if time.monotonic() > until:
            return None
        wait = min(pause.longest, wait * 1.5 if wait else pause.first / 20)
        await asyncio.sleep(wait)
