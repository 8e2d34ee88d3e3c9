"""How actions end: bounded in their tries, told on the person, and listed where they failed."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from crmsync.actions import KINDS
from crmsync.actions.jobs import SKIPPED, Job
from crmsync.clock import Clock, stamp
from crmsync.store.links import row_values
from crmsync.store.people import actions
from crmsync.store.people.actions import DONE, FAILED, REFUSED, RUNNING, WAITING
from crmsync.store.programs.links import stands
from crmsync.store.records import Trouble, save_trouble
from crmsync.store.sending.refused import Refusal, save_refusal

ACTION = "action"
TRIED = "It was tried often enough, and is not tried again; ask for it anew once the cause is gone."


def ended(con: sqlite3.Connection, jobs: Sequence[Job], run: int, clock: Clock, retries: int) -> None:
    """Store how jobs stand. Those that were tried too often have failed, unless the CRM still owes an answer."""
    at, lost = stamp(clock.now()), actions.lost(con, [job.id for job in jobs])
    for job in jobs:
        if job.state == WAITING and job.id in lost:
            job.state = RUNNING
        elif job.state in (WAITING, RUNNING) and job.tries >= retries and job.id not in lost:
            job.give_up()
            job.tell(TRIED)
        if job.state == DONE and job.code != SKIPPED:
            _note(con, job, run, at)
        elif job.state in (REFUSED, FAILED) and not job.listed:
            _list(con, job, run, at)
    waits = {job.id: stamp(clock.now() + job.wait) if job.wait is not None else None for job in jobs}
    actions.end(con, [job.as_ended(waits[job.id]) for job in jobs], at)


def _here(con: sqlite3.Connection, job: Job) -> bool:
    return stands(con, "person") and row_values(con, "person", job.person_id) is not None


def _note(con: sqlite3.Connection, job: Job, run: int, at: str) -> None:
    """What was done is an activity of the person (R-333)."""
    if _here(con, job):
        actions.note(con, job.person_id, KINDS[job.kind].title, job.as_ended(None), at, run)


def _list(con: sqlite3.Connection, job: Job, run: int, at: str) -> None:
    said = f"{job.kind} (action {job.id}): {' '.join(job.said)}"
    if _here(con, job):
        refusal = Refusal(
            object="", operation=ACTION, entity="person", row_id=job.person_id, crm_id=job.crm_id, code=job.code,
            message=said,
        )  # fmt: skip
        save_refusal(con, refusal, run, at)
        return
    trouble = Trouble(
        run=run, level="record", operation=ACTION, row_id=job.person_id or None, code=job.code, message=said
    )
    save_trouble(con, trouble, at)
